"""`stop-mirroring`: stops all copying of live requests of a stack, now and for the next `pulumi up`.

First the copies are taken out of the routes in the cluster, which takes no lock and waits for nothing: not for
a shadow that does not start, nor for a `pulumi up` that waits for it. Then the percentages in the stack's config
are set to 0. Nothing else is changed: other changes in the config stay there until the next `pulumi up`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import routes
from .cluster import Cluster, access
from .errors import CommandError
from .report import Report
from .stack import ELSEWHERE, NoStack, Service, Stack, named
from .watch import Watch

SUMMARY = "Stops all copying of live requests."
QUIET_SECONDS = 5.0
LIMIT_SECONDS = 30.0


def stop(stack: NoStack, service: Service, cluster: Cluster, begun: float, quiet: float) -> Report:
    """Stops the copies, and watches the last of them arrive."""
    with _config_at_least(stack, service):
        copying = cluster.copying()
        targets = [target for found in copying for target in routes.copied_to(routes.listed(found))]
        named = routes.versions(service.name, targets)
        with Watch(cluster, sorted((named | set(service.percentages)) - {ELSEWHERE})) as watch:
            cluster.cut(copying)
            changed = time.monotonic()
            problems = list(_write_down(stack, service))
            stopped = watch.until_quiet(changed, quiet, quiet + LIMIT_SECONDS)
        problems += _still(cluster, stopped)
    return Report(
        stack=stack.name,
        service=service.name,
        namespace=service.namespace,
        percentages=dict(service.percentages),
        cut=tuple(found["metadata"]["name"] for found in copying),
        routes_changed=changed - begun,
        last_copy=watch.arrivals.last - begun if watch.arrivals.last else None,
        proxies=tuple(watch.arrivals.proxies),
        unread=dict(watch.unread),
        problems=tuple(problems),
    )


@contextmanager
def _config_at_least(stack: NoStack, service: Service) -> Iterator[None]:
    """Where the cluster cannot be changed, the config is, so that `pulumi up` can do the rest."""
    try:
        yield
    except CommandError as problem:
        way_on = next(_write_down(stack, service), stack.way_on)
        raise CommandError(f"{problem}\nREQUESTS MAY STILL BE COPIED; {way_on}") from problem


def _write_down(stack: NoStack, service: Service) -> Iterator[str]:
    """Sets the config to 0; yields what is wrong if that fails."""
    try:
        stack.stop(list(service.percentages))
    except CommandError as problem:
        yield f"the config was not changed, so the next `pulumi up` copies again: {problem}"


def _still(cluster: Cluster, stopped: bool) -> Iterator[str]:
    """What is wrong afterwards."""
    again = [found["metadata"]["name"] for found in cluster.copying()]
    if again:
        yield (
            f"{', '.join(again)} copies again: a `pulumi up` that began before, or a GitOps controller, put it "
            "back. Stop that, then run this again"
        )
    elif not stopped:
        yield "requests still reach the shadow, by another way than this service's routes"


def arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--stack", help="the stack, of this program")
    which.add_argument(
        "--service",
        metavar="NAMESPACE/NAME",
        help="a service of any program: its routes only, in kubectl's current cluster, and without Pulumi",
    )
    parser.add_argument("--cwd", default=".", help="the directory of its Pulumi program (default: this one)")
    parser.add_argument(
        "--quiet-seconds",
        type=float,
        default=QUIET_SECONDS,
        help=f"without copies, until they count as stopped (default: {QUIET_SECONDS:g}; more with few requests)",
    )
    parser.add_argument("--json", action="store_true", help="the report for programs")


def _pull(options: argparse.Namespace, begun: float) -> Report:
    if options.service:
        service = named(options.service)
        cluster = Cluster(service.name, service.namespace, [])
        return stop(NoStack(), service, cluster, begun, options.quiet_seconds)
    stack = Stack(options.stack, options.cwd)
    service = stack.service()
    with access(stack.cluster()) as chosen:
        cluster = Cluster(service.name, service.namespace, chosen)
        return stop(stack, service, cluster, begun, options.quiet_seconds)


def execute(options: argparse.Namespace) -> int:
    """0: nothing is copied any more; 1: something is amiss."""
    begun = time.monotonic()
    try:
        report = _pull(options, begun)
    except CommandError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(report.as_json() if options.json else report.as_text())
    return 1 if report.problems else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m kill_switch", description=SUMMARY)
    arguments(parser)
    return execute(parser.parse_args())
