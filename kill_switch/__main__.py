"""python -m kill_switch: stops all copying of live requests of a stack, now and for the next `pulumi up`.

First the copies are taken out of the routes in the cluster, which takes no lock and waits for nothing: not for
a shadow that does not start, nor for a `pulumi up` that waits for it. Then the percentages in the stack's config
are set to 0. Nothing else is changed: other changes in the config stay there until the next `pulumi up`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from . import routes
from .cluster import Cluster
from .errors import SwitchError
from .report import Report
from .stack import ELSEWHERE, NoStack, Service, Stack, named
from .watch import Watch

QUIET_SECONDS = 5.0
LIMIT_SECONDS = 30.0


def stop(stack: NoStack, service: Service, cluster: Cluster, begun: float, quiet: float) -> Report:
    """Stops the copies, and watches the last of them arrive."""
    with _config_at_least(stack, service):
        copying = cluster.copying()
        targets = [target for found in copying for target in routes.copied_to(found["spec"]["http"])]
        named = {subset.removesuffix(routes.COPIES) for _, subset in targets if subset}
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
    except SwitchError as problem:
        way_on = next(_write_down(stack, service), stack.way_on)
        raise SwitchError(f"{problem}\nREQUESTS MAY STILL BE COPIED; {way_on}") from problem


def _write_down(stack: NoStack, service: Service) -> Iterator[str]:
    """Sets the config to 0; yields what is wrong if that fails."""
    try:
        stack.stop(list(service.percentages))
    except SwitchError as problem:
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


@contextmanager
def _access(settings: Mapping[str, str]) -> Iterator[list[str]]:
    """kubectl's options for the cluster that the stack's config names; none: the environment's, as for Pulumi."""
    with TemporaryDirectory() as directory:
        kubeconfig = settings.get("kubeconfig", "")
        if "\n" in kubeconfig or kubeconfig.startswith("{"):  # the contents, not a path
            file = Path(directory, "kubeconfig")
            file.touch(mode=0o600)
            file.write_text(kubeconfig)
            kubeconfig = str(file)
        options = {"kubeconfig": kubeconfig, "context": settings.get("context", "")}
        yield [f"--{name}={value}" for name, value in options.items() if value]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kill_switch", description="Stops all copying of live requests."
    )
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
    return parser


def _pull(options: argparse.Namespace, begun: float) -> Report:
    if options.service:
        service = named(options.service)
        cluster = Cluster(service.name, service.namespace, [])
        return stop(NoStack(), service, cluster, begun, options.quiet_seconds)
    stack = Stack(options.stack, options.cwd)
    service = stack.service()
    with _access(stack.cluster()) as access:
        cluster = Cluster(service.name, service.namespace, access)
        return stop(stack, service, cluster, begun, options.quiet_seconds)


def main() -> int:
    begun = time.monotonic()
    options = _parser().parse_args()
    try:
        report = _pull(options, begun)
    except SwitchError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(report.as_json() if options.json else report.as_text())
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
