"""Parses one line of a text log: nginx's combined format, and Istio's and Envoy's default text formats.

Pure. JSON lines are read by the engine (see reading); a text line becomes the same columns here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

Line = dict[str, str | int | None]

LONGEST_LINE = 1 << 20  # bytes; a longer one is no access log line

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_COMBINED = re.compile(
    r"(?P<client>\S+) \S+ (?P<user>.+?) \[(?P<time>[^\]]+)\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<bytes>\d+|-)(?P<rest>(?: .*)?)'
)
_BEGIN = r'\[(?P<time>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{1,3}) (?P<flags>\S+) '
_END = (
    r"(?P<received>\d+|-) (?P<sent>\d+|-) (?P<duration>\d+|-) (?P<service_time>\d+|-) "
    r'"(?P<xff>[^"]*)" "(?:[^"\\]|\\.)*" "(?P<request_id>[^"]*)"(?: .*)?'
)
_ENVOY = re.compile(_BEGIN + _END)
# Istio's says why besides: details, how the connection ended, and what failed.
_ISTIO = re.compile(rf"{_BEGIN}(?P<details>\S+) \S+ {_QUOTED} {_END}")
_REST = re.compile(rf"{_QUOTED}|(\S+)")
_REQUEST_ID = re.compile(rf"(?:request_id=)?({_UUID})|request_id=(\S+)")
_SECONDS = re.compile(r"(?:rt=|request_time=)?(\d{1,9}\.\d{1,6})")
_ADDRESSES = re.compile(r"(?:xff=)?((?:[0-9.]{7,15}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)(?:, ?\S+)*)")


class BadLineError(ValueError):
    """Why a line is not what it should be."""


def combined(text: str) -> Line:
    """A line of nginx's or Apache's combined format.

    The format has no request id, without which nothing can be paired: after the user agent there may follow,
    in any order, a request id (a uuid, or `request_id=...`), the seconds it took (a decimal number, or
    `rt=...`) and X-Forwarded-For.
    """
    found = _COMBINED.fullmatch(text)
    if not found:
        raise BadLineError("not a line of the combined format")
    extra = [quoted or plain for quoted, plain in _REST.findall(found["rest"])][
        2:
    ]  # after referer and user agent
    seconds = _first(_SECONDS, extra)
    return {
        **_request(found["request"]),
        "status": int(found["status"]),
        "start_time": _time(found["time"], lambda raw: datetime.strptime(raw, "%d/%b/%Y:%H:%M:%S %z")),
        "duration_ms": None if seconds is None else round(float(seconds) * 1000),
        "bytes_sent": _whole(found["bytes"]),
        "xff": _first(_ADDRESSES, extra),
        "request_id": _first(_REQUEST_ID, extra),
    }


def istio(text: str) -> Line:
    """A line of Istio's default text format. It tells the app's time only as whole milliseconds, kept as
    app_us."""
    found = _ISTIO.fullmatch(text)
    if not found:
        raise BadLineError("not a line of Istio's default text format")
    return {**_proxy(found), "details": _value(found["details"])}


def envoy(text: str) -> Line:
    """A line of Envoy's default text format: the same without the details."""
    found = _ENVOY.fullmatch(text)
    if not found:
        raise BadLineError("not a line of Envoy's default text format")
    return _proxy(found)


def _proxy(found: re.Match[str]) -> Line:
    service_time = _whole(found["service_time"])
    return {
        **_request(found["request"]),
        "status": int(found["status"]),
        "flags": _value(found["flags"]),
        "start_time": _time(found["time"], datetime.fromisoformat),
        "duration_ms": _whole(found["duration"]),
        "app_us": None if service_time is None else service_time * 1000,
        "bytes_sent": _whole(found["sent"]),
        "bytes_received": _whole(found["received"]),
        "xff": _value(found["xff"]),
        "request_id": _value(found["request_id"]),
    }


PARSERS: dict[str, Callable[[str], Line]] = {"combined": combined, "istio": istio, "envoy": envoy}


def parse(raw: bytes, source: str) -> Line:
    """One line, without its line end, of a format of PARSERS. Raises BadLineError."""
    if len(raw) > LONGEST_LINE:
        raise BadLineError(f"longer than {LONGEST_LINE >> 20} MiB")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadLineError("not UTF-8") from None
    if "\0" in text:
        raise BadLineError("holds a NUL byte: binary")
    return PARSERS[source](text.rstrip("\r"))


def recognise(raw: bytes) -> str | None:
    """The text format of which this is a line, if it is one."""
    for source in PARSERS:
        try:
            parse(raw, source)
        except BadLineError:
            continue
        return source
    return None


def _request(text: str) -> Line:
    parts = text.split(" ")
    if len(parts) < 2 or not parts[0].isupper():
        raise BadLineError('the request is not "METHOD /path PROTOCOL"')
    protocol = parts[2] if len(parts) > 2 else None
    return {"method": parts[0], "path": parts[1].split("?")[0], "protocol": protocol}


def _time(raw: str, read: Callable[[str], datetime]) -> str:
    try:
        moment = read(raw)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        raise BadLineError("its time cannot be read, or has no zone") from None


def _whole(raw: str) -> int | None:
    return None if raw == "-" else min(int(raw), 2**62)


def _value(raw: str) -> str | None:
    return None if raw in ("-", "") else raw


def _first(pattern: re.Pattern[str], values: list[str]) -> str | None:
    """The first group that matched, of the first value that matches whole."""
    for value in values:
        if found := pattern.fullmatch(value):
            return next(group for group in found.groups() if group)
    return None
