"""Renders which requests are copied, and how much copies may take up in each proxy that makes them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from ..description.copies import BODILESS_METHODS, MirrorLimits, MirrorMatch, OutlierDetection
from . import Manifest


def policy(limits: MirrorLimits) -> Manifest:
    """Without a limit a shadow that hangs eats up the memory of the very proxies that live requests go through:
    some 40 kB a copy. With HTTP/2 it leaves their processors alone too: no TLS handshake for every copy that
    waits."""
    http: Manifest = {"http1MaxPendingRequests": limits.pending_requests, "http2MaxRequests": limits.requests}
    if limits.http2 is not None:
        http["h2UpgradePolicy"] = "UPGRADE" if limits.http2 else "DO_NOT_UPGRADE"
    if limits.requests_per_connection:
        http["maxRequestsPerConnection"] = limits.requests_per_connection
    found: Manifest = {"connectionPool": {"tcp": {"maxConnections": limits.connections}, "http": http}}
    if limits.outlier_detection:
        found["outlierDetection"] = _outlier_detection(limits.outlier_detection)
    return found


def _outlier_detection(detection: OutlierDetection) -> Manifest:
    return {
        "consecutive5xxErrors": detection.consecutive_errors,
        "interval": f"{detection.interval_seconds}s",
        "baseEjectionTime": f"{detection.ejection_seconds}s",
        "maxEjectionPercent": detection.max_ejection_percent,
    }


def matches(match: MirrorMatch) -> list[Manifest]:
    """Entries any of which is enough; what is in an entry must be true together."""
    if match.max_body_bytes is None:
        return _entries(match, match.methods)
    sized = {"content-length": {"regex": _at_most(match.max_body_bytes)}}
    unsized: Manifest = {"withoutHeaders": {"content-length": {}}}
    bodiless = BODILESS_METHODS if match.every_method else set(match.methods) & set(BODILESS_METHODS)
    return [
        *(
            {**each, "headers": {**each.get("headers", {}), **sized}}
            for each in _entries(match, match.methods)
        ),
        *({**each, **unsized} for each in _entries(match, sorted(bodiless))),
    ]


def _entries(match: MirrorMatch, methods: Sequence[str]) -> list[Manifest]:
    """One entry for each of the methods and each path."""
    by_method = [{}] if "*" in methods else [{"method": {"exact": method}} for method in methods]
    by_path = [{"uri": _path(path)} for path in match.paths] or [{}]
    headers = {name: {} if value == "*" else {"exact": value} for name, value in match.headers.items()}
    always = {"headers": headers} if headers else {}
    return [{**method, **path, **always} for method, path in product(by_method, by_path)]


def _at_most(most: int) -> str:
    """A regular expression for the numbers from 0 to `most`: shorter ones, those with a lower digit somewhere
    after the same ones, and the number itself."""
    digits = str(most)
    lower = [
        f"{digits[:place]}[0-{int(digit) - 1}][0-9]{{{len(digits) - place - 1}}}"
        for place, digit in enumerate(digits)
        if digit != "0"
    ]
    shorter = [f"[0-9]{{1,{len(digits) - 1}}}"] if len(digits) > 1 else []
    return "|".join([*shorter, *lower, digits])


def _path(path: str) -> Manifest:
    return {"prefix": path[:-1]} if path.endswith("*") else {"exact": path}
