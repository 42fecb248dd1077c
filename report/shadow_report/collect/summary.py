"""The collector's summary, which lies beside its files: what was collected, and what could not be had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shadow_report.collect.tally import Gap
from shadow_report.errors import ReportError

FILE = "collected.json"


def gaps(directory: Path) -> list[Gap] | None:
    """What the collectors that wrote in a directory could not have; None if none left a summary.

    Raises ReportError for a file of this name that is none.
    """
    file = directory / FILE
    if not file.exists():
        return None
    try:
        summary: Any = json.loads(file.read_text(encoding="utf-8"))
        return [Gap.from_json(each) for each in summary["gaps"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ReportError(
            f"{file} is not the summary of a collector: {problem!r}; move it away if it is something else"
        ) from None
