"""Combines what requests are told apart by: a route's own matches with those of the requests that are copied.

Pure, and in Istio's words: a match is an HTTPMatchRequest, of which everything must be true. What cannot be
combined in one, reading/routes.py refuses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from ..description.routes import Match
from . import Manifest

Condition = Mapping[str, str]  # Istio's StringMatch; empty: any value


def combined(own: Sequence[Match], copied: Sequence[Match]) -> list[Manifest]:
    """Entries for the requests that one of each kind matches, in the order of the route's own; without own ones
    every request is meant."""
    pairs = (_both(one, other) for one, other in product(own or [{}], copied))
    found: list[Manifest] = []
    for pair in pairs:
        if pair is not None and pair not in found:
            found.append(pair)
    return found


def _both(own: Match, copied: Match) -> Manifest | None:
    """What must be true for both; None: no request can."""
    found = dict(own)
    for part in (_path, _method, _headers):
        both = part(found, copied)
        if both is None:
            return None
        found = both
    if "withoutHeaders" in copied:
        found["withoutHeaders"] = {**own.get("withoutHeaders", {}), **copied["withoutHeaders"]}
    return found


def _path(own: Match, copied: Match) -> Manifest | None:
    if "uri" not in copied:
        return dict(own)
    path = _common(own.get("uri", {"prefix": "/"}), copied["uri"])
    # ignoreUriCase has no meaning without a path of its own, and with one it is refused here.
    rest = {key: own[key] for key in own if key != "ignoreUriCase"}
    return None if path is None else {**rest, "uri": path}


def _method(own: Match, copied: Match) -> Manifest | None:
    if "method" not in copied:
        return dict(own)
    theirs = own.get("method", {})
    if "regex" in theirs:
        # A second condition on it, which Envoy takes for one on a header.
        return {**own, "method": copied["method"], "headers": {**own.get("headers", {}), ":method": theirs}}
    return {**own, "method": copied["method"]} if _takes(theirs, copied["method"]["exact"]) else None


def _headers(own: Match, copied: Match) -> Manifest | None:
    headers = dict(own.get("headers", {}))
    spelt = {name.lower(): name for name in headers}
    for small, condition in copied.get("headers", {}).items():
        name = spelt.get(small, small)
        if name in headers and condition and not _takes(headers[name], condition["exact"]):
            return None
        if condition or name not in headers:
            headers[name] = condition
    return {**own, "headers": headers} if headers else dict(own)


def _common(one: Condition, other: Condition) -> Condition | None:
    """The path, or beginning of paths, that both take."""
    for wide, narrow in ((one, other), (other, one)):
        start = wide.get("prefix")
        if wide == narrow or (start is not None and next(iter(narrow.values()), "").startswith(start)):
            return narrow
    return None


def _takes(condition: Condition, value: str) -> bool:
    """Does a condition that is no regular expression hold for the value?"""
    if "exact" in condition:
        return value == condition["exact"]
    return value.startswith(condition.get("prefix", ""))
