"""Turns a log that the engine cannot read by itself into JSON lines with the columns of schema.RAW."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shadow_report import json_logs, text_logs
from shadow_report.compare.formats import MOST_PROBLEMS, Known, bare_lines, reason
from shadow_report.compare.run import Source
from shadow_report.sidecar_logs import Own
from shadow_report.text_logs import BadLineError


def convert(known: Known, target: Path) -> Source:
    """Writes the lines that can be read, and counts the others, of which none becomes a record."""
    bad = own_lines = 0
    own = Own()
    problems: list[str] = []
    is_json = known.format in json_logs.FORMATS
    with target.open("w", encoding="utf-8") as out:
        for number, (raw, pod) in enumerate(bare_lines(known), 1):
            try:
                values = _line(raw, known)
            except BadLineError as problem:
                if own.says(raw):
                    own_lines += 1
                    continue
                bad += 1
                if len(problems) < MOST_PROBLEMS:
                    problems.append(f"line {number}: {reason(raw, str(problem), is_json)}")
                continue
            own.request()
            if pod and not values.get("pod"):
                values["pod"] = pod
            out.write(json.dumps(values) + "\n")
    return Source(str(known.input.path), known.format, bad, bad, tuple(problems), own_lines)


def _line(raw: bytes, known: Known) -> dict[str, Any]:
    if known.layout.inside or known.format in json_logs.FORMATS:
        return _from_json(raw, known)
    return dict(text_logs.parse(raw, known.format))


def _from_json(raw: bytes, known: Known) -> dict[str, Any]:
    outer = _object(raw)
    inside = known.layout.open(outer)
    if inside is None:
        raise BadLineError(f"nothing in {known.layout.inside!r}")
    if isinstance(inside, str):
        if known.format not in json_logs.FORMATS:
            found = json_logs.line(outer, None, known.layout.keys)
            return {**found, **text_logs.parse(inside.strip().encode(), known.format)}
        inside = _object(inside)
    found = json_logs.line(inside, outer, known.keys)
    missing = [name for name in json_logs.NEEDED if found[name] is None and name != "status"]
    if missing:
        raise BadLineError(f"no {', no '.join(missing)}")
    return found


def _object(raw: bytes | str) -> dict[str, Any]:
    try:
        values = json_logs.load(raw)
    except ValueError as problem:
        raise BadLineError(f"not JSON: {problem}") from None
    if not isinstance(values, dict):
        raise BadLineError("JSON, but not an object")
    return values
