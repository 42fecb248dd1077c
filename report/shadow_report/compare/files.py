"""The files of the command line: which there are, what is packed in them, and their lines."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

import zstandard

from shadow_report import text_logs
from shadow_report.collect import summary
from shadow_report.errors import ReportError

_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PAR1": "parquet"}
_BROKEN = (OSError, EOFError, zlib.error, zstandard.ZstdError)


@dataclass(frozen=True)
class Input:
    """A file of the command line; `version` is that of lines which do not name one. `directory`: the one that was
    named in its place. `copy`: where the content of a pipe was put, which can be read only once."""

    path: Path
    version: str | None = None
    directory: Path | None = None
    copy: Path | None = None

    @property
    def content(self) -> Path:
        return self.copy or self.path


def inputs(arguments: list[str]) -> list[Input]:
    """The files that FILE, VERSION=FILE and directories mean, sorted. Raises ReportError."""
    found: list[Input] = []
    for argument in arguments:
        version, equals, rest = argument.partition("=")
        named = bool(equals) and not Path(argument).exists()
        path = Path(rest if named else argument)
        if not path.exists():
            raise ReportError(f"{path} does not exist: name log files, or directories that hold them")
        directory = path if path.is_dir() else None
        files = _below(directory) if directory else [path]
        if not files:
            raise ReportError(f"{path} is an empty directory: name log files, or directories that hold them")
        found += (Input(each, version if named else None, directory) for each in files)
    _refuse_doubles(found)
    return found


def _below(directory: Path) -> list[Path]:
    """The logs below a directory: not what is hidden, nor the collector's summary."""
    found = (each for each in directory.rglob("*") if each.is_file())
    return sorted(each for each in found if not each.name.startswith(".") and each.name != summary.FILE)


def _refuse_doubles(found: list[Input]) -> None:
    names: dict[tuple[int, int], list[str]] = defaultdict(list)
    for each in found:
        known = each.path.stat()
        names[known.st_dev, known.st_ino].append(str(each.path))
    doubled = sorted({name for same in names.values() if len(same) > 1 for name in same})
    if doubled:
        raise ReportError(f"named twice, so that every line would count twice: {', '.join(doubled)}")


def copied(given: list[Input], scratch: Path) -> list[Input]:
    """The same, with what is in pipes copied to files of `scratch`: a pipe gives its lines only once."""
    return [
        each if each.path.is_file() else replace(each, copy=_copy(each.path, scratch / f"pipe-{number}"))
        for number, each in enumerate(given)
    ]


def _copy(pipe: Path, target: Path) -> Path:
    with pipe.open("rb") as source, target.open("wb") as out:
        shutil.copyfileobj(source, out)
    return target


def kind(given: Input) -> str:
    """How it is packed: "gzip", "zstd", "parquet" or "none". Raises ReportError for what cannot be read."""
    try:
        with given.content.open("rb") as file:
            begin = file.read(4)
    except OSError as problem:
        raise ReportError(f"{given.path} cannot be read: {problem.strerror}") from None
    return next((kind for magic, kind in _MAGIC.items() if begin.startswith(magic)), "none")


def head(given: Input, compression: str, most: int) -> bytes:
    """The first bytes of what is in it. Raises ReportError."""
    try:
        with _open(given.content, compression) as file:
            return file.read(most)
    except _BROKEN as problem:
        raise ReportError(f"{given.path} cannot be unpacked: {problem}") from None


def lines(given: Input, compression: str, longest: int = text_logs.LONGEST_LINE) -> Iterator[bytes]:
    """Lines without their ends, blank ones left out; of one that is too long only the beginning."""
    try:
        with _open(given.content, compression) as file:
            while raw := file.readline(longest + 2):
                while not raw.endswith(b"\n") and len(raw) > longest:
                    more = file.readline(longest)
                    if more.endswith(b"\n") or not more:
                        break
                if raw.strip():
                    yield raw.rstrip(b"\r\n")
    except _BROKEN as problem:
        raise ReportError(f"{given.path} cannot be unpacked: {problem}") from None


def _open(path: Path, compression: str) -> IO[bytes]:
    if compression == "none":
        return path.open("rb")
    return cast(IO[bytes], gzip.open(path) if compression == "gzip" else zstandard.open(path))
