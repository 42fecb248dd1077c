"""The program `mirrored-service`: which commands there are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import render
from .adopt import command as adopt
from .doctor import command as doctor
from .kill_switch import command as stop_mirroring
from .status import command as status

_EPILOG = """\
A stack is one of a Pulumi program whose config keys are the component's arguments, such as the program of the
repository that the component is from. `mirrored-service COMMAND --help` says more of a command.
"""
_ADOPTING = """\
It changes nothing itself. It prints what becomes of each object that it found, and writes the stack's config, the
files that its steps use, and the steps in and out (steps.md). Exit status: 0 when all of it can be expressed, 1
when not all can (files are written), 2 when nothing was written.
"""
_STOPPING = """\
First the copies are taken out of the routes in the cluster, then the percentages in the stack's config are set
to 0. Exit status: 0 when nothing is copied any more, 1 when something is amiss. `python3 -m kill_switch` in the
repository does the same with nothing installed.
"""
_EXAMINING = """\
It reads with kubectl, changes nothing, and tells of each danger why it matters and what to do. Exit status: 0
when nothing is dangerous, 1 when something is, 2 when that cannot be told, as something could not be read ("NOT
CHECKED").
"""
_WATCHING = """\
Requests are counted by the proxies of the pods that they reach. Exit status: 0; with --expect 1 when a version
that should get requests gets none, and 2 when that cannot be told.
"""
_RENDERING = """\
One file for each object, numbered in the order in which they can be applied. Neither the cluster nor the stack's
state is read. Exit status: 0 when they are written, 1 when nothing was.
"""


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="mirrored-service", description="For whoever runs a mirrored service.", epilog=_EPILOG
    )
    commands = found.add_subparsers(metavar="COMMAND", required=True)
    for name, command, epilog in (
        ("adopt", adopt, _ADOPTING),
        ("doctor", doctor, _EXAMINING),
        ("status", status, _WATCHING),
        ("render", render, _RENDERING),
        ("stop-mirroring", stop_mirroring, _STOPPING),
    ):
        made = commands.add_parser(name, help=command.SUMMARY, description=command.SUMMARY, epilog=epilog)
        command.arguments(made)
        made.set_defaults(execute=command.execute)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    ended: int = options.execute(options)
    return ended
