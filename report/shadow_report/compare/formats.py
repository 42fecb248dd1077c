"""Tells the format of a file by its first lines, and says what is wrong with lines that are not in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

from shadow_report import json_logs, otlp_logs, text_logs, words
from shadow_report.compare import files
from shadow_report.compare.files import Input
from shadow_report.errors import ReportError
from shadow_report.json_logs import Keys
from shadow_report.sidecar_logs import Own, is_wrapped, unwrapped

# Bytes that are looked at to tell the format: mostly the first line tells, and there may be many files.
_HEADS = (1 << 13, 1 << 18)
_HEAD_LINES = 1000
MOST_PROBLEMS = 3  # bad lines of one file that are shown
_MOST_SEARCHED = 200_000  # lines that are searched for them
_MOST_KEYS = 12  # that a message names


@dataclass(frozen=True)
class Layout:
    """What the command line says of JSON: `inside`, the key of an envelope under which the line is, "" for none;
    `keys`, those that are called otherwise than in every known format."""

    inside: str = ""
    keys: Keys = field(default_factory=dict, hash=False)

    def open(self, values: Any) -> Any:
        """What is in the envelope: an object, or a line as text. None if nothing is."""
        return json_logs.find(values, None, self.inside) if self.inside else values


@dataclass(frozen=True)
class Known:
    """A file whose format is known: one of json_logs.FORMATS, of text_logs.PARSERS, "parquet" or "empty".
    `wrapped`: something stands before each line, see sidecar_logs; `packed`: a line holds many, see otlp_logs."""

    input: Input
    format: str
    compression: str
    wrapped: bool = False
    packed: bool = False
    layout: Layout = field(default_factory=Layout)

    @property
    def keys(self) -> Keys:
        """Where the columns are found."""
        return {**json_logs.FORMATS.get(self.format, {}), **self.layout.keys}

    @property
    def is_plain_json(self) -> bool:
        """Can the engine read it as it is?"""
        nested = any("." in key for key in self.layout.keys.values())
        return self.format in json_logs.FORMATS and not (
            self.wrapped or self.packed or self.layout.inside or nested
        )


def recognise(given: Input, layout: Layout | None = None) -> Known:
    """Looks at the beginning of a file. Raises ReportError for what is no access log."""
    layout = layout or Layout()
    compression = files.kind(given)
    if compression == "parquet":
        return Known(given, "parquet", "none", layout=layout)
    for most in _HEADS:
        head = files.head(given, compression, most)
        if otlp_logs.is_export(head):
            return _recognise_export(given, compression, layout)
        found = [line.strip() for line in head.split(b"\n") if line.strip()][:_HEAD_LINES]
        bare = [text for text, _ in unwrapped(found)]
        if name := next(filter(None, (_format(text, layout) for text in bare)), None):
            return Known(given, name, compression, is_wrapped(found[0]), layout=layout)
    own = Own()
    if all(own.says(text) for text in bare):
        return Known(given, "empty", compression)
    raise ReportError(f"{given.path} is {_what(head, bare, layout)}")


def _recognise_export(given: Input, compression: str, layout: Layout) -> Known:
    """The same of OTLP's records."""
    known = Known(given, "empty", compression, packed=True, layout=layout)
    found = [text for text, _ in islice(bare_lines(known), _HEAD_LINES)]
    if name := next(filter(None, (_format(text, layout) for text in found)), None):
        return replace(known, format=name)
    raise ReportError(f"{given.path} holds OTLP's records, and each is {_what(b'', found, layout)}")


def _format(raw: bytes, layout: Layout) -> str | None:
    """The format of a line, if it is one of an access log."""
    if not raw.startswith(b"{"):
        return text_logs.recognise(raw) if not layout.inside else None
    values = _loaded(raw)
    inside = layout.open(values)
    if isinstance(inside, str):
        return _format(inside.strip().encode(), Layout(keys=layout.keys))
    return json_logs.recognise(inside, layout.keys, values)


def _loaded(raw: bytes) -> Any:
    try:
        return json_logs.load(raw)
    except ValueError:
        return None


def _what(head: bytes, found: list[bytes], layout: Layout) -> str:
    """What a file is that is no access log, and what to do."""
    if b"\0" in head:
        what = "binary"
    elif head.lstrip().startswith(b"["):
        return "no log but one JSON array: write one object a line, such as with jq -c '.[]'"
    elif values := next(filter(None, map(_loaded, found)), None):
        return _unknown_json(values, layout)
    else:
        what = "text of an unknown format"
    return (
        f"{what}: access logs as JSON lines, as Parquet, in nginx's combined format, or in Envoy's or Istio's "
        "default text format can be read, also packed with gzip or zstd"
    )


def _unknown_json(values: Any, layout: Layout) -> str:
    if not isinstance(values, dict):
        return "JSON, but its lines are no objects: access logs have one object a line"
    inside = layout.open(values)
    if inside is None:
        return f"JSON without {layout.inside!r} (--inside); its keys are {_named(values)}"
    if isinstance(inside, str):
        return f"JSON with text of an unknown format in {layout.inside!r} (--inside)"
    keys = _named(inside if isinstance(inside, dict) else values)
    return (
        f"JSON without the keys of an access log; its keys are {keys}: say under which one the line is with "
        f"--inside KEY, or what {', '.join(json_logs.NEEDED)} and others are called with --keys status=KEY,..."
    )


def _named(values: dict[str, Any]) -> str:
    names = list(map(str, values))
    return ", ".join(names[:_MOST_KEYS]) + (" and others" if len(names) > _MOST_KEYS else "")


def explain(known: Known, unreadable: int) -> tuple[tuple[str, ...], int]:
    """The first bad lines of a plain JSON file, with what is wrong, as engines only tell that there are some; and
    how many of the `unreadable` ones the proxy said of itself."""
    problems: list[str] = []
    own, others, foreign = Own(), 0, 0
    for number, raw in enumerate(files.lines(known.input, known.compression), 1):
        searched = len(problems) == MOST_PROBLEMS or number > _MOST_SEARCHED
        if searched and foreign >= unreadable:
            break
        if not raw.startswith(b"{") or raw.startswith(b'{"level"'):
            foreign += 1
            if own.says(raw):
                others += 1
                continue
        else:
            own.request()
        if not searched and (problem := json_problem(raw, known.keys)):
            problems.append(f"line {number}: {reason(raw, problem, is_json=True)}")
    return tuple(problems), others


def json_problem(raw: bytes, keys: Keys) -> str | None:
    """What is wrong with a line that should be a JSON object, if something is."""
    try:
        raw.decode()
        values = json_logs.load(raw)
    except UnicodeDecodeError:
        return "not UTF-8"
    except ValueError as problem:
        return f"not JSON: {problem}"
    if not isinstance(values, dict):
        return "JSON, but not an object"
    needed = [name for name in json_logs.NEEDED if name != "status"]
    missing = [name for name in needed if values.get(keys.get(name, name)) in (None, "-")]
    return f"no {', no '.join(missing)}" if missing else None


def reason(raw: bytes, problem: str, is_json: bool) -> str:
    """Says when the line is of another format: somebody has put two logs together."""
    other = "JSON" if raw.lstrip().startswith(b"{") and not is_json else text_logs.recognise(raw)
    hint = f"; it looks like {other}: give lines of different formats as files of their own" if other else ""
    return f"{problem}{hint} ({words.count(len(raw), 'byte')})"


def bare_lines(known: Known) -> Iterator[tuple[bytes, str | None]]:
    """The lines of a file, and the pod that stands before them, if one does."""
    if known.packed:
        exports = files.lines(known.input, known.compression, otlp_logs.LONGEST_LINE)
        return chain.from_iterable(map(otlp_logs.unpacked, exports))
    raw = files.lines(known.input, known.compression)
    return unwrapped(raw) if known.wrapped else ((line, None) for line in raw)
