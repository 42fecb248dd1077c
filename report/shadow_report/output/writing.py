"""Writes what is asked for: all of it or nothing, and never over what was read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shadow_report.errors import ReportError


@dataclass(frozen=True)
class Output:
    """A file to be written, and the option that says so."""

    option: str
    path: Path

    def __str__(self) -> str:
        return f"{self.option} {self.path}"


def check(outputs: list[Output], inputs: Iterable[Path], directories: Iterable[Path]) -> None:
    """Before minutes of work, not after. `inputs`: files that are read; `directories`: whose files are.

    Raises ReportError when an output cannot be written, or would take the place of an input or of another output.
    """
    read = {path.resolve() for path in inputs}
    folders = [each.resolve() for each in directories]
    taken: dict[Path, Output] = {}
    for each in outputs:
        path = each.path.resolve()
        _check_place(each, path)
        if path in read:
            raise ReportError(f"{each} is read as well, and would be written over: name another file")
        if path in taken:
            raise ReportError(f"{each} and {taken[path]} are the same file: name another one")
        if inside := next((folder for folder in folders if folder in path.parents), None):
            raise ReportError(f"{each} lies in {inside}, whose files are read as logs: name a file elsewhere")
        taken[path] = each


def _check_place(output: Output, path: Path) -> None:
    if path.is_dir():
        raise ReportError(f"{output} is a directory: name a file")
    if not path.parent.is_dir():
        raise ReportError(f"{output}: its directory does not exist")
    if _is_special(path):
        return
    try:  # permissions alone do not tell: the disk may be read-only, or nobody's
        _unfinished(path).touch()
        _unfinished(path).unlink()
    except OSError as problem:
        raise ReportError(
            f"{output}: nothing can be written there ({problem.strerror}): name a file elsewhere"
        ) from None


def write(texts: Mapping[Path, str]) -> None:
    """Raises ReportError when one cannot be written; then none is."""
    unfinished: dict[Path, Path] = {}
    try:
        for given, text in texts.items():
            path = given.resolve()  # a link stays one
            if _is_special(path):
                path.write_text(text, encoding="utf-8")
                continue
            unfinished[path] = _unfinished(path)
            unfinished[path].write_text(text, encoding="utf-8")
        for path, whole in unfinished.items():
            whole.replace(path)
    except OSError as problem:
        raise ReportError(
            f"{given} cannot be written: {problem.strerror}; nothing of this run is: name a place with room"
        ) from None
    finally:
        for whole in unfinished.values():
            whole.unlink(missing_ok=True)


def _unfinished(path: Path) -> Path:
    """Where it is until it is whole: in the same directory, as only there it can get its name at once."""
    return path.with_name(f".{path.name}.unfinished-{os.getpid()}")


def _is_special(path: Path) -> bool:
    """A terminal, a pipe, /dev/null: written to, not replaced."""
    return path.exists() and not path.is_file()
