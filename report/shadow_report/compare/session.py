"""What an engine must do. The queries of this package are SQL as DuckDB has it, in words that sqlglot can
translate: one language, whatever runs them. What it does not know is listed in on_spark.NAMES."""

from __future__ import annotations

from collections import Counter
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]


class Session(Protocol):
    """An engine that holds the table `stored` (records.COMPACT), and what is made of it."""

    name: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query, of which there are few."""

    def columns(self, query: str) -> dict[str, Numbers]:
        """The same of whole numbers, of which there may be a million."""

    def keep(self, name: str, query: str) -> None:
        """Stores the rows of a query under a name, in place of what has it."""

    def view(self, name: str, query: str) -> None:
        """Gives a query a name; it runs each time that it is used."""


def number(session: Session, query: str) -> int:
    """The one number that a query gives; 0 for NULL."""
    found = session.rows(query)
    return int(found[0][0]) if found and found[0][0] is not None else 0


def problems(session: Session) -> dict[int, Counter[int]]:
    """Of each file, how many lines have which of records.PROBLEMS, "" included."""
    counts: dict[int, Counter[int]] = {}
    query = "SELECT file, problem, count(*) AS lines FROM stored GROUP BY file, problem"
    for file, problem, lines in session.rows(query):
        counts.setdefault(file, Counter())[problem] = lines
    return counts
