"""`status`: what is live, shadow and idle, and what reaches it."""
