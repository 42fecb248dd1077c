"""Gives the SQL that reads the raw lines of files, many of them with one query.

The engine reads JSON lines and Parquet by itself; other logs are turned into JSON lines first, see converting.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from shadow_report import json_logs
from shadow_report.compare.converting import convert
from shadow_report.compare.formats import Known
from shadow_report.compare.records import text
from shadow_report.compare.run import Source
from shadow_report.errors import ReportError
from shadow_report.json_logs import APP_MS, Keys
from shadow_report.schema import RAW, RAW_NAMES

_SQL = {"text": "VARCHAR", "whole": "BIGINT", "name": "VARCHAR", "time": "TIMESTAMPTZ"}
TYPES = {column.name: _SQL[column.type] for column in RAW} | {APP_MS: "BIGINT"}
Columns = frozenset[tuple[str, str | None]]
_MOST_CONVERTED = 1 << 28  # bytes of converted lines that are on disk at a time


@dataclass(frozen=True)
class Versions:
    """Which version a line is of that does not say it: the one `given` with its file, or of those `compared` the
    one in its pod's name."""

    given: str | None
    compared: Sequence[str]

    def sql(self, version: str, pod: str) -> str:
        if self.given is not None:
            return f"coalesce({version}, {text(self.given)})"
        # As Deployments (name, hash, five letters) and StatefulSets (name, number) call their pods.
        pattern = f"-({'|'.join(map(re.escape, self.compared))})(?:-[a-z0-9]+)?-[a-z0-9]+$"
        return f"coalesce({version}, nullif(regexp_extract({pod}, {text(pattern)}, 1), ''))"


@dataclass(frozen=True)
class Batch:
    """Files that one query reads. `sql` gives schema.RAW and `file`, which counts them from `first` on;
    `sources`: what turning them into JSON lines has counted, empty if that was not needed."""

    files: tuple[Known, ...]
    sql: str
    sources: tuple[Source, ...] = ()


def batches(known: Sequence[Known], scratch: Path, versions: Sequence[str]) -> Iterator[Batch]:
    """All files but empty ones. `versions` are those that a pod may be of whose lines do not say it."""
    plain: dict[tuple[str, str, str | None], list[Known]] = defaultdict(list)
    parquet: list[Known] = []
    others: list[Known] = []
    for each in known:
        if each.format == "parquet":
            parquet.append(each)
        elif each.is_plain_json:
            plain[each.format, each.compression, each.input.version].append(each)
        elif each.format != "empty":
            others.append(each)
    first = 0
    for (_, compression, given), group in plain.items():
        paths = [each.input.content for each in group]
        sql = _json(paths, compression, group[0].keys, Versions(given, versions), first)
        yield Batch(tuple(group), sql)
        first += len(group)
    for group, columns in _alike(parquet):
        yield Batch(tuple(group), _parquet(group, columns, Versions(group[0].input.version, versions), first))
        first += len(group)
    yield from _converted(others, scratch, versions, first)


def _converted(known: list[Known], scratch: Path, versions: Sequence[str], first: int) -> Iterator[Batch]:
    """Turns files into JSON lines, as many at a time as there is room for."""
    by_version: dict[str | None, list[Known]] = defaultdict(list)
    for each in known:
        by_version[each.input.version].append(each)
    for given, group in by_version.items():
        done: list[tuple[Known, Path, Source]] = []
        room = _MOST_CONVERTED
        for number, each in enumerate(group, 1):
            target = scratch / f"converted-{number}.ndjson"
            done.append((each, target, convert(each, target)))
            room -= target.stat().st_size
            if room > 0 and number < len(group):
                continue
            files, paths, sources = zip(*done, strict=True)
            yield Batch(files, _json(paths, "none", {}, Versions(given, versions), first), sources)
            for path in paths:
                path.unlink()
            first += len(done)
            done, room = [], _MOST_CONVERTED


def _json(paths: Sequence[Path], compression: str, keys: Keys, versions: Versions, first: int) -> str:
    """A line that is no JSON, and a value of another type, become NULL instead of ending the run; both are found
    again as records.PROBLEMS."""
    names = {name: keys.get(name, name) for name in json_logs.NAMES}
    columns = ", ".join(f"{text(key)}: '{TYPES[name]}'" for name, key in names.items())
    values = {name: identifier(key) for name, key in names.items()}
    return (
        f"SELECT {selected(values, versions)}, (file_index + {first})::UINTEGER AS file "
        f"FROM read_ndjson({_exactly(paths)}, columns = {{{columns}}}, ignore_errors = true, "
        f"compression = '{compression}', hive_partitioning = false)"
    )


def _parquet(group: list[Known], columns: frozenset[str], versions: Versions, first: int) -> str:
    values = cast(keys_of(columns, group[0].layout.keys), columns)
    return (
        f"SELECT {selected(values, versions)}, (file_index + {first})::UINTEGER AS file "
        f"FROM read_parquet({_exactly([each.input.content for each in group])}, hive_partitioning = false)"
    )


def keys_of(columns: Iterable[str], given: Keys) -> Keys:
    """What the columns of a table are called: as in the JSON that it was made of."""
    format = json_logs.recognise(dict.fromkeys(columns), given) or "json"
    return {**json_logs.FORMATS[format], **given}


def cast(keys: Keys, columns: Collection[str]) -> dict[str, str]:
    """The SQL of each column by its name, NULL where a table does not have it, or a value of another type."""
    found = {name: keys.get(name, name) for name in json_logs.NAMES}
    return {
        name: f"TRY_CAST({identifier(key) if key in columns else 'NULL'} AS {TYPES[name]})"
        for name, key in found.items()
    }


def _alike(known: list[Known]) -> Iterator[tuple[list[Known], frozenset[str]]]:
    """Parquet files in groups of the same columns: a type may have changed from one collector to the next."""
    columns = _columns(known)
    groups: dict[tuple[Columns, str | None], list[Known]] = defaultdict(list)
    for each in known:
        there = {name for name, _ in columns[each]}
        keys = keys_of(there, each.layout.keys)
        if not there & {keys.get(name, name) for name in ("status", "path", "request_id")}:
            raise ReportError(
                f"{each.input.path} has none of the columns of an access log: {', '.join(RAW_NAMES)} are read; "
                "say what they are called with --keys status=COLUMN,..."
            )
        groups[columns[each], each.input.version].append(each)
    for (alike, _), group in groups.items():
        yield group, frozenset(name for name, _ in alike)


def _columns(known: list[Known]) -> dict[Known, Columns]:
    """The columns of each Parquet file, and their types. Raises ReportError for one that is broken."""
    if not known:
        return {}
    try:
        names = _described(known)
    except duckdb.Error as problem:
        if len(known) == 1:
            raise ReportError(f"{known[0].input.path} is no whole Parquet file: {problem}") from None
        # Which one it is is not always said.
        return {each: found for each in known for found in _columns([each]).values()}
    return {each: names[str(each.input.content.absolute())] for each in known}


def _described(known: list[Known]) -> dict[str, Columns]:
    paths = _exactly([each.input.content for each in known])
    with duckdb.connect() as connection:
        query = f"SELECT file_name, list((name, type)) FROM parquet_schema({paths}) GROUP BY file_name"
        return {file: frozenset(columns) for file, columns in connection.execute(query).fetchall()}


def selected(values: dict[str, str], versions: Versions) -> str:
    """The columns of schema.RAW, of SQL values by name."""
    made = {
        **values,
        "app_us": f"coalesce({values['app_us']}, {values[APP_MS]} * 1000)",
        "version": versions.sql(values["version"], values["pod"]),
    }
    return ", ".join(f"{made[name]} AS {name}" for name in RAW_NAMES)


def _exactly(paths: Sequence[Path]) -> str:
    """A list of files, of whose names no character means another."""
    escaped = (re.sub(r"[*?[]", r"[\g<0>]", str(path.absolute())) for path in paths)
    return f"[{', '.join(map(text, escaped))}]"


def identifier(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
