"""Reads one line of a sidecar's log: the kubelet's time, and what the proxy says of a request. Pure."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from shadow_report import json_logs, text_logs
from shadow_report.schema import RAW, Column
from shadow_report.text_logs import BadLineError

Row = dict[str, Any]

# Reads a line: the request that it tells of, or None. Raises BadLineError.
Reader = Callable[[bytes], Row | None]

# What the kubelet puts before each line: 2026-11-23T08:04:30.123456789Z, or with +01:00.
_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})(Z|[+-]\d\d:\d\d) ")
_NOTHING = ("", "-")
_MOST = 2**63
_APP_MS = Column(json_logs.APP_MS, "whole", "the app's own time, where a log tells it in milliseconds")


def split(line: bytes) -> tuple[int, bytes] | None:
    """The line's time in nanoseconds since 1970, and its text; None if the kubelet did not write it."""
    found = _TIME.match(line)
    if found is None:
        return None
    return _seconds(found[1], found[3]) * 1_000_000_000 + int(found[2]), line[found.end() :]


@lru_cache(maxsize=64)
def _seconds(date: bytes, zone: bytes) -> int:
    moment = datetime.fromisoformat((date + zone.replace(b"Z", b"+00:00")).decode())
    return timegm(moment.utctimetuple())


def request(text: bytes) -> Row | None:
    """The request that the line tells of, with the columns of `schema.RAW`; None if it tells of something else.

    Raises BadLineError for a line that begins as one of the access log does and is not.
    """
    if not text.startswith(b"{"):
        return None
    try:
        values = json_logs.load(text)
    except ValueError as problem:
        raise BadLineError("nested too deeply" if "nested" in str(problem) else "no JSON") from None
    source = json_logs.recognise(values, {})
    return None if source is None else _row(json_logs.line(values, None, json_logs.FORMATS[source]))


def text_request(text: bytes) -> Row | None:
    """The same of a line in one of the text formats: nginx's combined one, or Istio's default."""
    source = text_logs.recognise(text)
    return None if source is None else _row(text_logs.parse(text, source))


def _row(values: Mapping[str, Any]) -> Row:
    row = {column.name: _value(column, values.get(column.name)) for column in RAW}
    milliseconds = _value(_APP_MS, values.get(_APP_MS.name))
    if row["app_us"] is None and isinstance(milliseconds, int):
        row["app_us"] = 1000 * milliseconds
    path = row["path"]
    if isinstance(path, str):
        row["path"] = path.partition("?")[0]  # whatever the mesh's config says: queries may hold secrets
    return row


def _value(column: Column, raw: Any) -> str | int | datetime | None:
    if raw is None or (isinstance(raw, str) and raw in _NOTHING):
        return None
    if column.type == "text":
        if isinstance(raw, str):
            # Half of a pair of surrogates is JSON, but not Unicode.
            return raw.encode("utf-8", "replace").decode()
    elif column.type == "name":
        if isinstance(raw, str | int) and not isinstance(raw, bool):
            return str(raw)
    elif column.type == "whole":
        return _whole(column, raw)
    elif isinstance(raw, str):
        return _moment(column, raw)
    raise BadLineError(f"{column.name} is {type(raw).__name__}")


def _whole(column: Column, raw: Any) -> int:
    if isinstance(raw, str) and re.fullmatch(r"-?\d{1,19}", raw, re.ASCII):
        raw = int(raw)
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int) or not -_MOST <= raw < _MOST:
        raise BadLineError(f"{column.name} is no whole number")
    return raw


def _moment(column: Column, raw: str) -> datetime:
    try:
        moment = datetime.fromisoformat(raw)
    except ValueError:
        raise BadLineError(f"{column.name} is no time") from None
    if moment.tzinfo is None:
        raise BadLineError(f"{column.name} has no zone")
    return moment.astimezone(UTC)


READERS: dict[str, Reader] = {"json": request, "text": text_request}
