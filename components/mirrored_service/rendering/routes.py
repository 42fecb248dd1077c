"""Renders the routes, and reads them: those that were rendered, and whatever somebody made of them by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from ..description.copies import shares
from ..description.service import Service
from ..description.subset import COPIES
from . import ISTIO, Manifest, copies, entry, manifest, mirror_to, tagging


def ingress_virtual_service(service: Service) -> Manifest:
    """Routes what enters through the gateway."""
    gateway_name = service.gateway.existing or entry.name(service)
    return _virtual_service(service, f"{service.name}-vs", list(service.hosts), gateway_name)


def mesh_virtual_service(service: Service) -> Manifest:
    """Routes what callers inside the mesh send: they get the same live version, and are mirrored too."""
    return _virtual_service(service, f"{service.name}-mesh", [service.host], "mesh")


def used(virtual_service: object) -> set[str]:
    """The versions that the routes of a VirtualService name, as destination or as mirror.

    Total: people write routes of any shape by hand (a redirect, a delegate, a destination without subset), and
    Pulumi hands over what it has of them.
    """
    subsets = chain.from_iterable(
        [*_subsets(route, "route"), *_subsets(route, "mirrors"), *_mirror(route)]
        for route in _http(virtual_service)
    )
    return {subset.removesuffix(COPIES) for subset in subsets}


def answering(virtual_service: object) -> set[str]:
    """The versions that live requests go to. Total, as `used`."""
    return {subset for route in _http(virtual_service) for subset in _subsets(route, "route")}


def _http(virtual_service: object) -> list[object]:
    return _list(_entry(_entry(virtual_service, "spec"), "http"))


def _subsets(route: object, key: str) -> list[str]:
    found = (_entry(_entry(member, "destination"), "subset") for member in _list(_entry(route, key)))
    return [subset for subset in found if isinstance(subset, str)]


def _mirror(route: object) -> list[str]:
    """Of the older way to write a single mirror."""
    found = _entry(_entry(route, "mirror"), "subset")
    return [found] if isinstance(found, str) else []


def _entry(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, Mapping) else None


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def _virtual_service(service: Service, name: str, hosts: list[str], gateway_name: str) -> Manifest:
    return manifest(
        ISTIO,
        "VirtualService",
        tagging.metadata(service, name, {"app": service.name}),
        {"hosts": hosts, "gateways": [gateway_name], "http": _routes(service)},
    )


def _routes(service: Service) -> list[Manifest]:
    """The routes: requests that are copied first, then all others, to the same live versions."""
    live = [
        {"destination": _destination(service, subset.name), "weight": subset.weight}
        for subset in service.live
    ]
    mirrors = [
        {"destination": _destination(service, subset.copies_name), "percentage": {"value": share}}
        for subset in service.shadows
        for share in subset.mirror_shares()
    ]
    if service.mirror_to:
        there = {"host": mirror_to.host(service)}
        mirrors += [
            {"destination": there, "percentage": {"value": share}}
            for share in shares(service.mirror_to.percent)
        ]
    if not mirrors:
        return [{"route": live}]
    if service.mirror_match.everything:
        return [{"route": live, "mirrors": mirrors}]
    copied = {"match": copies.matches(service.mirror_match), "route": live, "mirrors": mirrors}
    return [copied, {"route": live}]


def _destination(service: Service, subset: str) -> Manifest:
    return {"host": service.versions_host, "subset": subset}
