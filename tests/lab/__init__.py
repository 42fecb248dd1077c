"""The life of labs: start, failure, end, and two at once."""
