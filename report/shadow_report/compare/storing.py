"""Reads files of this machine into DuckDB's table `stored`, and counts the lines of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import duckdb

from shadow_report import words
from shadow_report.compare import formats, reading, records
from shadow_report.compare.formats import Known
from shadow_report.compare.on_duckdb import DuckDB
from shadow_report.compare.reading import Batch
from shadow_report.compare.records import Comparing
from shadow_report.compare.run import Source
from shadow_report.compare.session import problems
from shadow_report.errors import ReportError

_UNREADABLE = (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException)


class Files:
    """The files of a comparison."""

    def __init__(self, session: DuckDB, files: list[Known], comparing: Comparing) -> None:
        self._session = session
        self._files = files
        self._comparing = comparing
        self._compared = [name for names in comparing.versions.values() for name in names]

    def store(self) -> tuple[Source, ...]:
        """Stores every file's lines, and counts them and the bad ones. Raises ReportError for what cannot be
        read."""
        found = {each.input: Source(str(each.input.path), "empty", 0) for each in self._files}
        read: list[tuple[Known, Source]] = []
        for batch in self._batches(self._files):
            query = records.compact(records.sql(batch.sql, self._comparing), self._comparing)
            self._run(f"{'INSERT INTO stored' if read else 'CREATE TABLE stored AS'} {query}", batch)
            nothing = (Source(str(each.input.path), each.format, 0) for each in batch.files)
            read += zip(batch.files, batch.sources or nothing, strict=True)
        if not read:
            names = ", ".join(str(known.input.path) for known in self._files)
            raise ReportError(f"nothing to compare: empty: {names}")
        counts = problems(self._session)
        for number, (known, source) in enumerate(read):
            found[known.input] = _counted(source, known, counts.get(number, Counter()))
        return tuple(found.values())

    def versions(self) -> set[str]:
        """Which versions the files name; read again, as this is needed only for a message."""
        names: set[str] = set()
        for batch in self._batches(self._files):
            query = f"SELECT DISTINCT version FROM ({batch.sql}) WHERE version IS NOT NULL LIMIT 20"
            names |= {row[0] for row in self._session.rows(query)}
        return names

    def _batches(self, files: list[Known]) -> Iterator[Batch]:
        return reading.batches(files, self._session.scratch, self._compared)

    def _run(self, query: str, batch: Batch) -> None:
        try:
            self._session.connection.execute(query)
        except _UNREADABLE as problem:
            if str(self._session.scratch) in str(problem):
                raise
            broken, why = self._broken(batch) or (batch.files[0], problem)
            raise ReportError(f"{broken.input.path} cannot be read: {why}") from None

    def _broken(self, batch: Batch) -> tuple[Known, Exception] | None:
        """The first file of a batch that the engine cannot read; it does not always say which one that is."""
        for known in batch.files:
            try:
                for alone in self._batches([known]):
                    self._session.rows(f"SELECT count(method) FROM ({alone.sql})")
            except _UNREADABLE as problem:
                return known, problem
        return None


def _counted(source: Source, known: Known, counts: Counter[int]) -> Source:
    bad = Counter({records.PROBLEMS[problem]: number for problem, number in counts.items() if problem})
    told, own = source.problems, source.own
    if bad and known.is_plain_json:
        told, own = formats.explain(known, counts[records.UNREADABLE])
    if not told:
        told = listed(bad)
    passed = own - source.own  # lines that the engine has read, and nobody asked for
    return replace(
        source,
        lines=source.lines + counts.total() - passed,
        bad=source.bad + bad.total() - passed,
        problems=told if source.bad + bad.total() > passed else (),
        own=own,
    )


def listed(bad: Counter[str]) -> tuple[str, ...]:
    """How many lines have which problem."""
    return tuple(f"{words.count(number, 'line')}: {problem}" for problem, number in bad.most_common())
