"""What goes wrong, in words for whoever ran the command."""


class CommandError(Exception):
    """The command did not do what it is for, or not wholly; the text says what to do."""
