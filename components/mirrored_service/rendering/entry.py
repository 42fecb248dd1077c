"""Renders the Gateway, through which requests from outside the cluster enter."""

from __future__ import annotations

from ..description.service import Service
from . import ISTIO, Manifest, manifest, tagging


def gateway(service: Service) -> Manifest:
    return manifest(
        ISTIO,
        "Gateway",
        tagging.metadata(service, name(service), {"app": service.name}),
        {"selector": dict(service.gateway.selector), "servers": _servers(service)},
    )


def name(service: Service) -> str:
    return f"{service.name}-gateway"


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
