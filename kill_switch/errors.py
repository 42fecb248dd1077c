"""What goes wrong, in words for whoever pulled the switch."""


class SwitchError(Exception):
    """The copies could not be stopped, or not for good; the text says what to do."""
