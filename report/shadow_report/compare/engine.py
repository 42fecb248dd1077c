"""Runs it all on DuckDB, out of core: reads the files, pairs, counts, and hands over a Run."""

from __future__ import annotations

import errno
import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir

from shadow_report import words
from shadow_report.compare import answers, details, formats, pairing, reading, records, templates, windows
from shadow_report.compare.formats import Known
from shadow_report.compare.pairing import Window
from shadow_report.compare.reading import Batch
from shadow_report.compare.records import Comparing
from shadow_report.compare.run import Left, Run, Sample, Side, Source
from shadow_report.compare.tallies import Answers, Comparison, Latencies
from shadow_report.compare.windows import Span
from shadow_report.errors import ReportError
from shadow_report.schema import SIDES

MOST_ROUTES = 100
OTHER_ROUTES = "(all other routes)"
_DEEPEST = 6  # segments of a path that are looked at to fold it
_MISSING_AT_FIRST = 50  # copies whose absence is no chance
_MOST_SAMPLES = 50
_KEYS = ("key",)
_SCRATCH = "shadow-report-"
_UNREADABLE = (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# The app's own time is compared where it is known of nearly all; a mixture of both would compare unlike things.
_APP_SHARE = 0.9


@dataclass(frozen=True)
class Settings:
    """How to compare. `first` and `last`: seconds since 1970 that bound the window; `edge_seconds` are cut
    off at both ends of what the live log holds, where the other log may not have begun or not have been
    written yet."""

    comparing: Comparing
    mirror_percent: float = 100.0
    edge_seconds: float = 10.0
    first: float | None = None
    last: float | None = None
    memory_mib: int = 1200
    threads: int | None = None
    scratch: Path | None = None

    @property
    def bounded(self) -> bool:
        """Is the window given by hand? Then no edge is cut off."""
        return self.first is not None or self.last is not None


def compare(files: list[Known], settings: Settings) -> Run:
    """Reads and compares. Raises ReportError with what to do when nothing can be compared."""
    with _connected(settings) as (connection, scratch):
        engine = _Engine(connection, settings, scratch)
        return engine.run(files)


@contextmanager
def _connected(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    with scratch(settings) as directory:
        options: dict[str, Any] = {
            "memory_limit": f"{settings.memory_mib}MiB",
            "temp_directory": f"{directory}/spilled",
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
        }
        if settings.threads:
            options["threads"] = settings.threads
        # The lines are stored in a file, where they are packed: in memory they would take all that is
        # allowed, and leave none for the joins. What is made of them is smaller, and temporary.
        with duckdb.connect(f"{directory}/lines.duckdb", config=options) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection, directory


@contextmanager
def scratch(settings: Settings) -> Iterator[Path]:
    """A directory for temporary files. Raises ReportError when they take more room or memory than there is."""
    try:
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=settings.scratch) as directory:
            yield Path(directory)
    except duckdb.OutOfMemoryException:
        raise ReportError(
            f"{settings.memory_mib} MiB of memory are not enough, or there is no room left in the directory for "
            "temporary files: give more with --memory, or another directory with --scratch"
        ) from None
    except (duckdb.Error, OSError) as problem:
        if _SCRATCH not in str(problem) and getattr(problem, "errno", None) not in _NO_ROOM:
            raise
        raise ReportError(
            f"no temporary files can be written in {settings.scratch or tempfile.gettempdir()}: {problem}; "
            "name a directory with more room with --scratch"
        ) from None


class _Engine:
    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings, scratch: Path) -> None:
        self.connection = connection
        self.settings = settings
        self.comparing = settings.comparing
        self.scratch = scratch

    def run(self, files: list[Known]) -> Run:
        sources = tuple(self._read(files))
        measure = self._measure()
        sides = self._sides()
        self._check(sides, files)
        routes = self._number_routes()
        # A view: to store the rows once more would take longer than to look up the route's number when it
        # is needed.
        self.connection.execute(
            "CREATE VIEW lines AS SELECT stored.* EXCLUDE (file, pod_name, route, app_bucket, total_bucket), "
            f"coalesce(number, 0)::INTEGER AS route, {measure}_bucket AS latency "
            "FROM stored LEFT JOIN routes USING (route)"
        )
        span = self._span()
        window, late_us = self._window(span, sides["shadow"])
        shadow = self._comparison("shadow", window, routes)
        facts = self._facts(window, shadow)
        changes = self._worse()
        samples = tuple(self._samples(routes, changes))
        flags = details.worse(self.connection, changes)
        offsets = {"shadow": self._offset()}
        control = None
        if "control" in sides:
            control = self._comparison("control", window, routes)
            offsets["control"] = self._offset()
        sides = {name: replace(side, offset_us=offsets.get(name, 0)) for name, side in sides.items()}
        return Run(
            sides=sides,
            sources=sources,
            window_us=(window.first_us, window.last_us),
            edge_seconds=0 if self.settings.bounded else self.settings.edge_seconds,
            mirror_percent=self.settings.mirror_percent,
            methods=self.comparing.methods,
            measure=measure,
            funnel=facts[0],
            left_out=facts[1],
            shadow=shadow,
            control=control,
            samples=samples,
            pods=details.pods(self.connection, window, measure),
            worse=flags,
            templates=self.comparing.templates,
            grpc_unknown=self._number(
                "SELECT count(*) FROM stored WHERE grpc_unknown AND (eligible OR side IN (1, 2))"
            ),
            late_us=late_us,
        )

    def _read(self, files: list[Known]) -> list[Source]:
        """Stores every file's lines, and counts them and the bad ones."""
        found = {each.input: Source(str(each.input.path), "empty", 0) for each in files}
        read: list[tuple[Known, Source]] = []
        for batch in reading.batches(files, self.scratch, self._compared()):
            query = records.compact(records.sql(batch.sql, self.comparing), self.comparing)
            self._store(f"{'INSERT INTO stored' if read else 'CREATE TABLE stored AS'} {query}", batch)
            nothing = (Source(str(each.input.path), each.format, 0) for each in batch.files)
            read += zip(batch.files, batch.sources or nothing, strict=True)
        if not read:
            names = ", ".join(str(known.input.path) for known in files)
            raise ReportError(f"nothing to compare: empty: {names}")
        counts = self._counts()
        for number, (known, source) in enumerate(read):
            found[known.input] = self._source(source, known, counts[number])
        return list(found.values())

    def _compared(self) -> list[str]:
        return [name for names in self.comparing.versions.values() for name in names]

    def _store(self, query: str, batch: Batch) -> None:
        try:
            self.connection.execute(query)
        except _UNREADABLE as problem:
            if str(self.scratch) in str(problem):
                raise
            broken, why = self._broken(batch) or (batch.files[0], problem)
            raise ReportError(f"{broken.input.path} cannot be read: {why}") from None

    def _broken(self, batch: Batch) -> tuple[Known, Exception] | None:
        """The first file of a batch that the engine cannot read; it does not always say which one that is."""
        for known in batch.files:
            try:
                for alone in reading.batches([known], self.scratch, self._compared()):
                    self.connection.execute(f"SELECT count(method) FROM ({alone.sql})").fetchall()
            except _UNREADABLE as problem:
                return known, problem
        return None

    def _counts(self) -> dict[int, Counter[int]]:
        """Of each file, how many lines have which problem, 0 included."""
        counts: dict[int, Counter[int]] = defaultdict(Counter)
        query = "SELECT file, problem, count(*) FROM stored GROUP BY file, problem"
        for file, problem, number in self.connection.execute(query).fetchall():
            counts[file][problem] = number
        return counts

    def _source(self, source: Source, known: Known, counts: Counter[int]) -> Source:
        bad = Counter({records.PROBLEMS[problem]: number for problem, number in counts.items() if problem})
        problems, own = source.problems, source.own
        if bad and known.is_plain_json:
            problems, own = formats.explain(known, counts[records.UNREADABLE])
        if not problems:
            problems = tuple(
                f"{words.count(number, 'line')}: {problem}" for problem, number in bad.most_common()
            )
        passed = own - source.own  # lines that the engine has read, and nobody asked for
        return replace(
            source,
            lines=source.lines + counts.total() - passed,
            bad=source.bad + bad.total() - passed,
            problems=problems if source.bad + bad.total() > passed else (),
            own=own,
        )

    def _number(self, query: str) -> int:
        row = self.connection.execute(query).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    def _measure(self) -> str:
        """Which latency is known of nearly all lines of every side."""
        query = (
            "SELECT count(app_bucket), count(*) FILTER (answer > 0) FROM stored "
            "WHERE side IS NOT NULL GROUP BY side"
        )
        found = self.connection.execute(query).fetchall()
        known = all(everything and known >= _APP_SHARE * everything for known, everything in found)
        return "app" if found and known else "total"

    def _sides(self) -> dict[str, Side]:
        query = (
            "SELECT side, count(*), count(DISTINCT pod), min(start_us), max(start_us) FROM stored "
            "WHERE side IS NOT NULL GROUP BY side"
        )
        found = {SIDES[side]: rest for side, *rest in self.connection.execute(query).fetchall()}
        return {
            side: Side(versions, *found[side])
            for side, versions in self.comparing.versions.items()
            if side in found
        }

    def _check(self, sides: dict[str, Side], files: list[Known]) -> None:
        """A side without a line is a mistake of the command line, or of the collection: not a verdict."""
        lacking = [side for side in self.comparing.versions if side not in sides]
        if not lacking:
            if not self._number("SELECT count(*) FROM stored WHERE side = 0 AND key IS NOT NULL"):
                raise ReportError(
                    "no live line has a request id, so nothing can be paired: log x-request-id (nginx: "
                    "$http_x_request_id after the combined format, or as request_id in JSON)"
                )
            return
        found = sorted(self._versions(files))
        there = f"the logs hold {', '.join(found)}" if found else "no line names a version: give VERSION=FILE"
        wanted = "; ".join(
            f"no line of {' or '.join(self.comparing.versions[side])} ({side})" for side in lacking
        )
        if not self._number("SELECT count(*) FROM stored WHERE problem = 0"):
            problems: Counter[int] = sum(self._counts().values(), Counter())
            there = "no line could be read: " + "; ".join(
                f"{words.count(number, 'line')}: {records.PROBLEMS[problem]}"
                for problem, number in problems.most_common()
            )
        raise ReportError(f"{wanted}: {there}")

    def _versions(self, files: list[Known]) -> set[str]:
        """Which versions the files name; read again, as this is needed only for a message."""
        names: set[str] = set()
        for batch in reading.batches(files, self.scratch, self._compared()):
            query = f"SELECT DISTINCT version FROM ({batch.sql}) WHERE version IS NOT NULL LIMIT 20"
            names |= {row[0] for row in self.connection.execute(query).fetchall()}
        return names

    def _number_routes(self) -> tuple[str, ...]:
        """Gives the busiest routes a number; the others are one route together, number 0. Where there are more,
        what varies in their paths is folded first."""
        self._keep(
            "folded",
            "SELECT route, string_split(route, '/') AS parts, count(*) AS requests FROM stored "
            "WHERE side = 0 AND eligible GROUP BY route",
        )
        if self._number("SELECT count(*) FROM folded") > MOST_ROUTES:
            for depth in range(2, _DEEPEST + 2):
                self._keep("folded", templates.fold(depth))
        name = "array_to_string(parts, '/')"
        self._keep(
            "busiest",
            f"SELECT {name} AS name, row_number() OVER (ORDER BY sum(requests) DESC, name)::INTEGER AS number "
            f"FROM folded GROUP BY name ORDER BY number LIMIT {MOST_ROUTES}",
        )
        self._keep("routes", f"SELECT route, number FROM folded JOIN busiest ON {name} = busiest.name")
        names = self.connection.execute("SELECT name FROM busiest ORDER BY number").fetchall()
        return (OTHER_ROUTES, *(name for (name,) in names))

    def _span(self) -> Span:
        """From when to when the live log tells, but for wrong clocks."""
        hours = self.connection.execute(
            "SELECT count(*), min(start_us), max(start_us) FROM stored WHERE side = 0 "
            "GROUP BY start_us // 3600000000 ORDER BY 2"
        ).fetchall()
        return windows.span([Span(*hour) for hour in hours])

    def _window(self, live: Span, shadow: Side) -> tuple[Window, int]:
        """The window, and by how much it was cut as the shadow's log begins later."""
        settings = self.settings
        edge = 0 if settings.bounded else round(settings.edge_seconds * 1e6)
        first, last = live.first_us + edge, live.last_us - edge
        late_us = 0 if settings.bounded else self._late(live, shadow)
        first += late_us
        if settings.first is not None:
            first = max(first, round(settings.first * 1e6))
        if settings.last is not None:
            last = min(last, round(settings.last * 1e6))
        if first >= last:
            raise ReportError(
                f"nothing is left to compare: the live log covers {(live.last_us - live.first_us) / 1e6:.0f} s, "
                f"of which {settings.edge_seconds:g} s are cut off at both ends (--edge) or which lies outside "
                "--from and --to"
            )
        copies = math.ceil(self.settings.mirror_percent / 100)
        return Window(first, last, windows.block_seconds((last - first) / 1e6), copies), late_us

    def _late(self, live: Span, shadow: Side) -> int:
        """By how much the shadow's log begins later, if copies must have been missing for it. More than half of
        the time is no beginning: then the shadow was down, or its log is not there."""
        late_us = shadow.first_us - live.first_us
        if not 0 < late_us < (live.last_us - live.first_us) / 2:
            return 0
        before = self._number(
            "SELECT count(*) FROM stored WHERE side = 0 AND eligible AND start_us BETWEEN "
            f"{live.first_us + round(self.settings.edge_seconds * 2e6)} AND {shadow.first_us}"
        )
        return late_us if before * min(self.settings.mirror_percent, 100) / 100 >= _MISSING_AT_FIRST else 0

    def _comparison(self, side: str, window: Window, routes: tuple[str, ...]) -> Comparison:
        lines = self._table("lines")
        numbered = pairing.repeated(lines, _KEYS, side, self._kept)
        paired = self._kept("pairs", pairing.pairs(lines, numbered, _KEYS, side, window))
        rows = self._rows(pairing.answers(paired))
        columns = self.connection.execute(_sql(pairing.latencies(paired))).fetchnumpy()
        blocks = (window.last_us - window.first_us) // (window.block_seconds * 1_000_000) + 1
        latencies = Latencies(
            routes,
            columns["block"].astype("int64"),
            columns["route"].astype("int64"),
            columns["is_other"].astype("bool"),
            columns["bucket"].astype("int64"),
            columns["requests"].astype("int64"),
        )
        named = (
            Answers(
                block,
                routes[route],
                answers.text(reference),
                answers.text(other),
                *(round(n) for n in numbers),
            )
            for block, route, reference, other, *numbers in rows
        )
        return Comparison(tuple(named), latencies, blocks, window.block_seconds)

    def _facts(self, window: Window, shadow: Comparison) -> tuple[tuple[Left, ...], tuple[Left, ...]]:
        """The way from lines to pairs, and what was left out on it."""
        live = "FROM stored WHERE side = 0"
        inside = f"AND start_us BETWEEN {window.first_us} AND {window.last_us}"
        everything = shadow.by_route[""]
        ambiguous, without_id = (
            sum(n for (_, other), n in everything.answers.items() if other == untold)
            for untold in (answers.AMBIGUOUS, answers.WITHOUT_ID)
        )
        lines_of_live = self._number(f"SELECT count(*) {live}")
        in_window = self._number(f"SELECT count(*) {live} {inside}")
        copied = self._number(f"SELECT count(*) {live} {inside} AND eligible")
        paired_lines = self._number("SELECT count(*) FROM pairs WHERE other >= 0")
        shadow_lines = self._number(f"SELECT count(*) FROM stored WHERE side = 1 {inside}")
        distinct = self._number("SELECT count(*) FROM numbered")
        repeated = self._number(
            "SELECT count(*) FROM stored SEMI JOIN several USING (key) WHERE side IN (0, 1)"
        )
        aborted = sum(everything.answers.values()) - everything.untold - everything.eligible
        funnel = (
            Left("lines of the live version", lines_of_live),
            Left("of them within the window", in_window),
            Left("with a method that is copied", copied),
            Left("with a request id, each line once", sum(everything.answers.values()) - without_id),
            Left("finished, and told apart from retries", everything.eligible),
            Left("answered by the shadow", everything.paired),
            Left("compared: an answer on both sides", everything.compared),
        )
        left_out = (
            Left(
                "live requests at the edges of the window, or a day or more away from all others (a wrong clock)",
                lines_of_live - in_window,
            ),
            Left("live requests with a method that is not copied", in_window - copied),
            Left("live requests without a request id", without_id),
            Left("live requests that the caller broke off, or that got no answer (code 0)", aborted),
            Left("live requests whose id occurs another number of times in the shadow (retries)", ambiguous),
            Left("lines that were there twice", repeated - distinct),
            Left(
                "lines of the shadow without a live request in the window",
                max(shadow_lines - paired_lines, 0),
            ),
            Left(
                "lines of other versions",
                self._number("SELECT count(*) FROM stored WHERE side IS NULL AND problem = 0"),
            ),
            Left(
                "pairs whose copy lacks the mirroring proxy's hop in X-Forwarded-For",
                self._number("SELECT count(*) FROM pairs WHERE other >= 0 AND forwarded_more IS NOT TRUE"),
            ),
        )
        return funnel, left_out

    def _worse(self) -> list[tuple[int, int]]:
        """The answers that became worse ones."""
        changes = self.connection.execute(
            "SELECT DISTINCT reference, other FROM pairs WHERE shown_id IS NOT NULL"
        ).fetchall()
        return [pair for pair in changes if answers.change(*map(answers.text, pair)) > 0]

    def _samples(self, routes: tuple[str, ...], worse: list[tuple[int, int]]) -> Iterator[Sample]:
        """A few requests of every change for the worse."""
        if not worse:
            return
        listed = ", ".join(f"({reference}, {other})" for reference, other in worse)
        query = f"""SELECT route, shown_path, shown_id, reference, other, coalesce(shown_flags, '-') FROM pairs
WHERE (reference, other) IN ({listed})
QUALIFY row_number() OVER (PARTITION BY route, reference, other ORDER BY shown_id) <= 5
ORDER BY route, reference, other, shown_id LIMIT {_MOST_SAMPLES}"""
        for route, path, identity, reference, other, flags in self.connection.execute(query).fetchall():
            yield Sample(routes[route], path, identity, answers.text(reference), answers.text(other), flags)

    def _offset(self) -> int:
        """How much later copies begin by their own clock: the clocks' difference, and a little for the way."""
        return self._number(
            "SELECT median(later_us) FROM (FROM pairs USING SAMPLE reservoir(20000 ROWS) REPEATABLE (1))"
        )

    def _table(self, name: str) -> ir.Table:
        described = self.connection.execute(f"DESCRIBE {name}").fetchall()
        types = {column: IBIS_TYPES[kind] for column, kind, *_ in described}
        return ibis.table(types, name=name)

    def _kept(self, name: str, expression: ir.Table) -> ir.Table:
        self._keep(name, _sql(expression))
        return self._table(name)

    def _keep(self, name: str, query: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")

    def _rows(self, expression: ir.Table) -> list[tuple[Any, ...]]:
        return self.connection.execute(_sql(expression)).fetchall()


IBIS_TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "int8",
    "SMALLINT": "int16",
    "INTEGER": "int32",
    "UINTEGER": "uint32",
    "BIGINT": "int64",
    "UBIGINT": "uint64",
    "VARCHAR": "string",
}


def _sql(expression: ir.Table) -> str:
    return str(ibis.to_sql(expression, dialect="duckdb"))
