"""Reads where requests from outside the cluster enter: host names, the gateway, HTTPS."""

from __future__ import annotations

from itertools import combinations

from .. import args as public
from ..description.entry import Gateway, GatewayTls
from . import syntax
from .fields import MISSING, Fields
from .pods import object_input

_HOSTS_TEXT = 'a list of host names, such as "shop.example.org", "*.example.org" or "*", each once'
_HTTP_PORT, _HTTPS_PORT = 80, 443


def hosts(fields: Fields) -> tuple[str, ...]:
    """The host names under which requests enter."""
    found = fields.texts("hosts", ("*",), _HOSTS_TEXT, syntax.is_host)
    if not found:
        fields.refuse(("hosts",), [], _HOSTS_TEXT)
    for first, second in combinations(range(len(found)), 2):
        one, other = found[first], found[second]
        if syntax.host_covers(one, other) or syntax.host_covers(other, one):
            fields.refuse(
                ("hosts", second), other, f"no host that overlaps with hosts[{first}], which is {one!r}"
            )
    return found


def gateway(fields: Fields) -> Gateway:
    """The gateway, with its ports."""
    section = fields.section("gateway", public.GatewayArgs)
    existing = section.text("existing", None, '"namespace/name", both DNS labels', syntax.GATEWAY)
    if existing:
        for key in ("selector", "port", "tls"):
            if section.values.get(key) is not None:
                section.refuse((key,), section.values[key], "nothing next to existing, whose owner sets it")
        return Gateway(existing, {}, _HTTP_PORT, None)
    port = section.port("port", _HTTP_PORT)
    return Gateway(None, _selector(section), port, _tls(section, port))


def _selector(gateway: Fields) -> dict[str, str]:
    allowed = "labels of the ingress gateway's pods"
    labels = gateway.labels("selector", allowed)
    if labels == {} == gateway.values.get("selector"):
        # Istio would open the port on every pod of the mesh that is a gateway.
        gateway.refuse(("selector",), {}, f"{allowed}, at least one")
    return labels or {"istio": "ingressgateway"}


def _tls(gateway: Fields, http_port: int) -> GatewayTls | None:
    section = gateway.optional_section("tls", public.GatewayTlsArgs)
    if section is None:
        return None
    tls = GatewayTls(
        credential_name=object_input(section, "credentialName", MISSING),
        port=section.port("port", _HTTPS_PORT),
        redirect=section.flag("redirect", True),
    )
    if gateway.sound and tls.port == http_port:
        section.refuse(("port",), tls.port, f"another port than gateway.port, which is {http_port} for HTTP")
    elif gateway.sound and tls.redirect and (http_port, tls.port) != (_HTTP_PORT, _HTTPS_PORT):
        section.refuse(
            ("redirect",),
            True,
            f"false next to ports {http_port} and {tls.port}, as a redirect names no port: it leads from port "
            f"{_HTTP_PORT} to port {_HTTPS_PORT}",
        )
    return tls
