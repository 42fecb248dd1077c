"""Renders the routes in Istio's words."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from ..description.ports import Port
from ..description.routes import MESH, Route
from ..description.service import Service
from ..description.subset import Subset
from . import ISTIO, Manifest, entry, manifest, mirror_to, tagging
from .rules import Rule, mirrors, rules


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


def _virtual_service(service: Service, name: str, where: Manifest, http: list[Manifest]) -> Manifest:
    metadata = tagging.metadata(service, name, {"app": service.name})
    return manifest(ISTIO, "VirtualService", metadata, {**where, "http": http})


def _routes(service: Service, port: Port, described: Iterable[Route]) -> list[Manifest]:
    """The routes of the description, in order, for requests to a port."""
    return [_said(service, port, rule) for rule in rules(service, port, described)]


def _said(service: Service, port: Port, rule: Rule) -> Manifest:
    matches = [dict(match) for match in rule.matches]
    found: Manifest = {**({"match": matches} if matches else {}), **rule.rest}
    if rule.route.answers_itself:
        return found
    found["route"] = [
        {"destination": _destination(service, subset.name, port), "weight": subset.weight}
        for subset in service.live
    ]
    return {**found, "mirrors": _mirrors(service, port)} if rule.copied else found


def _mirrors(service: Service, port: Port) -> list[Manifest]:
    def destination(subset: Subset | None) -> Manifest:
        if subset is None:
            return {"host": mirror_to.host(service)}
        return _destination(service, subset.copies_name, port)

    return [
        {"destination": destination(subset), "percentage": {"value": share}}
        for subset, share in mirrors(service, port)
    ]


def _destination(service: Service, subset: str, port: Port) -> Manifest:
    # The number always, though one port needs none: else requests would go astray while a second one comes.
    return {"host": service.versions_host, "subset": subset, "port": {"number": port.number}}
