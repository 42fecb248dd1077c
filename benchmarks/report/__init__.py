"""What the shadow report costs: against the same join written by hand, and against pandas."""
