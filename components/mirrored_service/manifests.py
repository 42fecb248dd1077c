"""Renders the checked service as Kubernetes and Istio objects: one pure function an object, plain dicts.

Pods are in pods.py, what contains a version in containment.py.

Names, labels and selectors go by version, never by role, so that promoting a version renames nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from . import limits, objects, target
from .copies import BODILESS_METHODS
from .objects import ISTIO, POD_PORT, Manifest
from .pods import deployment
from .service import MirrorMatch, Service
from .subset import COPIES, Subset, shares

NOT_AWAITED = {"pulumi.com/skipAwait": "true"}

__all__ = ["ISTIO", "Manifest", "deployment"]


def namespace(service: Service) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": service.namespace,
            **objects.common(service, {"istio-injection": "enabled"}),
        },
    }


def callers_service(service: Service) -> Manifest:
    """What callers use. It selects the live version only: a caller without a sidecar never meets a shadow."""
    selector = objects.pod_labels(service, service.main)
    # Its pods were waited for already, unless others run them, and the provider would wait 10 s more.
    annotations = None if service.main.foreign else NOT_AWAITED
    return _service(service, service.name, selector, service.main.container_port, annotations)


def mesh_service(service: Service) -> Manifest:
    """What the mesh's routes use: every version is behind it, so no caller should be told of it."""
    ports = {subset.container_port for subset in service.subsets}
    # A number where one will do: pods from before an adoption have no port of that name. A pod that no Service
    # leads to any more, while requests are still on their way to it, answers them with 503.
    target = ports.pop() if len(ports) == 1 else POD_PORT
    # It may have no ready pod for a while and nobody waits for it: the routes decide who gets requests.
    return _service(service, service.versions_name, objects.mesh_selector(service), target, NOT_AWAITED)


def destination_rule(service: Service, subset: Subset) -> Manifest:
    """One version as two subsets of the same pods: for live requests, and for copies, whose number is limited.

    Istio merges the rules of one host, so a version comes and goes with its rule. The limit does not depend on
    the version's role: a promotion changes nothing about how a proxy reaches it.
    """
    # All pods of the host that others do not run are the service's: their version is enough.
    labels = dict(subset.pod_labels) or {"version": subset.name}
    subsets = [
        {"name": subset.name, "labels": labels},
        {"name": subset.copies_name, "labels": labels, "trafficPolicy": limits.policy(subset.mirror_limits)},
    ]
    spec = {"host": service.versions_host, "subsets": subsets}
    return objects.custom(ISTIO, "DestinationRule", objects.version_metadata(service, subset), spec)


def gateway(service: Service) -> Manifest:
    return objects.custom(
        ISTIO,
        "Gateway",
        objects.metadata(service, _gateway_name(service), {"app": service.name}),
        {"selector": dict(service.gateway.selector), "servers": _servers(service)},
    )


def telemetry(service: Service, subset: Subset) -> Manifest:
    """Which access log the version's sidecars write of requests that come in."""
    providers = [{"name": name} for name in service.access_log.providers]
    return objects.custom(
        "telemetry.istio.io/v1",
        "Telemetry",
        objects.version_metadata(service, subset),
        {
            "selector": {"matchLabels": objects.pod_labels(service, subset)},
            "accessLogging": [{"match": {"mode": "SERVER"}, "providers": providers}],
        },
    )


def _servers(service: Service) -> list[Manifest]:
    hosts = list(service.hosts)
    http: Manifest = {
        "port": {"number": service.gateway.port, "name": "http", "protocol": "HTTP"},
        "hosts": hosts,
    }
    tls = service.gateway.tls
    if tls is None:
        return [http]
    if tls.redirect:
        http["tls"] = {"httpsRedirect": True}
    credential = {
        "mode": "SIMPLE",
        "credentialName": tls.credential_name,
        "minProtocolVersion": "TLSV1_2",
    }
    port = {"number": tls.port, "name": "https", "protocol": "HTTPS"}
    return [http, {"port": port, "hosts": hosts, "tls": credential}]


def ingress_virtual_service(service: Service) -> Manifest:
    """Routes what enters through the gateway."""
    gateway_name = service.gateway.existing or _gateway_name(service)
    return _virtual_service(service, f"{service.name}-vs", list(service.hosts), gateway_name)


def mesh_virtual_service(service: Service) -> Manifest:
    """Routes what callers inside the mesh send: they get the same live version, and are mirrored too."""
    return _virtual_service(service, f"{service.name}-mesh", [service.host], "mesh")


def versions_used(virtual_service_spec: Manifest) -> set[str]:
    """The versions that the routes of a VirtualService name, as destination or as mirror."""
    return {
        used["destination"]["subset"].removesuffix(COPIES)
        for route in virtual_service_spec["http"]
        for used in [*route["route"], *route.get("mirrors", [])]
        if "subset" in used["destination"]
    }


def versions_answering(virtual_service_spec: Manifest) -> set[str]:
    """The versions that live requests go to."""
    return {
        used["destination"]["subset"] for route in virtual_service_spec["http"] for used in route["route"]
    }


def _gateway_name(service: Service) -> str:
    return f"{service.name}-gateway"


def _service(
    service: Service,
    name: str,
    selector: dict[str, str],
    target: int | str,
    annotations: dict[str, str] | None = None,
) -> Manifest:
    port = {
        "name": service.protocol,
        "appProtocol": service.protocol,
        "port": service.port,
        "targetPort": target,
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": objects.metadata(service, name, {"app": service.name}, annotations),
        "spec": {"type": "ClusterIP", "selector": selector, "ports": [port]},
    }


def _virtual_service(service: Service, name: str, hosts: list[str], gateway_name: str) -> Manifest:
    return objects.custom(
        ISTIO,
        "VirtualService",
        objects.metadata(service, name, {"app": service.name}),
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
        there = {"host": target.host(service)}
        mirrors += [
            {"destination": there, "percentage": {"value": share}}
            for share in shares(service.mirror_to.percent)
        ]
    if not mirrors:
        return [{"route": live}]
    if service.mirror_match.everything:
        return [{"route": live, "mirrors": mirrors}]
    copied = {"match": _matches(service.mirror_match), "route": live, "mirrors": mirrors}
    return [copied, {"route": live}]


def _matches(match: MirrorMatch) -> list[Manifest]:
    """Entries any of which is enough; what is in an entry must be true together."""
    if match.max_body_bytes is None:
        return _entries(match, match.methods)
    sized = {"content-length": {"regex": _at_most(match.max_body_bytes)}}
    unsized: Manifest = {"withoutHeaders": {"content-length": {}}}
    bodiless = BODILESS_METHODS if match.every_method else set(match.methods) & set(BODILESS_METHODS)
    return [
        *(
            {**each, "headers": {**each.get("headers", {}), **sized}}
            for each in _entries(match, match.methods)
        ),
        *({**each, **unsized} for each in _entries(match, sorted(bodiless))),
    ]


def _entries(match: MirrorMatch, methods: Sequence[str]) -> list[Manifest]:
    """One entry for each of the methods and each path."""
    by_method = [{}] if "*" in methods else [{"method": {"exact": method}} for method in methods]
    by_path = [{"uri": _path(path)} for path in match.paths] or [{}]
    headers = {name: {} if value == "*" else {"exact": value} for name, value in match.headers.items()}
    always = {"headers": headers} if headers else {}
    return [{**method, **path, **always} for method, path in product(by_method, by_path)]


def _at_most(most: int) -> str:
    """A regular expression for the numbers from 0 to `most`: shorter ones, those with a lower digit somewhere
    after the same ones, and the number itself."""
    digits = str(most)
    lower = [
        f"{digits[:place]}[0-{int(digit) - 1}][0-9]{{{len(digits) - place - 1}}}"
        for place, digit in enumerate(digits)
        if digit != "0"
    ]
    shorter = [f"[0-9]{{1,{len(digits) - 1}}}"] if len(digits) > 1 else []
    return "|".join([*shorter, *lower, digits])


def _path(path: str) -> Manifest:
    return {"prefix": path[:-1]} if path.endswith("*") else {"exact": path}


def _destination(service: Service, subset: str) -> Manifest:
    return {"host": service.versions_host, "subset": subset}
