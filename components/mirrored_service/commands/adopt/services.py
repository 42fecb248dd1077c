"""The Services that lead to the pods: the one for callers, and the others. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...description.ports import Port
from ..doctor.subject import Object, key, said
from . import owners, ports
from .row import CANNOT, TAKEN, Row
from .running import Running, is_headless

# What Kubernetes fills in, or assigns.
_USUAL: Mapping[str, Any] = {
    "internalTrafficPolicy": "Cluster",
    "sessionAffinity": "None",
    "type": "ClusterIP",
    "externalTrafficPolicy": "Cluster",
    "allocateLoadBalancerNodePorts": True,
    "publishNotReadyAddresses": False,
}
_ASSIGNED = (
    "clusterIP",
    "clusterIPs",
    "healthCheckNodePort",
    "ipFamilies",
    "ipFamilyPolicy",
    "ports",
    "selector",
)
_NOT_KEPT = ("kubectl.kubernetes.io/", "meta.helm.sh/", "argocd.argoproj.io/", "pulumi.com/")
_KEEP = (
    "before the import, tell {} to keep the Service when it leaves it out, and let it leave it out: it would set "
    "the selector back, or delete it"
)


@dataclass
class Services:
    settings: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    imported: list[tuple[str, Object]] = field(default_factory=list)  # with what ends the resource's name


def read(running: Running, described: tuple[Port, ...]) -> Services:
    """`described`: the ports of the component's service."""
    found = Services()
    if running.callers is not None:
        found.imported.append(("callers", running.callers))
        found.rows.append(_taken(running.callers, "it becomes the Service for callers; its address stays"))
        besides = sorted(set(_besides(running.callers)) - {"type"})
        if besides:
            found.rows.append(
                Row(
                    said(running.callers),
                    CANNOT,
                    f"the Service for callers has no setting for {', '.join(besides)}",
                    "see whether callers need it; balancing and sticky sessions of the mesh are in trafficPolicy",
                )
            )
    more: dict[str, Any] = {}
    for each in running.more:
        if is_headless(each):
            found.rows.append(
                Row(
                    said(each),
                    CANNOT,
                    "it has no address, and callers keep those of pods: it leads to every pod with its labels, "
                    "to a shadow's too",
                    "let it select the live version alone by the label version, before there is a shadow",
                )
            )
            continue
        more[key(each)[2]] = _spec(running, each, described)
        found.imported.append((f"more-{key(each)[2]}", each))
        found.rows.append(_taken(each, "it is one of moreServices: it leads to the live version only"))
    if more:
        found.settings["moreServices"] = more
    return found


def _taken(service: Object, why: str) -> Row:
    owner = owners.owner(service)
    return Row(said(service), TAKEN, why, _KEEP.format(owner) if owner else "")


def _besides(service: Object) -> dict[str, Any]:
    """What it says besides its ports, of itself."""
    return {
        name: value
        for name, value in service["spec"].items()
        if name not in _ASSIGNED and value is not None and _USUAL.get(name) != value
    }


def _spec(running: Running, service: Object, described: tuple[Port, ...]) -> dict[str, Any]:
    annotations = {
        name: value
        for name, value in (service["metadata"].get("annotations") or {}).items()
        if not name.startswith(_NOT_KEPT)
    }
    listed = [_port(running, service, each, described) for each in service["spec"].get("ports") or ()]
    return {**({"annotations": annotations} if annotations else {}), **_besides(service), "ports": listed}


def _port(
    running: Running, service: Object, spec: Mapping[str, Any], described: tuple[Port, ...]
) -> dict[str, Any]:
    number = ports.number(running, service, spec)
    same = (
        port.name
        for port in described
        if (port.container_port, port.transport) == (number, spec.get("protocol", "TCP"))
    )
    kept = {name: value for name, value in spec.items() if name != "targetPort" and value is not None}
    if kept.get("protocol") == "TCP":
        del kept["protocol"]
    return {**kept, "targetPort": next(same, number)}
