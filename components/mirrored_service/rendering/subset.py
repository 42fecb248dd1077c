"""Renders what a version is to the mesh: its subsets, and the log its sidecars write."""

from __future__ import annotations

from ..description.service import Service
from ..description.subset import Subset
from . import ISTIO, Manifest, manifest, tagging, traffic_policy


def destination_rule(service: Service, subset: Subset) -> Manifest:
    """A version as a subset for live requests; unless it is live, also as one of the same pods for copies,
    whose number is limited.

    Istio merges the rules of one host, so a version comes and goes with its rule. How live requests reach a
    version does not depend on its role. Copies to a version that is live have nowhere to go, and proxies drop
    them: they stop with this rule, before the version's pods or what contains it change for its new role.
    """
    # All pods of the host that others do not run are the service's: their version is enough.
    labels = dict(subset.pod_labels) or {"version": subset.name}
    policy = service.traffic_policy
    subsets: list[Manifest] = [{"name": subset.name, "labels": labels, **traffic_policy.of_live(policy)}]
    if not subset.live:
        spoken_to = traffic_policy.of_copies(policy, subset)
        subsets.append({"name": subset.copies_name, "labels": labels, **spoken_to})
    spec = {"host": service.versions_host, "subsets": subsets}
    return manifest(ISTIO, "DestinationRule", tagging.version_metadata(service, subset), spec)


def copies_rule(service: Service, subset: Subset) -> Manifest:
    """How many copies may wait, where they go to a Service of their own."""
    name = service.copies_name(subset)
    return _of_service(service, subset, name, name, traffic_policy.of_copies(service.traffic_policy, subset))


def live_rule(service: Service, subset: Subset) -> Manifest | None:
    """How live requests reach a version that is a Service of its own; None: as the mesh says. It is not called as
    the rule of subsets, so that a service can go over from one to the other."""
    policy = traffic_policy.of_live(service.traffic_policy)
    name = service.version_name(subset)
    return _of_service(service, subset, f"{name}-policy", name, policy) if policy else None


def _of_service(service: Service, subset: Subset, name: str, host: str, policy: Manifest) -> Manifest:
    metadata = tagging.metadata(service, name, service.version_labels(subset))
    return manifest(ISTIO, "DestinationRule", metadata, {"host": service.full_name(host), **policy})


def telemetry(service: Service, subset: Subset) -> Manifest:
    """Which access log the version's sidecars write of requests that come in."""
    providers = [{"name": name} for name in service.access_log.providers]
    return manifest(
        "telemetry.istio.io/v1",
        "Telemetry",
        tagging.version_metadata(service, subset),
        {
            "selector": {"matchLabels": service.pod_labels(subset)},
            "accessLogging": [{"match": {"mode": "SERVER"}, "providers": providers}],
        },
    )
