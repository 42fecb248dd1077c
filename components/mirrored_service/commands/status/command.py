"""`mirrored-service status`: its options, and what it reads and prints."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from ...reading.fields import InvalidArgsError
from .. import which
from ..doctor.subject import Object, Subject, in_cluster
from ..kill_switch.arrivals import requests_passed_on
from ..kill_switch.cluster import access
from ..kill_switch.errors import CommandError
from ..kill_switch.stack import named
from ..kubectl import Kubectl
from ..stack import Stack
from .counting import Counted, Reading, between, missed
from .report import Status
from .roles import Role, copied_methods, roles
from .waiting import waiting

SUMMARY = "Tells what is live, shadow and idle, and which requests and copies reach it."
KINDS = ("Deployment", "DestinationRule", "HTTPRoute", "Service", "VirtualService")
SECONDS = 5.0
EXPECT_SECONDS = 30.0
READ_AT_ONCE = 8
SUCCEEDED, GETS_NOTHING, CANNOT_TELL = 0, 1, 2


def arguments(parser: argparse.ArgumentParser) -> None:
    which.arguments(parser, stack="the stack: how old its last `up` is, too")
    parser.add_argument(
        "--seconds",
        type=float,
        help=f"for which requests are counted (default: {SECONDS:g}); with --expect at most that long "
        f"(default: {EXPECT_SECONDS:g})",
    )
    parser.add_argument(
        "--expect", action="store_true", help="fail if a version that should get requests gets none"
    )
    parser.add_argument("--watch", action="store_true", help="again and again, until it is interrupted")
    parser.add_argument("--json", action="store_true", help="for programs, one line each time")


def execute(options: argparse.Namespace) -> int:
    try:
        name, namespace, cluster, last_up = _which(options)
        with access(cluster) as chosen:
            service = _Service(Kubectl(chosen), name, namespace)
            while True:
                ended = _tell(service, options, last_up)
                if not options.watch:
                    return ended
    except (CommandError, InvalidArgsError) as problem:
        print(problem, file=sys.stderr)
        return CANNOT_TELL
    except KeyboardInterrupt:  # how --watch ends
        return SUCCEEDED


def _which(options: argparse.Namespace) -> tuple[str, str, dict[str, str], Mapping[str, Any] | None]:
    """The service, its cluster, and the last `up` of its stack."""
    if options.service:
        service = named(options.service)
        return service.name, service.namespace, {}, None
    stack = Stack(options.stack, options.cwd)
    name, namespace = stack.service()
    return name, namespace, stack.cluster(), stack.last_update()


def _tell(service: _Service, options: argparse.Namespace, last_up: Mapping[str, Any] | None) -> int:
    limit = options.seconds or (EXPECT_SECONDS if options.expect else SECONDS)
    if sys.stderr.isatty() and not options.watch:
        print(f"counting for {limit:g} s ...", file=sys.stderr)
    subject, found, counted = service.count(limit, until_all_got_some=options.expect)
    none, unclear = missed(found, counted)
    status = Status(
        service=service.name,
        namespace=service.namespace,
        roles=found,
        methods=copied_methods(subject),
        counted=counted,
        waiting=waiting(found, service.events(found)),
        last_up=last_up,
        none=none,
        unclear=unclear,
    )
    now = datetime.now(UTC)
    print(status.as_json() if options.json else status.as_text(now, expect=options.expect), flush=True)
    if options.watch and not options.json:
        print(flush=True)
    if not options.expect:
        return SUCCEEDED
    return GETS_NOTHING if none else CANNOT_TELL if unclear else SUCCEEDED


class _Service:
    """One service in a cluster."""

    def __init__(self, kubectl: Kubectl, name: str, namespace: str) -> None:
        self._kubectl, self.name, self.namespace = kubectl, name, namespace

    def count(self, limit: float, *, until_all_got_some: bool) -> tuple[Subject, list[Role], Counted]:
        """What reaches the versions within so many seconds."""
        subject, found = self._roles()
        first = self._read(found)
        give_up = time.monotonic() + limit
        while True:
            time.sleep(max(0.0, min(1.0 if until_all_got_some else limit, give_up - time.monotonic())))
            subject, found = self._roles()
            counted = between(first, self._read(found), found)
            all_got_some = not any(missed(found, counted))
            if time.monotonic() >= give_up or (until_all_got_some and all_got_some):
                return subject, found, counted

    def events(self, found: Sequence[Role]) -> list[Object]:
        """Of the namespace, where a pod is not ready; none where they may not be read."""
        if all(role.ready == len(role.pods) for role in found):
            return []
        events, _ = self._kubectl.lists(["Event"], f"--namespace={self.namespace}")
        return list(events.get("Event", ()))

    def _roles(self) -> tuple[Subject, list[Role]]:
        objects, unread = self._kubectl.lists([*KINDS, "Pod"], f"--namespace={self.namespace}")
        if unread:
            raise CommandError(
                f"not to be read: {', '.join(f'{kind}s: {why}' for kind, why in unread.items())}"
            )
        pods = objects.pop("Pod")
        subject = in_cluster(
            self.name, self.namespace, [each for items in objects.values() for each in items]
        )
        if not subject.objects:
            raise CommandError(f"there is no mirrored service {self.name} in the namespace {self.namespace}")
        return subject, roles(subject, pods)

    def _read(self, found: Sequence[Role]) -> Reading:
        """What the proxies of all pods count."""
        names = [pod["metadata"]["name"] for role in found for pod in role.pods]
        counts, unread = {}, {}
        with ThreadPoolExecutor(READ_AT_ONCE) as pool:
            for name, told in zip(names, pool.map(self._passed_on, names), strict=True):
                if isinstance(told, str):
                    unread[name] = told
                else:
                    counts[name] = told
        return Reading(time.monotonic(), counts, unread)

    def _passed_on(self, pod: str) -> int | str:
        """The proxy's count; or why it does not tell."""
        ask = ("pilot-agent", "request", "GET", "clusters")
        where = (f"--namespace={self.namespace}", pod, "--container=istio-proxy")
        try:
            return requests_passed_on(self._kubectl.run("exec", *where, "--", *ask))
        except CommandError as problem:
            return str(problem).splitlines()[-1]
