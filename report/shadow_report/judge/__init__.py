"""From aggregates to a verdict: what was measured, how sure it is, and what follows from it. Pure."""
