"""Reads which requests are copied, how many of them, and how much the copies may take up."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .. import args as public
from ..description.copies import METHODS, SAFE_METHODS, MirrorLimits, MirrorMatch, OutlierDetection
from . import syntax
from .fields import Fields, fits, number

LEAST_PERCENT = 0.0001  # below, Istio copies nothing without a word
MOST_PATHS = 100
_MOST = 1_000_000
# With connections to spare, a copy too many is dropped at once and does not wait for one.
_SPARE_CONNECTIONS = 64
_LARGEST_BODY = 1_000_000_000

_PATHS_TEXT = (
    f'a list of at most {MOST_PATHS} paths, such as "/cart", or "/cart/*" for all that start with "/cart/"; '
    'without a query, and with "*" at the end only'
)


def percent(fields: Fields, key: str = "mirrorPercent", default: float = 0.0) -> float:
    """How many copies a version, or another service, gets."""
    allowed = f"0, or a number from {LEAST_PERCENT} to 1000"
    return fields.value(key, default, allowed, _percent)


def _percent(raw: Any) -> float | None:
    return number(raw, 0, 0) if raw == 0 else number(raw, LEAST_PERCENT, 1000)


def match(fields: Fields) -> MirrorMatch:
    """Which requests are copied."""
    section = fields.section("mirrorMatch", public.MirrorMatchArgs)
    headers, size = _headers(section), section.whole("maxBodyBytes", None, 0, _LARGEST_BODY)
    if size is not None and "content-length" in headers:
        section.refuse_name("headers", "content-length", "none that maxBodyBytes matches by already")
    calls = section.flag("grpcCalls", None)
    return MirrorMatch(_methods(section), _paths(section), headers, size, calls)


def _methods(section: Fields) -> tuple[str, ...]:
    allowed = f'["*"], or a list of {", ".join(METHODS)}'
    methods = section.texts("methods", SAFE_METHODS, allowed, lambda method: method in (*METHODS, "*"))
    if not methods:
        section.refuse(("methods",), [], allowed)
    elif "*" in methods and set(methods) != {"*"}:
        section.refuse(("methods", methods.index("*")), "*", 'nothing next to "*", which is every method')
    return tuple(dict.fromkeys(methods))


def _paths(section: Fields) -> tuple[str, ...]:
    paths = section.texts("paths", (), _PATHS_TEXT, syntax.MATCH_PATH)
    if len(paths) > MOST_PATHS:
        section.refuse(("paths",), paths, _PATHS_TEXT)
    if paths == () and section.values.get("paths") == []:
        section.refuse(("paths",), [], f"{_PATHS_TEXT}; leave it out for every path")
    # Istio warns of a match that another one makes needless; what is copied is the same without it.
    each = tuple(dict.fromkeys(paths))
    return tuple(path for path in each if not any(syntax.path_covers(other, path) for other in each))


def _headers(section: Fields) -> dict[str, str]:
    headers = {}
    for name, value in section.entries("headers", "header names and their values").items():
        if not fits(syntax.HEADER_NAME, name):
            section.refuse_name("headers", name, "a header's name: letters, digits, '-' and '_'")
        elif name.lower() in syntax.UNMATCHED_HEADERS:
            section.refuse_name(
                "headers", name, "none that Istio does not match by: use methods, paths or hosts"
            )
        elif name.lower() in headers:
            section.refuse_name("headers", name, "each header once; capitals make no difference")
        elif not fits(syntax.HEADER_VALUE, value):
            allowed = 'the header\'s exact value in printable ASCII, or "*" for any'
            section.refuse(("headers", name), value, allowed, secret=True)
        else:
            headers[name.lower()] = value
    return headers


def limits(fields: Fields, protocols: Collection[str | None], *, sidecars: bool) -> MirrorLimits:
    """How much the copies for a version may take up in each proxy that makes them. `protocols` are those of the
    ports that are copied; `sidecars`: the pods that get the copies have one for sure."""
    section = fields.section("mirrorLimits", public.MirrorLimitsArgs)
    requests = section.whole("requests", 64, 1, _MOST)
    return MirrorLimits(
        connections=section.whole("connections", min(requests + _SPARE_CONNECTIONS, _MOST), 1, _MOST),
        pending_requests=section.whole("pendingRequests", requests, 1, _MOST),
        requests=requests,
        requests_per_connection=section.whole("requestsPerConnection", None, 1, _MOST),
        http2=_http2(section, protocols, sidecars),
        outlier_detection=_outlier_detection(section),
    )


def _http2(section: Fields, protocols: Collection[str | None], sidecars: bool) -> bool | None:
    """A sidecar takes HTTP/2 from other proxies and gives the app HTTP/1.1. An app without a sidecar may not
    understand it, so nothing is assumed of pods that may have none."""
    asked = section.flag("http2", None)
    if asked is False and "http" not in protocols:
        section.refuse(
            ("http2",), asked, "true, or nothing, without a port for http: http2 and grpc are HTTP/2"
        )
    if asked is None and sidecars and "http" in protocols:
        return True
    return asked


def _outlier_detection(fields: Fields) -> OutlierDetection | None:
    section = fields.optional_section("outlierDetection", public.OutlierDetectionArgs)
    if section is None:
        return None
    return OutlierDetection(
        consecutive_errors=section.whole("consecutiveErrors", 5, 1, _MOST),
        interval_seconds=section.whole("intervalSeconds", 10, 1, 86_400),
        ejection_seconds=section.whole("ejectionSeconds", 30, 1, 86_400),
        max_ejection_percent=section.whole("maxEjectionPercent", 100, 1, 100),
    )
