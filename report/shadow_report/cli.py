"""The command line: `shadow-report compare` and what else there is. Each command is a module that adds itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from shadow_report import comparing
from shadow_report.collect import command as collect
from shadow_report.errors import ReportError


def parser() -> argparse.ArgumentParser:
    """The whole command line. A command's `add` sets `run`, which takes the options and returns the exit
    status."""
    whole = argparse.ArgumentParser(
        prog="shadow-report", description="Does the shadow version behave like the live one?"
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    collect.add(commands)
    comparing.add(commands)
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
