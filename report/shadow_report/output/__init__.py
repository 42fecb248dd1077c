"""What a verdict looks like: the page, the terminal, and JSON."""
