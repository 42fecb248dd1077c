"""What a service's routes copy, and the same routes without copies. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Route = dict[str, Any]

COPIES = "-copies"  # ends the name of the subset that a version gets copies through
MIRRORS = ("mirrors", "mirror", "mirrorPercentage")


def names(service: str) -> tuple[str, str]:
    """The VirtualServices of a service: for what comes through the gateway, and from inside the mesh."""
    return f"{service}-vs", f"{service}-mesh"


def copied_to(routes: Iterable[Route]) -> list[tuple[str, str]]:
    """Host and subset of whatever gets copies; the subset is empty where the route names none."""
    mirrors = [
        mirror
        for route in routes
        for mirror in [
            *(mirror["destination"] for mirror in route.get("mirrors", [])),
            *([route["mirror"]] if "mirror" in route else []),
        ]
    ]
    return sorted({(mirror["host"], mirror.get("subset", "")) for mirror in mirrors})


def without_copies(routes: list[Route]) -> list[Route]:
    """The same routes to the same live versions.

    Where requests were told apart only to copy some of them, the route for all of these is left: what `pulumi up`
    makes of percentages of 0, so that it has nothing to change afterwards.
    """
    plain = [{key: route[key] for key in route if key not in MIRRORS} for route in routes]
    return [
        route
        for place, route in enumerate(plain)
        if route == routes[place] or not (place + 1 < len(plain) and _within(route, plain[place + 1]))
    ]


def _within(route: Route, following: Route) -> bool:
    """Would the following route, if this one was not there, do the same with each of its requests?"""
    if {**route, "match": None} != {**following, "match": None}:
        return False
    matches, wide = route.get("match") or [{}], following.get("match") or [{}]
    return all(any(_narrower(one, other) for other in wide) for one in matches)


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
