"""Renders the routes, and the Gateway, in Gateway API's words (https://gateway-api.sigs.k8s.io/reference/spec/).

An HTTPRoute for each way in: through the gateway, and for callers inside the mesh one whose parent is their
Service, for each port that is routed. gRPC calls too: with a GRPCRoute Istio 1.29 to 1.31 would lose all of its
rules, live requests included, for as long as a Service for copies is not there (convertGRPCRoute in
pilot/pkg/config/kube/gateway/conversion.go); an HTTPRoute loses the copies.

A version is a Service here, and one more for its copies, as Gateway API knows no subsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from ..description import durations
from ..description.ports import Port
from ..description.routes import Match, Route
from ..description.service import Service
from ..description.subset import Subset
from . import ISTIO, Manifest, entry, manifest, mirror_to, tagging
from .precedence import EXACT, Entry, arranged
from .rules import Rule, mirrors, rules

GATEWAY_API = "gateway.networking.k8s.io/v1"
CLASS = "istio"
MOST_RULES, MOST_MATCHES, MOST_MATCHES_OF_RULE, MOST_FILTERS = 16, 128, 64, 16
_HTTP, _HTTPS = "http", "https"
_MILLION = 1_000_000
_ANY = ".*"


def gateway(service: Service) -> Manifest:
    """Istio makes the pods that listen, and a Service for them, in the Gateway's namespace."""
    tls = service.gateway.tls
    listeners: list[Manifest] = [{"name": _HTTP, "port": service.gateway.port, "protocol": "HTTP"}]
    if tls is not None:
        credential = {"mode": "Terminate", "certificateRefs": [{"name": tls.credential_name}]}
        listeners.append({"name": _HTTPS, "port": tls.port, "protocol": "HTTPS", "tls": credential})
    return manifest(
        GATEWAY_API,
        "Gateway",
        tagging.metadata(
            service, entry.name(service), {"app": service.name}, dict(service.gateway.annotations)
        ),
        {"gatewayClassName": CLASS, "listeners": listeners},
    )


def ingress_route(service: Service) -> Manifest:
    """Routes what enters through the gateway."""
    section = {"sectionName": _HTTPS} if _redirects(service) else {}
    parents = [{**_gateway(service), **section}]
    return _route(service, "ingress", parents, ingress_rules(service), service.port, _hostnames(service))


def redirect_routes(service: Service) -> list[Manifest]:
    """Sends requests for HTTP to HTTPS, where that is asked for."""
    if not _redirects(service):
        return []
    to = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
    spec = {
        "parentRefs": [{**_gateway(service), "sectionName": _HTTP}],
        **_hostnames(service),
        "rules": [{"filters": [to]}],
    }
    return [manifest(GATEWAY_API, "HTTPRoute", _metadata(service, f"{service.name}-redirect"), spec)]


def mesh_route(service: Service, port: Port) -> Manifest:
    """Routes what callers of a port inside the mesh send: to the same live version, and it is mirrored too."""
    several = {"port": port.number} if len(service.routed) > 1 else {}
    parents = [
        {"group": "", "kind": "Service", "name": host.split(".")[0], **several} for host in service.mesh_hosts
    ]
    return _route(service, mesh_suffix(service, port), parents, mesh_rules(service, port), port, {})


def mesh_suffix(service: Service, port: Port) -> str:
    """What ends the names of a port's route; that of the first one stays when others come."""
    return "mesh" if port is service.port else f"mesh-{port.name}"


def ingress_rules(service: Service) -> list[Rule]:
    return rules(service, service.port, service.gateway_routes)


def mesh_rules(service: Service, port: Port) -> list[Rule]:
    # Its parent tells which port it is for.
    there = [_of_any_port(route) for route in service.mesh_routes(port)]
    return rules(service, port, there)


def spoken(rule: Rule, matches: list[Entry]) -> list[list[Entry]]:
    """The matches by the rules of an HTTPRoute that say them: of a rewritten path each has one of its own."""
    most = 1 if _edits_path(rule.rest) else MOST_MATCHES_OF_RULE
    return [matches[start : start + most] for start in range(0, len(matches), most)]


def filters(service: Service, port: Port, rule: Rule, first: Entry) -> list[Manifest]:
    """What is done with the requests of a rule, one of whose matches is `first`."""
    found = list(_of_rest(rule.rest, first))
    return (
        found + [_mirror(service, port, *each) for each in mirrors(service, port)] if rule.copied else found
    )


def said(match: Entry) -> Manifest:
    """An HTTPRouteMatch."""
    kind = "Exact" if match.kind == EXACT else "PathPrefix"
    found: Manifest = {"path": {"type": kind, "value": match.path}}
    if "method" in match.match:
        found["method"] = match.match["method"]["exact"]
    for key in ("headers", "queryParams"):
        if match.match.get(key):
            found[key] = [_condition(name, each) for name, each in match.match[key].items()]
    return found


def _route(
    service: Service, suffix: str, parents: list[Manifest], of: list[Rule], port: Port, hosts: Manifest
) -> Manifest:
    matches, _ = arranged(of)
    made = [
        _rule(service, port, rule, part)
        for rule, found in zip(of, matches, strict=True)
        for part in spoken(rule, found)
    ]
    spec = {"parentRefs": parents, **hosts, "rules": made}
    return manifest(GATEWAY_API, "HTTPRoute", _metadata(service, f"{service.name}-{suffix}"), spec)


def _rule(service: Service, port: Port, rule: Rule, matches: list[Entry]) -> Manifest:
    found: Manifest = {"matches": [said(match) for match in matches]}
    if done := filters(service, port, rule, matches[0]):
        found["filters"] = done
    if not rule.route.answers_itself:
        found["backendRefs"] = [
            {"name": service.version_name(subset), "port": port.number, "weight": subset.weight}
            for subset in service.live
        ]
    if "timeout" in rule.rest:
        found["timeouts"] = {"request": durations.by_gateway_api(rule.rest["timeout"])}
    return found


def _mirror(service: Service, port: Port, subset: Subset | None, share: float) -> Manifest:
    if subset is None:
        to = {"group": ISTIO.split("/")[0], "kind": "Hostname", "name": mirror_to.host(service)}
    else:
        to = {"name": service.copies_name(subset)}
    # Exact: a share has four decimals at most.
    numerator = round(Decimal(str(share)) * _MILLION / 100)
    part = {"numerator": numerator, "denominator": _MILLION}
    many: Manifest = {"percent": int(share)} if share == int(share) else {"fraction": part}
    return {"type": "RequestMirror", "requestMirror": {"backendRef": {**to, "port": port.number}, **many}}


def _of_rest(rest: Mapping[str, Any], match: Entry) -> Iterable[Manifest]:
    for side, kind in (("request", "requestHeaderModifier"), ("response", "responseHeaderModifier")):
        if edits := _edits(rest.get("headers", {}).get(side, {})):
            yield {"type": kind[0].upper() + kind[1:], kind: edits}
    if "rewrite" in rest:
        hostname = {"hostname": rest["rewrite"]["authority"]} if "authority" in rest["rewrite"] else {}
        path = _path(rest["rewrite"]["uri"], match) if "uri" in rest["rewrite"] else {}
        yield {"type": "URLRewrite", "urlRewrite": {**hostname, **path}}
    if "redirect" in rest:
        yield {"type": "RequestRedirect", "requestRedirect": _redirect(rest["redirect"], match)}
    if "corsPolicy" in rest:
        yield {"type": "CORS", "cors": _cors(rest["corsPolicy"])}


def _edits(edits: Mapping[str, Any]) -> Manifest:
    found: Manifest = {
        edit: [{"name": name, "value": value} for name, value in edits[edit].items()]
        for edit in ("set", "add")
        if edits.get(edit)
    }
    return {**found, "remove": list(edits["remove"])} if edits.get("remove") else found


def _path(to: str, match: Entry) -> Manifest:
    """The path's new beginning, or all of it, where the match is for one path alone."""
    if match.kind == EXACT:
        kept = "" if EXACT in match.own else match.path.removeprefix(next(iter(match.own.values())))
        return {"path": {"type": "ReplaceFullPath", "replaceFullPath": to + kept}}
    return {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": to.removesuffix("/") or "/"}}


def _redirect(redirect: Mapping[str, Any], match: Entry) -> Manifest:
    found: Manifest = {"statusCode": redirect.get("redirectCode", 301)}
    if "uri" in redirect:
        found["path"] = {"type": "ReplaceFullPath", "replaceFullPath": redirect["uri"]}
    if "prefixRewrite" in redirect:
        found |= _path(redirect["prefixRewrite"], match)
    said = {"scheme": "scheme", "authority": "hostname", "port": "port"}
    return {**found, **{word: redirect[key] for key, word in said.items() if key in redirect}}


def _cors(policy: Mapping[str, Any]) -> Manifest:
    found: Manifest = {}
    if policy.get("allowOrigins"):
        found["allowOrigins"] = [origin["exact"] for origin in policy["allowOrigins"]]
    for key in ("allowMethods", "allowHeaders", "exposeHeaders"):
        if policy.get(key):
            found[key] = list(policy[key])
    if policy.get("allowCredentials"):
        found["allowCredentials"] = True
    if "maxAge" in policy:
        found["maxAge"] = (durations.milliseconds(policy["maxAge"]) or 0) // 1000
    return found


def _condition(name: str, condition: Mapping[str, str]) -> Manifest:
    if EXACT in condition:
        return {"name": name, "type": "Exact", "value": condition[EXACT]}
    return {"name": name, "type": "RegularExpression", "value": condition.get("regex", _ANY)}


def _edits_path(rest: Mapping[str, Any]) -> bool:
    return "uri" in rest.get("rewrite", {}) or "prefixRewrite" in rest.get("redirect", {})


def _of_any_port(route: Route) -> Route:
    plain: tuple[Match, ...] = tuple(
        {key: match[key] for key in match if key != "port"} for match in route.matches
    )
    return Route(plain if all(plain) else (), route.rest, route.copied)


def _redirects(service: Service) -> bool:
    return service.gateway.tls is not None and service.gateway.tls.redirect


def _gateway(service: Service) -> Manifest:
    if service.gateway.existing:
        namespace, name = service.gateway.existing.split("/")
        return {"name": name, "namespace": namespace}
    return {"name": entry.name(service)}


def _hostnames(service: Service) -> Manifest:
    return {} if "*" in service.hosts else {"hostnames": list(service.hosts)}


def _metadata(service: Service, name: str) -> Manifest:
    return tagging.metadata(service, name, {"app": service.name})
