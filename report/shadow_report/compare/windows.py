"""Which time is compared, and into which blocks it is cut. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_MOST_BLOCKS = 240
_LEAST_BLOCKS = 20
_BLOCK_SIZES = (60, 30, 20, 10, 5, 2, 1)  # seconds; a minute where that gives enough of them
_APART_US = 24 * 3600 * 1_000_000
_WRONG_CLOCKS = 0.001  # a larger share of the lines is no mistake


@dataclass(frozen=True)
class Window:
    """Which live requests are compared, and the blocks of time in which they are counted. `copies`: how many
    copies of one request there may be (mirrorPercent 250: three)."""

    first_us: int
    last_us: int
    block_seconds: int
    copies: int = 1

    @property
    def sql(self) -> str:
        """Whether a line began within it."""
        return f"start_us BETWEEN {self.first_us} AND {self.last_us}"


class Span(NamedTuple):
    """Lines of one stretch of time: how many, and when the first and the last began, in microseconds since
    1970."""

    lines: int
    first_us: int
    last_us: int


def span(stretches: Sequence[Span]) -> Span:
    """The time that all of them cover, in the order of time. A few lines at either end that lie a day or more
    away from all others are left out: their clock was wrong."""
    groups: list[Span] = []
    for each in stretches:
        if groups and each.first_us - groups[-1].last_us < _APART_US:
            last = groups.pop()
            groups.append(Span(last.lines + each.lines, last.first_us, each.last_us))
        else:
            groups.append(each)
    few = max(_WRONG_CLOCKS * sum(each.lines for each in groups), 1)
    while len(groups) > 1 and min(groups[0].lines, groups[-1].lines) <= few:
        groups.pop(0 if groups[0].lines <= groups[-1].lines else -1)
    return Span(sum(each.lines for each in groups), groups[0].first_us, groups[-1].last_us)


def block_seconds(seconds: float) -> int:
    """The length of the blocks: a minute, less where that would be too few, whole minutes where it would be
    too many."""
    if seconds > _MOST_BLOCKS * 60:
        return 60 * math.ceil(seconds / 60 / _MOST_BLOCKS)
    return next((size for size in _BLOCK_SIZES if seconds / size >= _LEAST_BLOCKS), 1)
