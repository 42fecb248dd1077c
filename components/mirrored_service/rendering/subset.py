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
