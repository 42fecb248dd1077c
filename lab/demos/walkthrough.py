"""`make up` and `make preview`: the lab, the stack dev, and the walkthrough's check."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from lab.cluster.lab import Lab
from lab.errors import LabError
from lab.kit.check import check
from lab.kit.stack import Stack
from mirrored_service import InvalidArgsError
from mirrored_service.reading import stack_config
from mirrored_service.reading.service import parse


def up(lab: Lab, options: argparse.Namespace) -> int:
    """Everything: the lab, `pulumi up`, the check. 0 if live traffic and the shadow are as configured."""
    begin = time.monotonic()
    stack = _stack_on_running_lab(lab, options)
    print(f"\npulumi up of the stack {stack.name}", flush=True)
    if status := stack.change("up", capture=False).returncode:
        print(f"\npulumi up failed, see above. To look at the pods: {_by_hand('kubectl get pods -A')}")
        return status
    status = _check(lab, stack, options)
    print(f"\n{time.monotonic() - begin:.0f} s in all. The service is at {lab.gateway_url}")
    print(f"Use pulumi and kubectl by hand: {_by_hand('pulumi preview --stack ' + stack.name)}")
    return status


def preview(lab: Lab, options: argparse.Namespace) -> int:
    """What `up` would change."""
    stack = _stack_on_running_lab(lab, options)
    return stack.change("preview", "--diff", capture=False).returncode


def check_only(lab: Lab, options: argparse.Namespace) -> int:
    """The check, for a stack that is up."""
    return _check(lab, Stack(lab, options.stack), options)


def _stack_on_running_lab(lab: Lab, options: argparse.Namespace) -> Stack:
    lab.up()
    stack = Stack(lab, options.stack)
    stack.select()
    return stack


def _check(lab: Lab, stack: Stack, options: argparse.Namespace) -> int:
    args: Any = stack_config.with_target(
        stack_config.read(stack.config()), lambda stack: stack_config.ANY_TARGET
    )
    report = check(lab, parse(args), options.requests)
    print(report.as_json() if options.json else f"\n{report.as_text()}")
    return 1 if report.problems else 0


def _by_hand(command: str) -> str:
    return f'eval "$(make -s env)"; {command}'


COMMANDS = {"up": up, "preview": preview, "check": check_only}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.demos.walkthrough", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--stack", default="dev", help="the stack (default: dev)")
    parser.add_argument(
        "--requests", type=int, default=100, help="requests that the check sends (default: 100)"
    )
    parser.add_argument("--json", action="store_true", help="the check's report for programs")
    options = parser.parse_args()
    lab = Lab()
    try:
        return COMMANDS[options.command](lab, options)
    except (LabError, InvalidArgsError) as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
