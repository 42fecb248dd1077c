"""The command line: `shadow-report compare` and what else there is. Each command is a module that adds itself."""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Sequence

from shadow_report.errors import CRASHED, INTERRUPTED, STATUSES, WRONG, ReportError


def parser() -> argparse.ArgumentParser:
    """The whole command line. A command's `add` sets `run`, which takes the options and returns the exit
    status."""
    # Here, so that an installation that lacks something is told from a verdict.
    from shadow_report import comparing
    from shadow_report.collect import command as collect

    whole = argparse.ArgumentParser(
        prog="shadow-report", description="Does the shadow version behave like the live one?", epilog=STATUSES
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    collect.add(commands)
    comparing.add(commands)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit status, see STATUSES."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may know less than Unicode
    try:
        options = parser().parse_args(arguments)
        status: int = options.run(options)
        sys.stdout.flush()
    except ReportError as problem:
        print(f"shadow-report: {problem}", file=sys.stderr)
        return WRONG
    except SystemExit:  # help, or arguments that cannot be read
        raise
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseException as problem:
        return _crashed(problem)
    return status


def _crashed(problem: BaseException) -> int:
    if isinstance(problem, OSError):
        print(f"shadow-report: {problem}; this is no verdict", file=sys.stderr)
    else:
        traceback.print_exception(problem)
        print("shadow-report: failed by itself, as told above; this is no verdict", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # it would be tried again at the end, and make another exit status
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return CRASHED
