"""Who answers a request, by VirtualServices as Istio reads them: enough of it for grids of methods and paths.

Istio puts the routes of a host's VirtualServices one after the other, the oldest first, and routes for everything
last; a delegate's routes stand where the root hands over (pilot/pkg/networking/core/route and pilot/pkg/model of
Istio).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]
Route = Mapping[str, Any]
# What a caller notices of a route.
_NOTICED = ("corsPolicy", "directResponse", "fault", "headers", "redirect", "retries", "rewrite", "timeout")
_OF_DELEGATES = (*_NOTICED, "mirrors")
CONDITIONS = ("uri", "method", "authority")


def answer(
    found: Sequence[Object], host: str, gateway: str, method: str, path: str, port: int = 80
) -> dict[str, Any] | None:
    """The hosts that are asked, and all else that a caller notices; None: 404, as no route is for it."""
    for route in _ordered(found, host, gateway):
        matches = route.get("match") or [{}]
        match = next((each for each in matches if _takes(each, gateway, method, path, port)), None)
        if match is not None:
            noticed = {key: route[key] for key in _NOTICED if route.get(key)}
            for edits in [each["headers"] for each in route.get("route", ()) if each.get("headers")]:
                noticed["headers"] = {**noticed.get("headers", {}), **edits}
            asked = {each["destination"]["host"].split(".")[0] for each in route.get("route", ())}
            return {**noticed, "asked": asked, "path": _rewritten(route, match, path)}
    return None


def _ordered(found: Sequence[Object], host: str, gateway: str) -> list[Route]:
    bound = [each for each in found if host in each["spec"].get("hosts", ()) and gateway in _gateways(each)]
    bound.sort(key=lambda each: each["metadata"].get("creationTimestamp", "9999"))
    if gateway == "mesh":
        bound = bound[:1]  # proxies follow the oldest alone
    routes = [route for each in bound for route in _merged(found, each)]
    return [*(each for each in routes if not _catches_all(each)), *filter(_catches_all, routes)]


def _gateways(found: Object) -> list[str]:
    listed: list[str] = found["spec"].get("gateways") or ["mesh"]
    own = found["metadata"]["namespace"]
    return [name if name == "mesh" or "/" in name else f"{own}/{name}" for name in listed]


def _merged(found: Sequence[Object], root: Object) -> Iterator[Route]:
    for route in root["spec"]["http"]:
        if "delegate" not in route:
            yield route
            continue
        wanted = route["delegate"]["name"], route["delegate"].get("namespace", root["metadata"]["namespace"])
        for other in found:
            name = other["metadata"]["name"], other["metadata"]["namespace"]
            if name == wanted and not other["spec"].get("hosts"):
                yield from filter(None, (_within(route, each) for each in other["spec"]["http"]))


def _within(root: Route, leaf: Route) -> Route | None:
    matches = leaf.get("match") or root.get("match")
    if leaf.get("match") and root.get("match"):
        pairs = [(one, other) for other in leaf["match"] for one in root["match"]]
        matches = [{**one, **other} for one, other in pairs if not _conflict(one, other)]
        if not matches:
            return None
    said = {key: leaf.get(key) or root.get(key) for key in _OF_DELEGATES}
    rest = {key: value for key, value in said.items() if value}
    return {**leaf, **rest, **({"match": matches} if matches else {})}


def _conflict(root: Mapping[str, Any], leaf: Mapping[str, Any]) -> bool:
    """A condition of both, of which these tests have only such that Istio leaves out."""
    return any(key in root and key in leaf for key in CONDITIONS) or bool(root.get("ignoreUriCase")) != bool(
        leaf.get("ignoreUriCase")
    )


def _catches_all(route: Route) -> bool:
    return any(
        each.get("uri", {"prefix": "/"}) == {"prefix": "/"} and not set(each) - {"uri", "port", "gateways"}
        for each in route.get("match") or [{}]
    )


def _takes(match: Mapping[str, Any], gateway: str, method: str, path: str, port: int) -> bool:
    if gateway not in match.get("gateways", [gateway]) or match.get("port", port) != port:
        return False
    headers = dict(match.get("headers", {}))
    by_method = [each for each in (match.get("method"), headers.pop(":method", None)) if each]
    assert not headers, "these tests send no headers"
    return all(_is(each, method) for each in by_method) and _is(match.get("uri"), path)


def _is(condition: Mapping[str, str] | None, value: str) -> bool:
    if not condition:
        return True
    ((kind, wanted),) = condition.items()
    if kind == "regex":
        return re.fullmatch(wanted, value) is not None
    return value == wanted if kind == "exact" else value.startswith(wanted)


def _rewritten(route: Route, match: Mapping[str, Any], path: str) -> str:
    to = (route.get("rewrite") or {}).get("uri")
    if to is None:
        return path
    prefix = (match.get("uri") or {}).get("prefix")
    return str(to) + path.removeprefix(prefix) if prefix else str(to)


def copies(found: Iterable[Object]) -> bool:
    """Does any route copy anything?"""
    return any(route.get("mirrors") for each in found for route in each["spec"]["http"])
