"""Keeps requests as Parquet files in one directory: whole files only, and never more on disk than allowed.

A file appears under its name when it is complete and on disk, so whoever is killed leaves whole files. Each one
notes how far every log was read when it was written: a collector that starts again there reads on from there.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from shadow_report.collect import summary
from shadow_report.collect.lines import Row
from shadow_report.collect.seam import Key
from shadow_report.errors import ReportError
from shadow_report.schema import RAW

_TYPES = {
    "text": pyarrow.string(),
    "whole": pyarrow.int64(),
    "name": pyarrow.string(),
    "time": pyarrow.timestamp("us", "UTC"),
}
SCHEMA = pyarrow.schema([(column.name, _TYPES[column.type]) for column in RAW])
_NOTE = b"shadow-report"
_UNFINISHED = ".unfinished"

# How far logs were read, by the log's name: the first moment that was wanted, and the last lines.
Read = Mapping[str, tuple[int, list[Key]]]


@dataclass(frozen=True)
class File:
    """One file that is complete."""

    path: Path
    requests: int
    bytes: int


@dataclass(frozen=True)
class Removed:
    """What went because the directory was full."""

    files: int
    requests: int


class Store:
    """The directory's only writer."""

    def __init__(self, directory: Path, most_bytes: int) -> None:
        """Raises ReportError if the directory cannot be used, or another collector writes there."""
        self.directory = directory
        self.most_bytes = most_bytes
        self._rows: list[Row] = []
        self._lock = _locked(directory)
        for leftover in directory.glob(f".*{_UNFINISHED}"):
            leftover.unlink()
        self.files = [_read(path) for path in sorted(directory.glob("requests-*.parquet"))]

    @property
    def waiting(self) -> int:
        """Requests that are not in a file yet."""
        return len(self._rows)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def add(self, row: Row) -> None:
        self._rows.append(row)

    def seams(self) -> dict[str, tuple[int, list[Key]]]:
        """How far an earlier collector read; empty if there was none."""
        if not self.files:
            return {}
        noted = pyarrow.parquet.read_metadata(self.files[-1].path).metadata or {}
        found = json.loads(noted.get(_NOTE, b"{}")).get("read", {})
        return {log: (start, [(when, what) for when, what in last]) for log, (start, last) in found.items()}

    def write(self, read: Read) -> File | None:
        """Puts what waits into a file, which notes how far the logs were `read`; None if nothing waits.

        Raises ReportError if the disk does not take it; then it still waits.
        """
        if not self._rows:
            return None
        note = {_NOTE: json.dumps({"read": read}, separators=(",", ":"))}
        table = pyarrow.Table.from_pylist(self._rows, SCHEMA.with_metadata(note))
        # Names sort by age, even when the clock was set back in between.
        number = max(time.time_ns(), self._newest() + 1)
        path = self.directory / f"requests-{number:020d}.parquet"
        unfinished = path.with_name(f".{path.name}{_UNFINISHED}")
        try:
            pyarrow.parquet.write_table(table, unfinished, compression="zstd")
            _publish(unfinished, path)
        except OSError as problem:
            unfinished.unlink(missing_ok=True)
            raise ReportError(
                f"{path} cannot be written: {problem}; started again in this directory, it reads on"
            ) from None
        written = File(path, len(self._rows), path.stat().st_size)
        self.files.append(written)
        self._rows = []
        return written

    def make_room(self) -> Removed | None:
        """Removes the oldest files until what is left is allowed; the newest always stays."""
        files = requests = 0
        while len(self.files) > 1 and self.bytes > self.most_bytes:
            oldest = self.files.pop(0)
            oldest.path.unlink(missing_ok=True)
            files, requests = files + 1, requests + oldest.requests
        return Removed(files, requests) if files else None

    def summarize(self, values: Mapping[str, Any]) -> None:
        """Writes what was collected, and what could not be had, beside the files."""
        path = self.directory / summary.FILE
        unfinished = path.with_name(f".{path.name}{_UNFINISHED}")
        unfinished.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        _publish(unfinished, path)

    def close(self) -> None:
        """Lets others write in the directory; what waits is not written."""
        self._lock.close()

    def _newest(self) -> int:
        return int(self.files[-1].path.stem.removeprefix("requests-")) if self.files else 0


def _locked(directory: Path) -> Any:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / ".lock").open("w", encoding="utf-8")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ReportError(
            f"{directory}: another collector writes there; give each its own directory"
        ) from None
    except OSError as problem:
        raise ReportError(
            f"{directory}: {problem.strerror}; --output names a directory to write to"
        ) from None
    return lock


def _read(path: Path) -> File:
    try:
        return File(path, pyarrow.parquet.read_metadata(path).num_rows, path.stat().st_size)
    except (pyarrow.ArrowException, OSError) as problem:
        raise ReportError(f"{path}: not a file of a collector: {problem}; move it away") from None


def _publish(unfinished: Path, path: Path) -> None:
    """Gives the file its name once it is on disk; it is there whole or not at all, even after a power cut."""
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
