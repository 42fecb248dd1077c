"""Who answers a request, by HTTPRoutes as Gateway API says: enough of it for grids of methods, paths and headers.

Of all matches that take a request the one with an exact path wins, then the longest path, then one with a method,
then more headers, more query parameters, the older route, its name, the first rule
(https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]
Rule = Mapping[str, Any]


def rule(
    found: Sequence[Object], method: str, path: str, headers: Mapping[str, str] | None = None
) -> Rule | None:
    """The rule for a request; None: there is none."""
    routes = sorted(found, key=_age)
    taking = [
        (*_rank(match), place, number, each)
        for place, route in enumerate(routes)
        for number, each in enumerate(route["spec"]["rules"])
        for match in each.get("matches") or [{}]
        if _takes(match, method, path, headers or {})
    ]
    return min(taking, key=lambda entry: entry[:-1])[-1] if taking else None


def copies(of: Rule) -> list[tuple[str, float]]:
    """The Services that get copies, and how many in a hundred."""
    mirrors = [each["requestMirror"] for each in of.get("filters", ()) if each["type"] == "RequestMirror"]
    return [(mirror["backendRef"]["name"], _percent(mirror)) for mirror in mirrors]


def _percent(mirror: Mapping[str, Any]) -> float:
    if "fraction" in mirror:
        return float(100 * mirror["fraction"]["numerator"] / mirror["fraction"]["denominator"])
    return float(mirror["percent"])


def _age(route: Object) -> tuple[str, str, str]:
    metadata = route["metadata"]
    return metadata.get("creationTimestamp", "9999"), metadata["namespace"], metadata["name"]


def _rank(match: Mapping[str, Any]) -> tuple[bool, int, bool, int, int]:
    kind, value = _path(match)
    return (
        kind != "Exact",
        -len(value),
        "method" not in match,
        -len(match.get("headers", ())),
        -len(match.get("queryParams", ())),
    )


def _path(match: Mapping[str, Any]) -> tuple[str, str]:
    path = match.get("path", {"type": "PathPrefix", "value": "/"})
    value = path["value"]
    return path["type"], value.rstrip("/") if path["type"] == "PathPrefix" and value != "/" else value


def _takes(match: Mapping[str, Any], method: str, path: str, headers: Mapping[str, str]) -> bool:
    kind, value = _path(match)
    whole = path == value
    below = kind == "PathPrefix" and (value == "/" or path.startswith(f"{value}/"))
    return (
        (whole or below)
        and match.get("method", method) == method
        and all(_is(each, headers) for each in match.get("headers", ()))
    )


def _is(condition: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    there = {name.lower(): value for name, value in headers.items()}.get(condition["name"].lower())
    if there is None:
        return False
    if condition.get("type") == "RegularExpression":
        return re.fullmatch(condition["value"], there) is not None
    return there == condition["value"]
