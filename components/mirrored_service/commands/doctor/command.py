"""`mirrored-service doctor`: its options, and what it prints."""

from __future__ import annotations

import argparse
import sys

from ...reading.fields import InvalidArgsError
from ...reading.service import parse
from .. import which
from ..kill_switch.cluster import access
from ..kill_switch.errors import CommandError
from ..kill_switch.stack import named
from ..kubectl import Kubectl
from ..progress import progress
from ..stack import Stack
from . import report
from .judging import CANNOT_TELL, judge
from .reading import read
from .subject import Subject, of_config

SUMMARY = "Tells what endangers a mirrored service: before its first `pulumi up`, and at any time after."
ROOT = "istio-system"


def arguments(parser: argparse.ArgumentParser) -> None:
    which.arguments(parser, stack="the stack: what is in the cluster is compared with its config too")
    parser.add_argument(
        "--istio-namespace", default=ROOT, metavar="NAMESPACE", help=f"where Istio is (default: {ROOT})"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    parser.add_argument("--json", action="store_true", help="the findings for programs")


def execute(options: argparse.Namespace) -> int:
    """0: healthy; 1: something is dangerous; 2: that cannot be told."""
    try:
        subject, cluster = _subject(options)
        progress(f"reading what is around {subject.namespace}/{subject.name}")
        with access(cluster) as chosen:
            seen = read(Kubectl(chosen), subject, options.istio_namespace)
        if not seen.subject.objects:
            raise CommandError(
                f"there is no mirrored service {subject.name} in the namespace {subject.namespace}; before "
                "its first `up` its config tells what to look for: --stack"
            )
    except (CommandError, InvalidArgsError) as problem:
        print(problem, file=sys.stderr)
        return CANNOT_TELL
    found = judge(seen)
    status = found.status(strict=options.strict)
    print((report.as_json if options.json else report.as_text)(seen.subject, found, status))
    return status


def _subject(options: argparse.Namespace) -> tuple[Subject, dict[str, str]]:
    """Whom to judge, and in which cluster."""
    if options.service:
        service = named(options.service)
        return Subject(service.name, service.namespace, (), configured=False), {}
    stack = Stack(options.stack, options.cwd)
    subject = of_config(parse(stack.args()), secret=bool(stack.secrets()))
    return subject, stack.cluster()
