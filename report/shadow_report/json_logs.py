"""JSON access logs: under which key which column is found, in the formats that there are. Pure.

A format is a mapping from columns of schema.RAW to keys; a column that it does not name has its own name as key.
`app_ms` is a column of logs only: the app's own time where it is told in milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shadow_report.errors import ReportError
from shadow_report.schema import RAW_NAMES

APP_MS = "app_ms"
NAMES = (*RAW_NAMES, APP_MS)

Keys = Mapping[str, str]

FORMATS: dict[str, Keys] = {
    "json": {},
    # https://istio.io/latest/docs/tasks/observability/logs/access-log/ with accessLogEncoding: JSON
    "istio-json": {
        "status": "response_code",
        "flags": "response_flags",
        "details": "response_code_details",
        "duration_ms": "duration",
        APP_MS: "upstream_service_time",
        "xff": "x_forwarded_for",
    },
    # https://gateway.envoyproxy.io/docs/tasks/observability/proxy-accesslog/
    "envoy-gateway-json": {
        "path": "x-envoy-origin-path",
        "status": "response_code",
        "flags": "response_flags",
        "details": "response_code_details",
        "duration_ms": "duration",
        APP_MS: "x-envoy-upstream-service-time",
        "xff": "x-forwarded-for",
        "request_id": "x-request-id",
    },
}
# A line that has these is of an access log.
NEEDED = ("method", "path", "status", "start_time")
_NOWHERE = object()


def load(raw: bytes | str) -> Any:
    """The value of a line. Raises ValueError for one that is no JSON, however deep."""
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def recognise(values: Any, given: Keys, outer: Any = None) -> str | None:
    """The format of FORMATS in which an object is, with the keys that were `given` besides; None if it is of no
    access log. A request that nobody could read has no method and no path, but it has the keys."""
    for name, keys in FORMATS.items():
        known = {**keys, **given}
        needed = [known.get(each, each) for each in NEEDED]
        if all(_at(values, key) is not _NOWHERE or _at(outer, key) is not _NOWHERE for key in needed):
            return name
    return None


def find(values: Any, outer: Any, key: str) -> Any:
    """What an object has under a key, or else what the envelope around it has; None if neither does."""
    for place in (values, outer):
        found = _at(place, key)
        if found is not _NOWHERE and found is not None:
            return found
    return None


def _at(values: Any, key: str) -> Any:
    """The value under a key; a dot in it stands for itself, or leads into an object."""
    if not isinstance(values, Mapping):
        return _NOWHERE
    if key in values:
        return values[key]
    place = key.find(".")
    while place >= 0:
        found = _at(values.get(key[:place]), key[place + 1 :])
        if found is not _NOWHERE:
            return found
        place = key.find(".", place + 1)
    return _NOWHERE


def line(values: Any, outer: Any, keys: Keys) -> dict[str, Any]:
    """The columns of an object, by the keys of its format."""
    return {name: find(values, outer, keys.get(name, name)) for name in NAMES}


def parse_keys(given: list[str]) -> dict[str, str]:
    """What `--keys status=code,path=http.path` means. Raises ReportError."""
    found: dict[str, str] = {}
    for pair in (each for text in given for each in text.split(",")):
        name, _, key = pair.partition("=")
        if name not in NAMES or not key or name in found:
            raise ReportError(
                f"--keys {pair!r}: COLUMN=KEY is allowed, each column once, of {', '.join(NAMES)}; such as "
                "--keys status=code,path=http.path"
            )
        found[name] = key
    return found
