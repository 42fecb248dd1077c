"""The collector's summary, which lies beside its files: what was collected, and what could not be had."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shadow_report.collect.pods import Restart
from shadow_report.collect.tally import Gap
from shadow_report.errors import ReportError

FILE = "collected.json"


@dataclass(frozen=True)
class Summary:
    """As far as it matters to who reads the files. `knows_restarts`: an older collector did not note them."""

    gaps: tuple[Gap, ...] = ()
    restarts: tuple[Restart, ...] = ()
    knows_restarts: bool = True


def beside(directories: Iterable[Path]) -> list[Summary]:
    """What the collectors that wrote in these directories left there."""
    return [found for each in directories if (found := read(each)) is not None]


def read(directory: Path) -> Summary | None:
    """What was left in a directory; None if no collector wrote there. Raises ReportError, as `parse` does."""
    file = directory / FILE
    if not file.exists():
        return None
    try:
        return parse(file.read_text(encoding="utf-8"), str(file))
    except (OSError, ValueError) as problem:
        raise _no_summary(str(file), problem) from None


def parse(text: str, file: str) -> Summary:
    """A summary's text. Raises ReportError for anything else, which `file` names."""
    try:
        values: Any = json.loads(text)
        return Summary(
            gaps=tuple(Gap.from_json(each) for each in values["gaps"]),
            restarts=tuple(Restart.from_json(each) for each in values.get("container_restarts", [])),
            knows_restarts="container_restarts" in values,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise _no_summary(file, problem) from None


def _no_summary(file: str, problem: Exception) -> ReportError:
    return ReportError(
        f"{file} is not the summary of a collector: {problem!r}; move it away if it is something else"
    )
