"""What a service's routes copy, and the same routes without copies, in either API's words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Route = dict[str, Any]

COPIES = "-copies"  # ends the name of the subset that a version gets copies through
MIRRORS = ("mirrors", "mirror", "mirrorPercentage")
# What lists an object's routes in its spec, by kind.
LISTS = {"VirtualService": "http", "HTTPRoute": "rules"}


def names(service: str) -> tuple[str, str]:
    """The VirtualServices of a service: for what comes through the gateway, and from inside the mesh."""
    return f"{service}-vs", f"{service}-mesh"


def listed(found: Mapping[str, Any]) -> list[Route]:
    """The routes of an object."""
    routes: list[Route] = found["spec"].get(LISTS[found.get("kind", "VirtualService")], [])
    return routes


def copied_to(routes: Iterable[Route]) -> list[tuple[str, str]]:
    """Host and subset of whatever gets copies; the subset is empty where the route names none. Of an HTTPRoute,
    the Service."""
    mirrors = [
        mirror
        for route in routes
        for mirror in [
            *(mirror["destination"] for mirror in route.get("mirrors", [])),
            *([route["mirror"]] if "mirror" in route else []),
            *({"host": mirror["backendRef"]["name"]} for mirror in _request_mirrors(route)),
        ]
    ]
    return sorted({(mirror["host"], mirror.get("subset", "")) for mirror in mirrors})


def versions(service: str, targets: Iterable[tuple[str, str]]) -> set[str]:
    """The versions among what gets copies: subsets, or Services of versions."""
    return {
        (subset or host.removeprefix(f"{service}-")).removesuffix(COPIES)
        for host, subset in targets
        if subset or (host.startswith(f"{service}-") and "." not in host)
    }


def _request_mirrors(route: Route) -> list[Any]:
    return [each["requestMirror"] for each in route.get("filters", []) if "requestMirror" in each]


def without_copies(routes: list[Route]) -> list[Route]:
    """The same routes to the same live versions.

    Where requests were told apart only to copy some of them, the route for all of these is left: what `pulumi up`
    makes of percentages of 0, so that it has nothing to change afterwards.
    """
    plain = [_plain(route) for route in routes]
    return [
        route
        for place, route in enumerate(plain)
        if route == routes[place] or not (place + 1 < len(plain) and _within(route, plain[place + 1]))
    ]


def _plain(route: Route) -> Route:
    found = {key: route[key] for key in route if key not in MIRRORS}
    filters = [each for each in route.get("filters", []) if "requestMirror" not in each]
    rest = {key: value for key, value in found.items() if key != "filters"}
    return {**rest, "filters": filters} if filters else rest


def _within(route: Route, following: Route) -> bool:
    """Would the following route, if this one was not there, do the same with each of its requests?"""
    if "matches" in route and "matches" in following:
        same = {**route, "matches": None} == {**following, "matches": None}
        wide = following["matches"]
        return same and all(any(_asks_no_more(other, one) for other in wide) for one in route["matches"])
    if {**route, "match": None} != {**following, "match": None}:
        return False
    matches, wide = route.get("match") or [{}], following.get("match") or [{}]
    return all(any(_narrower(one, other) for other in wide) for one in matches)


def _asks_no_more(wide: Any, match: Any) -> bool:
    """Of an HTTPRoute: of the same path, or the beginning of it."""
    ours, theirs = match["path"], wide["path"]
    below = theirs["type"] == "PathPrefix" and ours["value"].startswith(theirs["value"])
    asked = [key for key in wide if key not in ("path", "method")]
    return (
        (ours == theirs or below)
        and wide.get("method") in (None, match.get("method"))
        and all(each in match.get(key, []) for key in asked for each in wide[key])
    )


def _narrower(match: Any, wide: Any) -> bool:
    """Is everything that the wide match asks for asked for by this one too?"""
    if match == wide or (wide == {} and isinstance(match, dict)):
        return True
    if not (isinstance(match, dict) and isinstance(wide, dict)):
        return False
    if "prefix" in wide:
        return any(
            match.get(kind, "").startswith(wide["prefix"]) for kind in ("exact", "prefix") if kind in match
        )
    if ":method" in match.get("headers", {}):  # how the component asks for an expression next to one method
        headers = {**wide.get("headers", {}), ":method": wide.get("method")}
        wide = {**{key: wide[key] for key in wide if key != "method"}, "headers": headers}
    return all(key in match and _narrower(match[key], wide[key]) for key in wide)
