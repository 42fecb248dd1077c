"""Reads how requests are told apart, and what holds for each kind: Istio's HTTPRoutes without destinations and
mirrors. What Istio's webhook would refuse of one is in route_rules.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..description import openapi
from ..description.copies import MirrorMatch
from ..description.routes import EVERYTHING, MESH, Match, Route
from ..description.service import Service
from . import known_fields, route_rules
from .fields import Fields, Path, Problems, shown

MOST_ROUTES = 200
# Entries of all matches, after each route's own are combined with mirrorMatch's: an object of 1 MB at most.
MOST_ENTRIES = 5000

_COPIES_TEXT = "as weights, mirrorPercent and mirrorTo say where requests and copies go"
_NOT_OURS = ("delegate", "mirrorPercent", "mirrorPercentage", "mirror_percent", "mirrors", "route")


def read(fields: Fields) -> tuple[Route, ...]:
    """The routes, in order; without any, one for every request."""
    raw = fields.values.get("routes")
    allowed = f"a list of 1 to {MOST_ROUTES} of Istio's HTTPRoutes without destinations and mirrors"
    if raw is None:
        return (EVERYTHING,)
    if not isinstance(raw, list | tuple) or not 0 < len(raw) <= MOST_ROUTES:
        fields.refuse(("routes",), raw, allowed, secret=True)
        return (EVERYTHING,)
    return tuple(_route(fields.problems, ("routes", place), member) for place, member in enumerate(raw))


def _route(problems: Problems, path: Path, raw: Any) -> Route:
    ours = dict(raw) if isinstance(raw, Mapping) else {}
    copied = ours.pop("mirror", None)
    if copied is not None and not isinstance(copied, bool):
        problems.add(
            (*path, "mirror"), f"{_kind(copied)} is not allowed; allowed: true or false, {_COPIES_TEXT}"
        )
    for key in _NOT_OURS:
        if key in ours:
            problems.add(
                (*path, key), f"{_kind(ours.pop(key))} is not allowed; allowed: nothing, {_COPIES_TEXT}"
            )
    checked = known_fields.checked(problems, path, ours if isinstance(raw, Mapping) else raw, openapi.ROUTE)
    if problems.below(*path):
        return EVERYTHING
    route_rules.check(problems, path, checked)
    rest = {key: value for key, value in checked.items() if key != "match"}
    route = Route(tuple(checked.get("match", ())), rest, copied is not False)
    if route.answers_itself and copied:
        problems.add(
            (*path, "mirror"),
            "true is not allowed; allowed: nothing next to redirect or directResponse, which no version is asked "
            "for",
        )
    return route


def _kind(raw: object) -> str:
    return shown(raw, secret=True)


def check(service: Service, problems: Problems) -> None:
    """What must be true of the routes together, and with what is copied of each."""
    if problems.below("routes"):
        return
    _check_order(service, problems)
    _check_ways_in(service, problems)
    if problems.below("mirrorMatch"):
        return
    for path, match in _copied_matches(service):
        _check_combined(service.mirror_match, path, match, problems)
    for place, route in enumerate(service.routes):
        if route.copied:
            _check_rewritten(service.mirror_match, ("routes", place, "rewrite", "uri"), route, problems)
    _check_size(service, problems)


def _check_order(service: Service, problems: Problems) -> None:
    for place, route in enumerate(service.routes[:-1]):
        if route.is_last:
            problems.add(
                ("routes", place),
                f"a route for every request is not allowed; allowed: as the last one only, as none of the "
                f"{len(service.routes) - place - 1} after it would get a request",
            )
            return


def _check_ways_in(service: Service, problems: Problems) -> None:
    """Wherever requests come in, there must be a route for some: Istio refuses to have none."""
    if service.entered and not problems.below("gateway") and not service.gateway_routes:
        problems.add(
            ("routes",),
            f'only matches of gateways ["{MESH}"] are not allowed; allowed: with hosts or gateway.delegate, a '
            "route for what comes in through the gateway",
        )
    if problems.below("ports"):
        return
    for port in service.routed:
        if not service.mesh_routes(port):
            problems.add(
                ("routes",),
                f"only matches of other ports than {port.number} are not allowed; allowed: a route for each port "
                "of the service",
            )


def _copied_matches(service: Service) -> Iterator[tuple[Path, Match]]:
    for place, route in enumerate(service.routes):
        if route.copied and not route.answers_itself:
            for number, match in enumerate(route.matches):
                yield ("routes", place, "match", number), match


def _check_combined(copied: MirrorMatch, path: Path, match: Match, problems: Problems) -> None:
    """Istio cannot say of one request that two conditions hold for one thing: what both take must be known."""
    way_out = "or mirror: false for this route"
    uri = match.get("uri", {})
    if copied.paths and "regex" in uri:
        problems.add(
            (*path, "uri", "regex"),
            f"{shown(uri['regex'])} is not allowed; allowed: exact or prefix next to mirrorMatch.paths, as the "
            f"paths that both take are not known, {way_out}",
        )
    if copied.paths and uri and match.get("ignoreUriCase"):
        problems.add(
            (*path, "ignoreUriCase"),
            f"true is not allowed; allowed: false next to mirrorMatch.paths, whose capitals count, {way_out}",
        )
    own = {name.lower(): name for name in match.get("headers", {})}
    for small, value in copied.headers.items():
        if value != "*" and "regex" in match.get("headers", {}).get(own.get(small), {}):
            problems.add(
                (*path, "headers", own[small], "regex"),
                "a string is not allowed; allowed: exact or prefix next to mirrorMatch.headers of this header, "
                f"as the values that both take are not known, {way_out}",
            )
    if "regex" in match.get("method", {}) and ":method" in own and not copied.every_method:
        problems.add(
            (*path, "headers", ":method"),
            f"a mapping is not allowed; allowed: nothing next to method, {way_out}",
        )
    _check_length(copied, path, match, problems)


def _check_rewritten(copied: MirrorMatch, path: Path, route: Route, problems: Problems) -> None:
    """Istio rewrites as much of a path as the match names: more, where fewer paths are copied."""
    to = route.rest.get("rewrite", {}).get("uri")
    starts = [match.get("uri", {"prefix": "/"}).get("prefix") for match in route.matches or ({},)]
    narrower = any(
        start is not None and each.startswith(start) and each != f"{start}*"
        for each in copied.paths
        for start in starts
    )
    if to is not None and narrower:
        problems.add(
            path,
            f"{shown(to)} is not allowed; allowed: nothing next to mirrorMatch.paths below the route's prefix, "
            "as more of the path would be rewritten of requests that are copied than of others; "
            "uriRegexRewrite, or mirror: false for this route",
        )


def _check_length(copied: MirrorMatch, path: Path, match: Match, problems: Problems) -> None:
    for key in ("headers", "withoutHeaders"):
        for name in match.get(key, {}):
            if name.lower() == "content-length" and copied.max_body_bytes is not None:
                problems.add(
                    (*path, key, name),
                    "a mapping is not allowed; allowed: nothing next to mirrorMatch.maxBodyBytes, which matches "
                    "by it, or mirror: false for this route",
                )


def _check_size(service: Service, problems: Problems) -> None:
    wanted = service.mirror_match
    each = (
        max(len(wanted.methods), 1) * max(len(wanted.paths), 1) * (1 if wanted.max_body_bytes is None else 2)
    )
    entries = sum(max(len(route.matches), 1) * (1 + each) for route in service.routes if route.copied)
    if entries > MOST_ENTRIES:
        problems.add(
            ("routes",),
            f"{entries} entries in all are not allowed; allowed: at most {MOST_ENTRIES}, of own matches times "
            "methods and paths of mirrorMatch",
        )
