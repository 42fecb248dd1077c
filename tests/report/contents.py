"""Lines with digests of what answers hold, as tests say it: fields by their names."""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from tests.report.handmade import Line, line

Fields = Mapping[str, Any]


def _digest(*parts: object) -> str:
    return f"{zlib.crc32(repr(parts).encode()):08x}"


def digests(request_id: str, fields: Fields | None, what: str = "json", **words: Any) -> dict[str, Any]:
    """Both columns. `fields` are values by names as digests write them, None for one that is null; `words` take
    the place of what follows from them: raw, order, headers."""
    kinds = {str: "s", int: "n", float: "n", bool: "b", type(None): "z"}
    told = {name: kinds.get(type(value), "s") for name, value in (fields or {}).items()}
    values = {**(fields or {})}
    body = {name: value for name, value in values.items() if not name.startswith("@")}
    headers = _digest(
        request_id, words.get("headers", [each for each in values.items() if each[0][0] == "@"])
    )
    any_order = _digest(request_id, sorted(body.items(), key=repr))
    ordered = _digest(any_order, words.get("order"))
    raw = _digest(request_id, ordered, words.get("raw")) * 2
    listed = [
        f"{name}={kinds.get(type(value), 's')}{_digest(request_id, name, value)}"
        for name, value in sorted(values.items())
    ]
    digest = [what, headers, raw, *((ordered, any_order) if what == "json" else ())]
    assert len(told) == len(listed)
    return {"answer_digest": " ".join(digest), "answer_fields": " ".join(listed)}


def answered(
    second: float,
    live: Fields,
    shadow: Fields,
    control: Fields | None = None,
    *,
    reordered: Iterable[str] = (),
    **changes: Any,
) -> list[Line]:
    """A request, its copy, and with a control that one's. `reordered`: versions whose arrays are in another
    order."""
    request_id = str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([second, changes], default=str)))
    sides = {"v1": live, "v2": shadow, **({"v1b": control} if control is not None else {})}
    return [
        line(
            version,
            second + 0.001 * place,
            request_id,
            **digests(request_id, fields, order=version in reordered),
            **changes,
        )
        for place, (version, fields) in enumerate(sides.items())
    ]


def times(number: int, lines: Iterable[list[Line]]) -> list[Line]:
    """The lines of several requests together."""
    found = [each for request in lines for each in request]
    assert len({each["request_id"] for each in found}) == number
    return found
