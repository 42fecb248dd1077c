"""Renders what keeps a version from reaching more than it may while it is not live.

The objects are there in every role, so that a promotion updates them and neither makes nor removes one: for a
live version they let everything through.
"""

from __future__ import annotations

from ..description.isolation import NetworkPolicy, ShadowIsolation, Workload
from ..description.service import Service
from ..description.subset import Subset, protected_name
from . import ISTIO, Manifest, manifest, tagging

_DNS_PORT = 53
_ISTIOD_PORT = 15012
# No certificate of a mesh has this identity; Istio refuses a policy without rules.
_NOBODY = "nobody"


def objects(service: Service, subset: Subset) -> list[tuple[str, Manifest]]:
    """Everything that contains the version, each with the suffix of its resource name."""
    isolation = subset.shadow_isolation
    if isolation is None:
        return []
    found = [(subset.name, sidecar(service, subset, isolation))]
    if subset.service_account is None:
        found.append((subset.name, service_account(service, subset)))
    if isolation.network_policy:
        found.append((subset.name, network_policy(service, subset, isolation.network_policy)))
    for name, workload in isolation.protects.items():
        found.append((protected_name(subset, name), authorization_policy(service, subset, name, workload)))
    return found


def service_account(service: Service, subset: Subset) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": tagging.version_metadata(service, subset),
    }


def sidecar(service: Service, subset: Subset, isolation: ShadowIsolation) -> Manifest:
    """What the version's own proxy knows of the mesh, and whether it lets anything else out.

    Without a policy of its own the sidecar follows the mesh's: a live version gets no more than any other pod.
    """
    selector = {"labels": service.version_labels(subset)}
    spec: Manifest = {"workloadSelector": selector, "egress": [{"hosts": ["*/*"]}]}
    if not subset.live:
        # "~/*" is no service at all: an empty list would be every one.
        hosts = [f"*/{host}" for host in isolation.may_reach] or ["~/*"]
        spec["egress"] = [{"hosts": hosts}]
        spec["outboundTrafficPolicy"] = {"mode": "REGISTRY_ONLY"}
    return manifest(ISTIO, "Sidecar", tagging.version_metadata(service, subset), spec)


def authorization_policy(service: Service, subset: Subset, name: str, workload: Workload) -> Manifest:
    """Makes the workload's own proxy refuse the version, whatever the version's proxy does."""
    metadata = {
        **tagging.version_metadata(service, subset),
        # Policies of many services may meet in the workload's namespace. None of the parts has a dot.
        "name": f"{service.name}.{service.namespace}.{subset.name}.{name}",
        "namespace": _namespace(service, workload),
    }
    # "*" is the trust domain, which meshes may call otherwise than "cluster.local".
    principal = _NOBODY if subset.live else f"*/ns/{service.namespace}/sa/{service.account(subset)}"
    spec = {
        "selector": {"matchLabels": dict(workload.labels)},
        "action": "DENY",
        "rules": [{"from": [{"source": {"principals": [principal]}}]}],
    }
    return manifest("security.istio.io/v1", "AuthorizationPolicy", metadata, spec)


def network_policy(service: Service, subset: Subset, policy: NetworkPolicy) -> Manifest:
    """What the cluster's network lets out of the version's pods, their proxy included."""
    spec: Manifest = {
        "podSelector": {"matchLabels": service.version_labels(subset)},
        "policyTypes": ["Egress"],
        "egress": [{}] if subset.live else _egress(service, policy),
    }
    metadata = tagging.version_metadata(service, subset)
    return manifest("networking.k8s.io/v1", "NetworkPolicy", metadata, spec)


def _egress(service: Service, policy: NetworkPolicy) -> list[Manifest]:
    # To any address: where a cluster's DNS and its control plane are, differs too much.
    needed = [("UDP", _DNS_PORT), ("TCP", _DNS_PORT), ("TCP", _ISTIOD_PORT)]
    always = {"ports": [{"protocol": protocol, "port": port} for protocol, port in needed]}
    peers: list[Manifest] = [
        {
            "namespaceSelector": {
                "matchLabels": {"kubernetes.io/metadata.name": _namespace(service, workload)}
            },
            "podSelector": {"matchLabels": dict(workload.labels)},
        }
        for workload in policy.pods
    ]
    peers += [{"ipBlock": {"cidr": cidr}} for cidr in policy.cidrs]
    return [always, {"to": peers}] if peers else [always]


def _namespace(service: Service, workload: Workload) -> str:
    return workload.namespace or service.namespace
