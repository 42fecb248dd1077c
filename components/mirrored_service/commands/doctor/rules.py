"""DestinationRules of others for the service's hosts. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from . import names
from .finding import DANGER, WARNING, Finding, NotChecked
from .seen import Seen
from .subject import key, said

Findings = Iterator[Finding | NotChecked]


def destination_rule(seen: Seen) -> Findings:
    yield from seen.gaps("DestinationRule")
    subject = seen.subject
    own = {version.name for version in subject.versions}
    for found in seen.others(seen.everywhere("DestinationRule")):
        host = names.full(found["spec"].get("host", ""), key(found)[1], subject.domain)
        subsets = {subset["name"] for subset in found["spec"].get("subsets") or ()}
        policy = found["spec"].get("trafficPolicy")
        if any(names.covers(host, ours) for ours in subject.routed_hosts) and (policy or subsets):
            yield Finding(
                DANGER,
                f"{said(found)} is for {host}, which the routes lead to",
                "Istio merges the rules of a host: its trafficPolicy holds for live requests and copies, "
                "or none of this service's rules does, if it is the closer one to some callers"
                + (
                    f"; its subsets {', '.join(sorted(subsets & own))} are this service's too"
                    if subsets & own
                    else ""
                ),
                "delete it; what live requests need goes into trafficPolicy of this service",
            )
        elif host == subject.host and (policy or subsets):
            yield Finding(
                WARNING,
                f"{said(found)} is for {host}",
                f"requests go by this service's routes to {', '.join(subject.routed_hosts)}: what it says of "
                "sticky sessions, limits or TLS has no effect on them",
                "take what live requests need into trafficPolicy of this service, then delete it",
            )
