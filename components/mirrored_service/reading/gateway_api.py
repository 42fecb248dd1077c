"""Refuses what HTTPRoutes of Gateway API cannot say, where the routes are to be in its words.

What Istio alone can say is refused by property; what a route of Gateway API could hold and would mean otherwise,
as it goes by how specific a condition is and not by order, is found by arranging the rules as they are rendered.
Source: the standard channel of Gateway API 1.6 (config/crd/standard), and what Istio makes of it
(pilot/pkg/config/kube/gateway/conversion.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..description.service import Service
from ..rendering import gateway_api, precedence, rules
from ..rendering.gateway_api import MOST_FILTERS, MOST_MATCHES, MOST_RULES
from .fields import Path, Problems, fits, shown
from .refusals import Refusals, below, of_parts

Value = Mapping[str, Any]

MOST_HOSTS = 16
_FAR_TOO_MANY = 8 * MOST_MATCHES  # matches, of which it is not even looked which are needless
_WITH = "with api gateway"
_HAS_NONE = f"nothing {_WITH}, as Gateway API has no"
_NOT_SAID = {
    "directResponse": "answers of a proxy's own",
    "fault": "faults",
    "name": "name for two rules, and a route that is copied is two",
    "retries": "retries in its standard channel",
}
_NOT_MATCHED = {
    "authority": "condition on the host but hosts",
    "ignoreUriCase": "paths whose capitals do not count",
    "name": "names of matches",
    "port": "condition on ports for both ways in",
    "scheme": "condition on the scheme",
    "sourceLabels": "condition on callers",
    "sourceNamespace": "condition on callers",
    "statPrefix": "names of figures",
    "withoutHeaders": "condition that a header is missing",
}
_PATH = re.compile(r"(?=.{1,1024}\Z)/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*")
_NOT_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
_PATH_TEXT = (
    "a path of letters, digits and -._~!$&'()*+,;=:@%, without //, /./, /../ and %2F, not ending in /. or /.., "
    "with api gateway"
)
_PREFIX_TEXT = (
    f'a beginning that ends in "/" {_WITH}, such as "/cart/", as Gateway API compares whole parts of a path: '
    'exact "/cart" next to prefix "/cart/" is that path and all below it'
)
_REWRITE_TEXT = (
    f'a new beginning that ends in "/" {_WITH}, as it takes the place of whole parts of a path, for matches with '
    "prefix; for exact ones any path"
)
_ORIGIN = re.compile(r"https?://(\*\.)?([a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+(:[0-9]{1,5})?")
_HOSTNAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def check(service: Service, problems: Problems) -> None:
    """What cannot be said, of a service that is sound otherwise."""
    if not service.by_gateway_api or problems.lines:
        return
    for path, value, allowed in _of_service(service):
        secret = "headers" in path or isinstance(value, Mapping | list)
        problems.add(path, f"{shown(value, secret=secret)} is not allowed; allowed: {allowed}")
    if not problems.lines:
        _check_rules(service, problems)


def _of_service(service: Service) -> Refusals:
    if len(service.hosts) > MOST_HOSTS:
        yield ("hosts",), list(service.hosts), f"at most {MOST_HOSTS} {_WITH}"
    if service.mirror_match.max_body_bytes is not None:
        yield (
            ("mirrorMatch", "maxBodyBytes"),
            service.mirror_match.max_body_bytes,
            f"{_HAS_NONE} condition that a header is missing, and what has no Content-Length is told by that",
        )
    for place, path in enumerate(service.mirror_match.paths):
        start = path.removesuffix("*")
        if start != path and not start.endswith("/"):
            yield ("mirrorMatch", "paths", place), path, f'"*" after "/" only {_WITH}, such as "/cart/*"'
        elif not _is_path(start):
            yield ("mirrorMatch", "paths", place), path, _PATH_TEXT
    for place, route in enumerate(service.routes):
        yield from below(("routes", place), _of_route(route.rest))
        for number, match in enumerate(route.matches):
            yield from below(("routes", place, "match", number), _of_match(match))
        if "uri" in route.rest.get("rewrite", {}):
            yield from below(
                ("routes", place, "rewrite", "uri"), _of_edit(route.matches, route.rest["rewrite"]["uri"])
            )
        if "prefixRewrite" in route.rest.get("redirect", {}):
            where: Path = ("routes", place, "redirect", "prefixRewrite")
            yield from below(where, _of_edit(route.matches, route.rest["redirect"]["prefixRewrite"]))


def _of_route(rest: Value) -> Refusals:
    for key, what in _NOT_SAID.items():
        if key in rest:
            yield (key,), rest[key], f"{_HAS_NONE} {what}"
    parts = {
        "rewrite": _of_rewrite,
        "redirect": _of_redirect,
        "corsPolicy": _of_cors,
        "headers": _of_headers,
    }
    yield from of_parts(rest, parts)


def _of_match(match: Value) -> Refusals:
    for key, what in _NOT_MATCHED.items():
        if key in match:
            yield (key,), match[key], f"{_HAS_NONE} {what}"
    yield from below(("uri",), _of_path(match.get("uri", {})))
    method = match.get("method", {})
    if method and method.get("exact") not in _METHODS:
        yield ("method",), method, f"exact {_WITH}, and one of {', '.join(_METHODS)}"
    for key in ("headers", "queryParams"):
        for name, condition in match.get(key, {}).items():
            if key == "queryParams" and not fits(_QUERY_NAME, name):
                yield (key, name), condition, f"{_QUERY_NAME_TEXT} {_WITH}"
            if name.startswith(":") or "prefix" in condition or condition.get("regex") == "*":
                yield (key, name), condition, f"exact or regex, or an empty mapping for any value, {_WITH}"
        if len(match.get(key, {})) > MOST_FILTERS:
            yield (key,), match[key], f"at most {MOST_FILTERS} {_WITH}"


def _of_path(uri: Value) -> Refusals:
    for kind, path in uri.items():
        if kind == "regex":
            yield (kind,), path, f"exact or prefix {_WITH}, before which Istio puts no expression"
        elif kind == "prefix" and not path.endswith("/"):
            yield (kind,), path, _PREFIX_TEXT
        elif not _is_path(path):
            yield (kind,), path, _PATH_TEXT


def _of_edit(matches: tuple[Value, ...], to: str) -> Refusals:
    """A path that is edited: the new beginning takes the place of the whole match."""
    kinds = {kind for match in matches or ({},) for kind in precedence.path_of(match)}
    if ("prefix" in kinds and not to.endswith("/")) or not to.startswith("/"):
        yield (), to, _REWRITE_TEXT


def _of_rewrite(rewrite: Value) -> Refusals:
    if "uriRegexRewrite" in rewrite:
        yield ("uriRegexRewrite",), rewrite["uriRegexRewrite"], f"{_HAS_NONE} rewriting by expressions"
    yield from _of_hostname(rewrite)


def _of_redirect(redirect: Value) -> Refusals:
    if "derivePort" in redirect:
        yield (
            ("derivePort",),
            redirect["derivePort"],
            f"{_HAS_NONE} choice: without port it is the listener's",
        )
    yield from _of_hostname(redirect)


def _of_hostname(edits: Value) -> Refusals:
    if "authority" in edits and not fits(_HOSTNAME, edits["authority"]):
        yield ("authority",), edits["authority"], f"a host name in small letters, without a port, {_WITH}"


def _of_cors(policy: Value) -> Refusals:
    for key in ("allowOrigin", "unmatchedPreflights"):
        if key in policy:
            yield (key,), policy[key], f"{_HAS_NONE} such choice; say allowOrigins"
    for place, origin in enumerate(policy.get("allowOrigins", ())):
        if not fits(_ORIGIN, origin.get("exact")) and origin != {"exact": "*"}:
            yield (
                ("allowOrigins", place),
                origin,
                f'exact {_WITH}: an origin with its scheme, such as "https://shop.example.org"',
            )
    for key in ("allowMethods", "allowHeaders"):
        if "*" in policy.get(key, ()) and len(policy[key]) > 1:
            yield (key,), policy[key], f'nothing next to "*" {_WITH}'


def _of_headers(headers: Value) -> Refusals:
    for side in ("request", "response"):
        for edit in ("set", "add", "remove"):
            edited = headers.get(side, {}).get(edit, {})
            if len(edited) > MOST_FILTERS:
                yield (side, edit), edited, f"at most {MOST_FILTERS} {_WITH}"
            for name in edited:
                if name.lower() in ("host", ":authority"):
                    yield (side, edit, name), "", f"none that is the host {_WITH}; see rewrite.authority"
                elif edit != "remove" and edited[name] == "":
                    yield (side, edit, name), "", f"a value that is not empty {_WITH}"


_QUERY_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}")
_QUERY_NAME_TEXT = "a name of letters, digits and !#$%&'*+-.^_`|~"
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")


def _is_path(raw: str) -> bool:
    return (
        fits(_PATH, raw)
        and not any(each in raw for each in _NOT_IN_PATHS)
        and not raw.endswith(("/.", "/.."))
    )


def _check_rules(service: Service, problems: Problems) -> None:
    """What would mean otherwise, or is too much, in one of the routes; said once, as they differ little."""
    ways = [gateway_api.mesh_rules(service, port) for port in service.routed]
    if service.entered:
        ways.insert(0, gateway_api.ingress_rules(service))
    for of in ways:
        found = list(dict.fromkeys(_of_rules(service, of)))
        for path, text in found:
            problems.add(path, text)
        if found:
            return


def _of_rules(service: Service, of: list[rules.Rule]) -> Iterator[tuple[Path, str]]:
    count = sum(len(rule.matches) for rule in of)
    if count > _FAR_TOO_MANY:
        yield _too_much(len(of), count)
        return
    matches, conflicts = precedence.arranged(of)
    told = set()
    for conflict in conflicts:
        place = _place(service, of[conflict.first.rule])
        other = _place(service, of[conflict.other.rule]) if conflict.other else None
        if (place, other) in told:
            continue
        told.add((place, other))
        path = conflict.first.path
        if conflict.other is None:
            yield (
                ("routes", place),
                f"the prefix {shown(path)} is not allowed; allowed: {_WITH} a route for {conflict.first.base} "
                "too, as Gateway API takes that with the prefix",
            )
        else:
            yield (
                ("routes", place),
                f"this order is not allowed; allowed: {_WITH} no routes[{other}] that is more specific after it, "
                "as Gateway API goes by the longest path, then method, then headers, and not by order: it would "
                f"take requests for {conflict.other.path} from {shown(path)}",
            )
    made = [part for rule, found in zip(of, matches, strict=True) for part in gateway_api.spoken(rule, found)]
    count = sum(len(part) for part in made)
    if len(made) > MOST_RULES or count > MOST_MATCHES:
        yield _too_much(len(made), count)
    for rule, found in zip(of, matches, strict=True):
        if found and len(gateway_api.filters(service, service.port, rule, found[0])) > MOST_FILTERS:
            yield (
                ("subsets",),
                f"so many copies of a request are not allowed; allowed: {_WITH} at most {MOST_FILTERS} filters "
                "of a rule, one for each 100 % of a mirrorPercent begun, and those of the route",
            )


def _too_much(made: int, count: int) -> tuple[Path, str]:
    return (
        ("routes",),
        f"{made} rules with {count} matches are not allowed; allowed: {_WITH} at most {MOST_RULES} and "
        f"{MOST_MATCHES}, of own matches times methods and paths of mirrorMatch: what one HTTPRoute can hold",
    )


def _place(service: Service, rule: rules.Rule) -> int:
    """Which of the user's routes the rule is part of: the one that says the same."""
    same = [place for place, route in enumerate(service.routes) if route.rest is rule.rest]
    return same[0] if same else 0
