"""Reads what Spark has, tables and files, into its table `stored`, and counts the lines of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shadow_report import json_logs, text_logs
from shadow_report.collect import summary
from shadow_report.collect.summary import Summary
from shadow_report.compare import reading, records
from shadow_report.compare.on_spark import Spark, first_line
from shadow_report.compare.reading import Versions
from shadow_report.compare.records import Comparing
from shadow_report.compare.run import Source
from shadow_report.compare.session import problems
from shadow_report.compare.storing import listed
from shadow_report.errors import ReportError
from shadow_report.json_logs import Keys

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

KINDS = ("table", "parquet", "json")
_NAMED = re.compile(rf"({'|'.join(KINDS)}):(.+)")
_ENDINGS = {"parquet": "parquet", "json": "json", "ndjson": "json", "jsonl": "json"}
_PACKED = (".gz", ".zst", ".zstd", ".bz2", ".snappy", ".lz4")
_VERSION = re.compile(r"([^=/:]+)=(.+)")
_FIRST_LINES = 20
_NEEDED = ("request_id", *json_logs.NEEDED)
_HOW = (
    "name what Spark reads as table:NAME, parquet:PATH or json:PATH (JSON lines), or a path that ends in "
    ".parquet, .json, .ndjson or .jsonl"
)
_MERGE = (
    "; files whose columns are not of one type (grpc_status was a number once) must be named by themselves"
)
_ELSEWHERE = "compare it without --engine spark, or collect with shadow-report collect, which writes Parquet"


@dataclass(frozen=True)
class Given:
    """A table or path of the command line, `name` as it stands there; `version` is that of lines that name
    none."""

    name: str
    kind: str
    place: str
    version: str | None = None

    @property
    def folder(self) -> str:
        """Where a collector's summary would be."""
        place = self.place.rstrip("/")
        return (place.rpartition("/")[0] or ".") if _ending(place) in _ENDINGS else place

    @property
    def local(self) -> Path | None:
        """The file or directory of this machine, if it is one."""
        path = Path(self.place)
        return path if self.kind != "table" and path.exists() else None


def given(arguments: Sequence[str]) -> list[Given]:
    """What the command line names. Raises ReportError for what Spark does not read."""
    found: list[Given] = []
    for argument in arguments:
        version, name = None, argument
        if (named := _VERSION.fullmatch(argument)) and not Path(argument).exists():
            version, name = named.groups()
        kind, place = _kind(name)
        if any((each.kind, each.place) == (kind, place) for each in found):
            raise ReportError(f"named twice, so that every line would count twice: {name}")
        found.append(Given(name, kind, place, version))
    return found


def _kind(name: str) -> tuple[str, str]:
    if named := _NAMED.fullmatch(name):
        return named[1], named[2]
    path = Path(name)
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ReportError(f"{name} is a pipe, which Spark cannot read: {_ELSEWHERE}")
    kind = _ENDINGS.get(_ending(name.rstrip("/")))
    if kind is None:
        raise ReportError(f"{name}: {_HOW}; other logs: {_ELSEWHERE}")
    return kind, name


def _ending(place: str) -> str:
    for packed in _PACKED:
        place = place.removesuffix(packed)
    return place.rpartition(".")[2]


def check_layout(inside: str, keys: Keys) -> None:
    """Raises ReportError for what only DuckDB can take apart."""
    if inside:
        raise ReportError(
            f"--inside {inside} with --engine spark: lines in an envelope are not read; {_ELSEWHERE}"
        )
    for column, key in keys.items():
        if "." in key:
            raise ReportError(
                f"--keys {column}={key} with --engine spark: a key within an object is not read; name a view "
                "that has it as a column"
            )


class Tables:
    """The tables and files of a comparison."""

    def __init__(self, spark: Spark, given: Sequence[Given], keys: Keys, comparing: Comparing) -> None:
        self._spark = spark
        self._given = given
        self._keys = keys
        self._comparing = comparing
        self._compared = [name for names in comparing.versions.values() for name in names]
        self._raw = ""

    def store(self) -> tuple[Source, ...]:
        """Stores the lines of all, and counts them and the bad ones. Raises ReportError for what cannot be
        read."""
        formats: list[str] = []
        queries: list[str] = []
        for number, each in enumerate(self._given):
            with _readable(each.name):
                frame, format = self._open(each)
                if frame is None:
                    formats.append("empty")
                    continue
                queries.append(self._query(each, frame, number))
                formats.append(format)
        if not queries:
            names = ", ".join(each.name for each in self._given)
            raise ReportError(f"nothing to compare: empty: {names}")
        self._raw = " UNION ALL ".join(queries)
        with _readable(", ".join(each.name for each in self._given)):
            self._spark.keep(
                "stored", records.compact(records.sql(self._raw, self._comparing), self._comparing)
            )
        counts = problems(self._spark)
        return tuple(
            _source(each, format, counts.get(number, Counter()))
            for number, (each, format) in enumerate(zip(self._given, formats, strict=True))
        )

    def versions(self) -> set[str]:
        """Which versions they name; read again, as this is needed only for a message."""
        query = f"SELECT DISTINCT version FROM ({self._raw}) AS raw WHERE version IS NOT NULL LIMIT 20"
        return {name for (name,) in self._spark.rows(query)}

    def summaries(self) -> list[Summary]:
        """What collectors left beside their files. Raises ReportError for a file of that name that is none."""
        folders = {each.folder: None for each in self._given if each.kind != "table"}
        files = [f"{folder}/{summary.FILE}" for folder in folders]
        return [summary.parse(text, file) for file in files for text in self._text(file)]

    def _text(self, path: str) -> list[str]:
        from pyspark.errors import AnalysisException

        try:
            return [row[0] for row in self._spark.session.read.text(path, wholetext=True).collect()]
        except AnalysisException:  # there is none
            return []

    def _open(self, each: Given) -> tuple[DataFrame | None, str]:
        """What is there, and its format; None if nothing is."""
        read = self._spark.session.read
        if each.kind == "table":
            return read.table(each.place), "table"
        read = read.option("recursiveFileLookup", "true")  # so that names of directories are no columns
        if each.kind == "parquet":
            read = read.option("mergeSchema", "true")
            if not each.place.rstrip("/").endswith(".parquet"):
                read = read.option("pathGlobFilter", "*.parquet")  # not what a collector writes besides
            return read.parquet(each.place), "parquet"
        lines = [row[0] for row in read.text(each.place).limit(_FIRST_LINES).collect() if row[0].strip()]
        if not lines:
            return None, "empty"
        format = self._format(each, lines)
        keys = {**json_logs.FORMATS[format], **self._keys}
        # All as text: a value of another type is for records to judge, and must not take its line along.
        columns = ", ".join(f"`{keys.get(name, name)}` STRING" for name in json_logs.NAMES)
        return read.schema(columns).json(each.place), format

    def _format(self, each: Given, lines: list[str]) -> str:
        for line in lines:
            values = _object(line)
            if format := json_logs.recognise(values, self._keys):
                return format
        if values := next(filter(None, map(_object, lines)), None):
            raise ReportError(
                f"{each.name} is JSON without the keys of an access log; its keys are "
                f"{', '.join(map(str, values))}: say what "
                f"{', '.join(json_logs.NEEDED)} and others are called with --keys status=KEY,..."
            )
        what = next(filter(None, (text_logs.recognise(line.encode()) for line in lines)), "text")
        raise ReportError(
            f"{each.name} holds no JSON lines but {what}, which Spark does not read: {_ELSEWHERE}"
        )

    def _query(self, each: Given, frame: DataFrame, number: int) -> str:
        columns = frozenset(frame.columns)
        keys = reading.keys_of(columns, self._keys)
        if missing := [name for name in _NEEDED if keys.get(name, name) not in columns]:
            raise ReportError(
                f"{each.name} has no column {', '.join(keys.get(name, name) for name in missing)}; its "
                f"columns are {', '.join(sorted(columns))}: say what {', '.join(missing)} is called with --keys "
                f"{missing[0]}=COLUMN"
            )
        view = f"shadow_report_input_{number}"
        frame.createOrReplaceTempView(view)
        values = reading.cast(keys, columns)
        selected = reading.selected(values, Versions(each.version, self._compared))
        return f"SELECT {selected}, {number} AS file FROM {view}"


def _object(line: str) -> dict[str, Any] | None:
    try:
        values = json_logs.load(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _source(each: Given, format: str, counts: Counter[int]) -> Source:
    bad = Counter({records.PROBLEMS[problem]: number for problem, number in counts.items() if problem})
    return Source(each.name, format, counts.total(), bad.total(), listed(bad))


@contextmanager
def _readable(name: str) -> Iterator[None]:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as problem:  # PySpark leaves some of Java's as they are
        more = _MERGE if "CANNOT_MERGE" in str(problem) else ""
        raise ReportError(f"{name} cannot be read: {first_line(problem)}{more}") from None
