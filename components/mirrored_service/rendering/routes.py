"""Renders the routes, and reads them: those that were rendered, and whatever somebody made of them by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from ..description.copies import shares
from ..description.ports import Port
from ..description.routes import MESH, Route
from ..description.service import Service
from ..description.subset import COPIES
from . import ISTIO, Manifest, copies, entry, manifest, mirror_to, tagging
from .matches import combined


def ingress_virtual_service(service: Service) -> Manifest:
    """Routes what enters through the gateway: by itself, or as a delegate of the route of the hosts' owner, who
    then says hosts and gateways."""
    if service.gateway.delegate:
        where: Manifest = {}
    else:
        gateway_name = service.gateway.existing or entry.name(service)
        where = {"hosts": list(service.hosts), "gateways": [gateway_name]}
    http = _routes(service, service.port, service.gateway_routes)
    return _virtual_service(service, f"{service.name}-vs", where, http)


def mesh_virtual_service(service: Service) -> Manifest:
    """Routes what callers inside the mesh send: they get the same live version, and are mirrored too."""
    where = {"hosts": service.mesh_hosts, "gateways": [MESH]}
    http = list(
        chain.from_iterable(_routes(service, port, service.mesh_routes(port)) for port in service.routed)
    )
    return _virtual_service(service, f"{service.name}-mesh", where, http)


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


def _virtual_service(service: Service, name: str, where: Manifest, http: list[Manifest]) -> Manifest:
    metadata = tagging.metadata(service, name, {"app": service.name})
    return manifest(ISTIO, "VirtualService", metadata, {**where, "http": http})


def _routes(service: Service, port: Port, described: Iterable[Route]) -> list[Manifest]:
    """The routes of the description, in order, for requests to a port."""
    return list(chain.from_iterable(_route(service, port, route) for route in described))


def _route(service: Service, port: Port, route: Route) -> list[Manifest]:
    """A route of the description: for the requests that are copied first, then for all others the same without
    mirrors. Both answer alike, whatever is copied."""
    matches = [dict(match) for match in route.matches]
    plain: Manifest = {"match": matches} if matches else {}
    plain |= route.rest
    if route.answers_itself:
        return [plain]
    plain["route"] = _live(service, port)
    mirrors = _mirrors(service, port) if route.copied else []
    wanted = service.mirror_match.of(port.protocol)
    if not mirrors or wanted is None:
        return [plain]
    both = combined(matches, [{}] if wanted.everything else copies.matches(wanted))
    if both == [{}]:
        return [{**plain, "mirrors": mirrors}]
    if not both:
        return [plain]
    copied = {**plain, "match": both, "mirrors": mirrors}
    if not matches:
        return [copied, plain]
    # Istio warns of a match that stands before already.
    left = [match for match in matches if match not in both]
    return [copied, {**plain, "match": left}] if left else [copied]


def _live(service: Service, port: Port) -> list[Manifest]:
    return [
        {"destination": _destination(service, subset.name, port), "weight": subset.weight}
        for subset in service.live
    ]


def _mirrors(service: Service, port: Port) -> list[Manifest]:
    mirrors = [
        {"destination": _destination(service, subset.copies_name, port), "percentage": {"value": share}}
        for subset in service.shadows
        for share in subset.mirror_shares()
    ]
    # The other service has one port.
    if service.mirror_to and port is service.port:
        there = {"host": mirror_to.host(service)}
        mirrors += [
            {"destination": there, "percentage": {"value": share}}
            for share in shares(service.mirror_to.percent)
        ]
    return mirrors


def _destination(service: Service, subset: str, port: Port) -> Manifest:
    # The number always, though one port needs none: else requests would go astray while a second one comes.
    return {"host": service.versions_host, "subset": subset, "port": {"number": port.number}}
