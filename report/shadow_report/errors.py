"""The error that a user can do something about, and what a pipeline is told."""

# FAIL alone is 1, which is also what Python makes of a crash: none may get that far.
WRONG = 2
CRASHED = 4
INTERRUPTED = 130
STATUSES = (
    "Exit status: 0 PASS or done, 1 FAIL, 2 wrong use or input, 3 INCONCLUSIVE, 4 the report itself failed, "
    "130 Ctrl-C."
)


class ReportError(Exception):
    """Says what is wrong and what to do next; printed without a stack trace, exit status 2."""
