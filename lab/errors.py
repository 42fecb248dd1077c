"""The one exception that the lab raises for what its user can act on."""


class LabError(Exception):
    """Says in plain words what failed and what to try; the command line prints it and exits with 1."""
