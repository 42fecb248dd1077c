"""The error that a user can do something about."""


class ReportError(Exception):
    """Says what is wrong and what to do next; printed without a stack trace, exit status 2."""
