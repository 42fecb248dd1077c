"""Finds out what a file is, and gives the SQL that reads its raw lines. Text logs are turned into JSON first."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import duckdb
import zstandard

from shadow_report import text_logs, words
from shadow_report.collect import summary
from shadow_report.compare.records import text
from shadow_report.compare.run import Source
from shadow_report.errors import ReportError
from shadow_report.schema import RAW, RAW_NAMES

_TYPES = {"text": "VARCHAR", "whole": "BIGINT", "name": "VARCHAR", "time": "TIMESTAMPTZ"}
_HEAD = 1 << 18  # bytes that are looked at to tell the format
_MOST_PROBLEMS = 3  # bad lines of one file that are shown
_MOST_SEARCHED = 200_000  # lines that are searched for them
# Istio's own JSON encoding calls these otherwise.
_ISTIO_JSON = {
    "status": "response_code",
    "flags": "response_flags",
    "details": "response_code_details",
    "duration_ms": "duration",
    "xff": "x_forwarded_for",
}
_BROKEN = (OSError, EOFError, zlib.error, zstandard.ZstdError)


@dataclass(frozen=True)
class Input:
    """A file of the command line; `version` is that of lines which do not name one."""

    path: Path
    version: str | None = None


@dataclass(frozen=True)
class Known:
    """A file whose format is known: "json", "istio-json", "parquet", "combined", "istio" or "empty"."""

    input: Input
    format: str
    compression: str

    @property
    def name(self) -> str:
        return self.input.path.name


def inputs(arguments: list[str]) -> list[Input]:
    """The files that FILE, VERSION=FILE and directories mean, sorted. Raises ReportError."""
    found: list[Input] = []
    for argument in arguments:
        version, equals, rest = argument.partition("=")
        named = bool(equals) and not Path(argument).exists()
        path = Path(rest if named else argument)
        if not path.exists():
            raise ReportError(f"{path} does not exist: name log files, or directories that hold them")
        files = _below(path) if path.is_dir() else [path]
        if not files:
            raise ReportError(f"{path} is an empty directory: name log files, or directories that hold them")
        found += (Input(each, version if named else None) for each in files)
    doubled = sorted({str(each.path) for each in found if [one.path for one in found].count(each.path) > 1})
    if doubled:
        raise ReportError(f"named twice, so that every line would count twice: {', '.join(doubled)}")
    return found


def _below(directory: Path) -> list[Path]:
    """The logs below a directory: not what is hidden, nor the collector's summary."""
    found = (each for each in directory.rglob("*") if each.is_file())
    return sorted(each for each in found if not each.name.startswith(".") and each.name != summary.FILE)


def recognise(given: Input) -> Known:
    """Looks at the beginning of a file. Raises ReportError for what is no access log."""
    with given.path.open("rb") as file:
        magic = file.read(4)
    if magic == b"PAR1":
        return Known(given, "parquet", "none")
    compression = "gzip" if magic[:2] == b"\x1f\x8b" else "zstd" if magic == b"\x28\xb5\x2f\xfd" else "none"
    try:
        with _open(given.path, compression) as file:
            head = file.read(_HEAD)
    except _BROKEN as problem:
        raise ReportError(f"{given.path} cannot be unpacked: {problem}") from None
    return Known(given, _format(given.path, head), compression)


def _format(path: Path, head: bytes) -> str:
    if not head.strip():
        return "empty"
    complete = [line.strip() for line in head.split(b"\n") if line.strip()]
    for line in complete[:1000]:
        if line.startswith(b"{"):
            return _json_format(line)
        if found := text_logs.recognise(line):
            return found
    what = "binary" if b"\0" in head else "text of an unknown format"
    raise ReportError(
        f"{path} is {what}: access logs as JSON lines, as Parquet, in nginx's combined format or in Istio's "
        "default text format can be read, also packed with gzip or zstd"
    )


def _json_format(line: bytes) -> str:
    try:
        keys = json.loads(line)
    except ValueError:
        return "json"
    return "istio-json" if "response_code" in keys and "status" not in keys else "json"


def relation(known: Known, scratch: Path) -> tuple[str, Source]:
    """The SQL of the file's raw lines, and what reading it in Python has counted so far, if it had to be."""
    path, nothing = known.input.path, Source(str(known.input.path), known.format, 0)
    if known.format == "parquet":
        return _parquet(known), nothing
    if known.format in text_logs.PARSERS:
        converted = scratch / "lines.ndjson"
        source = _convert(known, converted)
        return _json(converted, "none", {}, known.input.version), source
    names = _ISTIO_JSON if known.format == "istio-json" else {}
    return _json(path, known.compression, names, known.input.version), nothing


def _json(path: Path, compression: str, names: dict[str, str], version: str | None) -> str:
    """`names` are keys of the file that are called otherwise in schema.RAW.

    A line that is no JSON, and a value of another type, become NULL instead of ending the run; both are found
    again as records.PROBLEMS.
    """
    columns = ", ".join(f"{text(names.get(each.name, each.name))}: '{_TYPES[each.type]}'" for each in RAW)
    selected = ", ".join(_column(each.name, f'"{names.get(each.name, each.name)}"', version) for each in RAW)
    return (
        f"SELECT {selected} FROM read_ndjson({text(str(path))}, columns = {{{columns}}}, ignore_errors = true, "
        f"compression = '{compression}')"
    )


def _parquet(known: Known) -> str:
    try:
        with duckdb.connect() as connection:
            query = f"DESCRIBE SELECT * FROM read_parquet({text(str(known.input.path))})"
            described = connection.execute(query).fetchall()
    except duckdb.Error as problem:
        raise ReportError(f"{known.input.path} is no whole Parquet file: {problem}") from None
    there = {row[0] for row in described}
    if not there & {"status", "path", "request_id"}:
        raise ReportError(
            f"{known.input.path} has none of the columns of an access log: {', '.join(RAW_NAMES)} are read"
        )
    selected = ", ".join(
        _column(
            each.name,
            f'TRY_CAST("{each.name}" AS {_TYPES[each.type]})' if each.name in there else "NULL",
            known.input.version,
        )
        for each in RAW
    )
    return f"SELECT {selected} FROM read_parquet({text(str(known.input.path))})"


def _column(name: str, value: str, version: str | None) -> str:
    if name == "version" and version is not None:
        value = f"coalesce({value}, {text(version)})"
    return f"{value} AS {name}"


def _convert(known: Known, target: Path) -> Source:
    """Writes the lines of a text log as JSON. Those that cannot be read are counted, and become no record."""
    bad = 0
    problems: list[str] = []
    with target.open("w") as out:
        for number, raw in enumerate(_lines(known), 1):
            try:
                out.write(json.dumps(text_logs.parse(raw, known.format)) + "\n")
            except text_logs.BadLineError as problem:
                bad += 1
                if len(problems) < _MOST_PROBLEMS:
                    problems.append(f"line {number}: {_reason(raw, str(problem), is_json=False)}")
    return Source(str(known.input.path), known.format, bad, bad, tuple(problems))


def explain(known: Known) -> tuple[str, ...]:
    """The first bad lines of a JSON file, with what is wrong; engines only tell that there are some."""
    problems: list[str] = []
    for number, raw in enumerate(_lines(known), 1):
        if len(problems) == _MOST_PROBLEMS or number > _MOST_SEARCHED:
            break
        if problem := json_problem(raw):
            problems.append(f"line {number}: {_reason(raw, problem, is_json=True)}")
    return tuple(problems)


def json_problem(raw: bytes) -> str | None:
    """What is wrong with a line that should be a JSON object, if something is."""
    try:
        value: Any = json.loads(raw)
    except UnicodeDecodeError:
        return "not UTF-8"
    except RecursionError:
        return "nested too deeply"
    except json.JSONDecodeError as problem:
        return f"not JSON: {problem.msg}, character {problem.pos + 1}"
    if not isinstance(value, dict):
        return "JSON, but not an object"
    missing = [key for key in ("method", "path", "start_time") if value.get(key) in (None, "-")]
    return f"no {', no '.join(missing)}" if missing else None


def _reason(raw: bytes, problem: str, is_json: bool) -> str:
    """Says when the line is of another format: somebody has put two logs together."""
    other = "JSON" if raw.lstrip().startswith(b"{") and not is_json else text_logs.recognise(raw)
    hint = f"; it looks like {other}: give lines of different formats as files of their own" if other else ""
    return f"{problem}{hint} ({words.count(len(raw), 'byte')})"


def _lines(known: Known) -> Iterator[bytes]:
    """Lines without their ends, blank ones left out; of one that is too long only the beginning."""
    try:
        with _open(known.input.path, known.compression) as file:
            while raw := file.readline(text_logs.LONGEST_LINE + 2):
                while not raw.endswith(b"\n") and len(raw) > text_logs.LONGEST_LINE:
                    more = file.readline(text_logs.LONGEST_LINE)
                    if more.endswith(b"\n") or not more:
                        break
                if raw.strip():
                    yield raw.rstrip(b"\r\n")
    except _BROKEN as problem:
        raise ReportError(f"{known.input.path} cannot be unpacked: {problem}") from None


def _open(path: Path, compression: str) -> IO[bytes]:
    if compression == "none":
        return path.open("rb")
    return cast(IO[bytes], gzip.open(path) if compression == "gzip" else zstandard.open(path))
