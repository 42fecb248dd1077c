"""OTLP's JSON, as OpenTelemetry's collector writes it to files: a line holds many records. Pure.

https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/; of each record the values of the resource, the
attributes and the body are taken as one object, as if the proxy had written it by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from shadow_report import json_logs

LONGEST_LINE = 1 << 26  # bytes; the collector sends some thousand records at a time
_BEGIN = b'{"resourceLogs"'
_POD = "k8s.pod.name"


def is_export(raw: bytes) -> bool:
    """Does a line, or its beginning, hold OTLP's records of logs?"""
    return raw.replace(b" ", b"").startswith(_BEGIN)


def unpacked(raw: bytes) -> Iterator[tuple[bytes, str | None]]:
    """The lines that the records of a line stand for, and their pod if that is said; the line itself if it cannot
    be read."""
    try:
        found = [*_records(json_logs.load(raw))]
    except (ValueError, TypeError, KeyError, AttributeError):
        yield raw, None
        return
    yield from found


def _records(export: Any) -> Iterator[tuple[bytes, str | None]]:
    for resource in export["resourceLogs"]:
        about = _values(resource.get("resource", {}).get("attributes", []))
        for scope in resource.get("scopeLogs", []):
            for record in scope.get("logRecords", []):
                yield _line(record, about), about.get(_POD)


def _line(record: Mapping[str, Any], about: Mapping[str, Any]) -> bytes:
    body = _value(record.get("body", {}))
    values = {**about, **_values(record.get("attributes", []))}
    if isinstance(body, str) and json_logs.recognise(values, {}) is None:
        return body.strip().encode()  # what the proxy wrote, as text or as JSON
    if isinstance(body, dict):
        values |= body
    moment = int(record.get("timeUnixNano") or 0)
    if moment and "start_time" not in values:  # Envoy puts it there
        values["start_time"] = datetime.fromtimestamp(moment / 1e9, UTC).isoformat(timespec="microseconds")
    return json.dumps(values).encode()


def _values(attributes: Any) -> dict[str, Any]:
    return {each["key"]: _value(each.get("value", {})) for each in attributes}


def _value(value: Mapping[str, Any]) -> Any:
    """AnyValue: an object with one key, which says the type. Whole numbers are text, as they have 64 bits."""
    for kind, found in value.items():
        match kind:
            case "intValue":
                return int(found)
            case "kvlistValue":
                return _values(found.get("values", []))
            case "arrayValue":
                return [_value(each) for each in found.get("values", [])]
        return found
    return None
