"""The command line: `shadow-report compare` and what else there is, one function that adds each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from shadow_report.errors import ReportError

# Each command is a module with `add(commands)`, which adds its parser and sets `run` to a function that takes the
# parsed options and returns the exit status.
COMMANDS: tuple[object, ...] = ()


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(prog="shadow-report", description="Does the shadow behave like the live version?")
    whole.add_subparsers(required=True, metavar="COMMAND")
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 PASS or done, 1 FAIL, 2 wrong use or input, 3 INCONCLUSIVE."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except ReportError as problem:
        print(f"shadow-report: {problem}", file=sys.stderr)
        return 2
    return status
