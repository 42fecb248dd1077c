"""Renders how proxies reach the service of another environment that copies go to.

It gets a host name of its own in the mesh, wherever it is. So the objects are all in this service's namespace,
the limits hold for every proxy that copies and for copies only, and the routes are the same while the target's
address is not known yet, as in a preview.
"""

from __future__ import annotations

import pulumi

from ..description.mirror_to import SUFFIX, MirrorTo, MirrorToTls, is_address
from ..description.service import Service
from . import ISTIO, Manifest, copies, manifest, tagging


def host(service: Service) -> str:
    """What the mesh calls the target; no DNS server needs to know it."""
    return f"{SUFFIX}.{service.name}.{service.namespace}.internal"


def objects(service: Service) -> list[Manifest]:
    """What makes the target known, before the routes name it."""
    target = service.mirror_to
    return [service_entry(service, target), destination_rule(service, target)] if target else []


def service_entry(service: Service, target: MirrorTo) -> Manifest:
    protocol = str(service.port.protocol)
    port = {"number": service.port.number, "name": protocol, "protocol": protocol.upper()}
    spec = {
        "hosts": [host(service)],
        "location": "MESH_EXTERNAL",
        # Proxies look the address up again and again; while there is none, copies are dropped.
        "resolution": "DNS",
        "ports": [{**port, "targetPort": target.port}],
        "endpoints": [{"address": target.host}],
    }
    return manifest(ISTIO, "ServiceEntry", _metadata(service), spec)


def destination_rule(service: Service, target: MirrorTo) -> Manifest:
    policy = copies.policy(target.mirror_limits)
    if target.tls:
        policy["tls"] = _tls(target, target.tls)
    spec = {"host": host(service), "trafficPolicy": policy}
    return manifest(ISTIO, "DestinationRule", _metadata(service), spec)


def _tls(target: MirrorTo, tls: MirrorToTls) -> Manifest:
    if tls.mode == "mesh":
        return {"mode": "ISTIO_MUTUAL"}
    known: Manifest = {"caCertificates": tls.ca_certificates} if tls.ca_certificates else {}
    return {"mode": "SIMPLE", **_server_name(target.host), "subjectAltNames": [target.host], **known}


def _server_name(host: pulumi.Input[str]) -> Manifest:
    """Whom proxies ask for: a name, never an address (https://www.rfc-editor.org/rfc/rfc6066#section-3)."""
    if isinstance(host, pulumi.Output):
        return {"sni": host.apply(lambda known: None if is_address(known) else known)}
    return {} if isinstance(host, str) and is_address(host) else {"sni": host}


def _metadata(service: Service) -> Manifest:
    return tagging.metadata(service, f"{service.name}-{SUFFIX}", {"app": service.name})
