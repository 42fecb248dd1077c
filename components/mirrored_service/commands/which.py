"""The options by which a command is told which service it is about."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "NAMESPACE/NAME"


def arguments(parser: argparse.ArgumentParser, *, stack: str) -> None:
    """`--stack`, of which `stack` says what it is good for, or `--service`; and `--cwd`."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--stack", help=stack)
    which.add_argument(
        "--service", metavar=NAME, help="a service of any program, in kubectl's current cluster"
    )
    program(parser)


def program(parser: argparse.ArgumentParser) -> None:
    """`--cwd`."""
    parser.add_argument(
        "--cwd", type=Path, default=Path(), help="the directory of its Pulumi program (default: this one)"
    )
