"""Reads routes: those that were rendered, in either API's words, and whatever somebody made of them by hand.

Total: people write routes of any shape by hand (a redirect, a delegate, a destination without subset), and Pulumi
hands over what it has of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from ..description.subset import COPIES

KINDS = ("VirtualService", "HTTPRoute")


def used(found: object) -> set[str]:
    """The versions that the routes name, as destination or as mirror."""
    subsets = chain.from_iterable(
        [*_subsets(route, "route"), *_subsets(route, "mirrors"), *_mirror(route)] for route in http(found)
    )
    return {subset.removesuffix(COPIES) for subset in subsets}


def answering(found: object) -> set[str]:
    """The versions that live requests go to."""
    return {subset for route in http(found) for subset in _subsets(route, "route")}


def http(found: object) -> list[object]:
    """The routes of a VirtualService; the rules of an HTTPRoute as such routes, as far as they tell of versions,
    weights, copies and methods."""
    spec = _entry(found, "spec")
    if _entry(found, "kind") != "HTTPRoute":
        return _list(_entry(spec, "http"))
    service = _entry(_entry(_entry(found, "metadata"), "labels"), "app")
    return [_as_route(rule, f"{service}-") for rule in _list(_entry(spec, "rules"))]


def _as_route(rule: object, start: str) -> dict[str, Any]:
    backends, done = _list(_entry(rule, "backendRefs")), _list(_entry(rule, "filters"))
    mirrors = [mirror for each in done if (mirror := _entry(each, "requestMirror")) is not None]
    return {
        "match": [{"method": {"exact": _entry(match, "method")}} for match in _list(_entry(rule, "matches"))],
        "route": [
            {"destination": _destination(backend, start), "weight": _entry(backend, "weight")}
            for backend in backends
        ],
        "mirrors": [
            {
                "destination": _destination(_entry(mirror, "backendRef"), start),
                "percentage": {"value": _percent(mirror)},
            }
            for mirror in mirrors
        ],
    }


def _destination(backend: object, start: str) -> dict[str, Any]:
    """A version's Service is called after the service and the version, or its subset."""
    name = _entry(backend, "name")
    return {"subset": name.removeprefix(start)} if isinstance(name, str) and name.startswith(start) else {}


def _percent(mirror: object) -> float:
    """Without a word of it everything is copied."""
    whole, fraction = _entry(mirror, "percent"), _entry(mirror, "fraction")
    if isinstance(whole, (int, float)):
        return float(whole)
    parts, of = _entry(fraction, "numerator"), _entry(fraction, "denominator") or 100
    return 100 * parts / of if isinstance(parts, (int, float)) and isinstance(of, (int, float)) else 100.0


def _subsets(route: object, key: str) -> list[str]:
    found = (_entry(_entry(member, "destination"), "subset") for member in _list(_entry(route, key)))
    return [subset for subset in found if isinstance(subset, str)]


def _mirror(route: object) -> list[str]:
    """Of the older way to write a single mirror."""
    found = _entry(_entry(route, "mirror"), "subset")
    return [found] if isinstance(found, str) else []


def _entry(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, Mapping) else None


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
