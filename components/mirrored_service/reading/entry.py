"""Reads where requests from outside the cluster enter: host names, the gateway, HTTPS."""

from __future__ import annotations

from itertools import combinations

from .. import args as public
from ..description.entry import Gateway, GatewayTls
from ..description.service import GATEWAY_API
from . import syntax, tagging
from .fields import MISSING, Fields
from .pods import object_input

_HOSTS_TEXT = 'a list of host names, such as "shop.example.org", "*.example.org" or "*", each once'
_HTTP_PORT, _HTTPS_PORT = 80, 443
# What is said of the hosts' gateway.
_OF_HOSTS = ("annotations", "existing", "ownsHosts", "port", "selector", "tls")


def hosts(fields: Fields) -> tuple[str, ...]:
    """The host names under which requests enter; none: callers inside the mesh only."""
    found = fields.texts("hosts", (), _HOSTS_TEXT, syntax.is_host)
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
    owns_hosts = section.flag("ownsHosts", False)
    by_gateway_api = fields.values.get("api") == GATEWAY_API
    annotations = tagging.service_annotations(section)
    if by_gateway_api:
        _refuse_by_gateway_api(section)
    elif annotations:
        section.refuse(
            ("annotations",),
            annotations,
            "nothing without api gateway, as Istio makes nothing of its own Gateway",
        )
    if section.flag("delegate", False):
        _refuse_beside_delegate(fields, section)
        return Gateway(None, True, False, {}, _HTTP_PORT, None)
    _refuse_without_hosts(fields, section)
    existing = section.text("existing", None, '"namespace/name", both DNS labels', syntax.GATEWAY)
    if existing:
        for key in ("annotations", "selector", "port", "tls"):
            if section.values.get(key) is not None:
                section.refuse((key,), section.values[key], "nothing next to existing, whose owner sets it")
        return Gateway(existing, False, owns_hosts, {}, _HTTP_PORT, None)
    port = section.port("port", _HTTP_PORT)
    return Gateway(None, False, owns_hosts, _selector(section), port, _tls(section, port), annotations)


def _refuse_by_gateway_api(section: Fields) -> None:
    if section.values.get("delegate"):
        section.refuse(
            ("delegate",),
            True,
            "false with api gateway, where teams share a host by routes of their own, the longest path first",
        )
    if section.values.get("selector") is not None:
        section.refuse(
            ("selector",),
            section.values["selector"],
            "nothing with api gateway, as Istio makes the pods of a Gateway; for pods that are there, existing",
        )


def _refuse_beside_delegate(fields: Fields, section: Fields) -> None:
    allowed = "nothing next to gateway.delegate, as the root VirtualService says hosts and gateway"
    if fields.values.get("hosts"):
        fields.refuse(("hosts",), fields.values["hosts"], allowed)
    for key in _OF_HOSTS:
        if section.values.get(key) not in (None, False):
            section.refuse((key,), section.values[key], allowed)


def _refuse_without_hosts(fields: Fields, section: Fields) -> None:
    if fields.values.get("hosts"):
        return
    for key in _OF_HOSTS:
        if section.values.get(key) not in (None, False):
            section.refuse(
                (key,),
                section.values[key],
                "nothing without hosts, as then no request enters through a gateway; list hosts, or say "
                "gateway.delegate",
            )


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
