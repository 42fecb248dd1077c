"""The aggregates that the engine hands over, and their sums. Pure; small whatever the size of the logs."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shadow_report.compare.answers import Kind, change, changed, comparable, kind

Histogram = npt.NDArray[np.float64]  # rows: blocks of time; columns: buckets of latency
BUCKET = math.log(1.01)  # a bucket of latency is 1 % wide
EVERYTHING = ""  # the route that stands for all of them


class Answers(NamedTuple):
    """How often, within one block of time, requests of one route were answered so by both sides."""

    block: int  # counted from the start of the window
    route: str
    reference: str
    other: str
    requests: int
    sized: int  # pairs with the same answer, of which both sizes are known
    same_size: int
    reference_bytes: int
    other_bytes: int


@dataclass(frozen=True)
class Latencies:
    """One row for every block, route, side and bucket that occurs, as columns; `route` is an index of
    `routes`."""

    routes: tuple[str, ...]
    block: npt.NDArray[np.int64]
    route: npt.NDArray[np.int64]
    is_other: npt.NDArray[np.bool_]
    bucket: npt.NDArray[np.int64]
    requests: npt.NDArray[np.int64]


_UNTOLD = {Kind.AMBIGUOUS, Kind.WITHOUT_ID}


@dataclass
class Sums:
    """What happened to the requests of one route, or to all."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    sized: int = 0
    same_size: int = 0
    reference_bytes: int = 0
    other_bytes: int = 0

    def add(self, row: Answers) -> None:
        self.answers[row.reference, row.other] += row.requests
        self.sized += row.sized
        self.same_size += row.same_size
        self.reference_bytes += row.reference_bytes
        self.other_bytes += row.other_bytes

    def _count(self, reference: Iterable[Kind], other: Iterable[Kind]) -> int:
        first, second = set(reference), set(other)
        return sum(n for (a, b), n in self.answers.items() if kind(a) in first and kind(b) in second)

    @cached_property
    def eligible(self) -> int:
        """Requests that should have been copied, and whose copy, if any, can be told."""
        return self._count(set(Kind) - {Kind.ABORTED}, set(Kind) - _UNTOLD)

    @cached_property
    def untold(self) -> int:
        """Those of which nothing can be said: without a request id, or with one that occurs another number of
        times in the other side's log."""
        return self._count(Kind, _UNTOLD)

    @cached_property
    def paired(self) -> int:
        """Those of them that have a line of the other side."""
        return self.eligible - self._count(set(Kind) - {Kind.ABORTED}, {Kind.MISSING})

    @cached_property
    def compared(self) -> int:
        """Pairs with an answer on both sides."""
        return sum(n for pair, n in self.answers.items() if comparable(*pair))

    @cached_property
    def worse(self) -> int:
        return sum(n for pair, n in self.answers.items() if change(*pair) > 0)

    @cached_property
    def better(self) -> int:
        return sum(n for pair, n in self.answers.items() if change(*pair) < 0)

    @cached_property
    def changes(self) -> dict[tuple[str, str], int]:
        """How often which answer became another one that is neither better nor worse."""
        return {pair: n for pair, n in self.answers.items() if changed(*pair)}

    @cached_property
    def only_other_aborted(self) -> int:
        return self._count(set(Kind) - {Kind.ABORTED}, {Kind.ABORTED})

    @cached_property
    def only_reference_aborted(self) -> int:
        return self._count({Kind.ABORTED}, {Kind.OK, Kind.CLIENT_ERROR, Kind.SERVER_ERROR})


@dataclass(frozen=True)
class Comparison:
    """One side's answers against those of the live version."""

    answers: tuple[Answers, ...]
    latencies: Latencies
    blocks: int
    block_seconds: int

    @cached_property
    def by_route(self) -> dict[str, Sums]:
        """The sums of every route, and under EVERYTHING those of all."""
        sums: dict[str, Sums] = defaultdict(Sums)
        sums[EVERYTHING]  # there even when there is no request
        for row in self.answers:
            sums[EVERYTHING].add(row)
            sums[row.route].add(row)
        return dict(sums)

    @cached_property
    def blocks_of(self) -> dict[str, list[Sums]]:
        """The sums of every block of time, of every route and of EVERYTHING."""
        sums: dict[str, list[Sums]] = defaultdict(lambda: [Sums() for _ in range(self.blocks)])
        sums[EVERYTHING]  # there even when there is no request
        for row in self.answers:
            sums[EVERYTHING][row.block].add(row)
            sums[row.route][row.block].add(row)
        return dict(sums)

    @property
    def by_block(self) -> list[Sums]:
        """The sums of every block of time."""
        return self.blocks_of[EVERYTHING]

    @property
    def routes(self) -> list[str]:
        """The routes, the busiest first."""
        known = {route: sums for route, sums in self.by_route.items() if route != EVERYTHING}
        return sorted(known, key=lambda route: (-known[route].eligible, route))

    def histograms(self, route: str = EVERYTHING) -> tuple[Histogram, Histogram]:
        """Latencies of the reference and of the other side: a row a block, a column a bucket."""
        rows = self.latencies
        wanted = np.ones(len(rows.block), bool)
        if route != EVERYTHING:
            wanted = rows.route == (rows.routes.index(route) if route in rows.routes else -1)
        width = int(rows.bucket[wanted].max(initial=0)) + 1
        shape = (2, self.blocks, width)
        where = np.ravel_multi_index(
            (rows.is_other[wanted].astype(np.int64), rows.block[wanted], rows.bucket[wanted]), shape
        )
        both = np.bincount(where, rows.requests[wanted], minlength=2 * self.blocks * width).reshape(shape)
        return both[0], both[1]
