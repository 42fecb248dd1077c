"""How many more requests got worse than better. Judges nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shadow_report.judge import statistics
from shadow_report.judge.statistics import NetRate, Numbers


@dataclass(frozen=True)
class Excess:
    """How many more requests got worse than better. `noise` is what the control shows against the live version.
    `choices`: in how many ways the data chose what is called worse, by which p-values are multiplied.
    `peak`: the first and the last of the blocks of time in which most got worse, and how many did."""

    net: NetRate
    noise: NetRate | None = None
    choices: float = 1
    peak: tuple[int, int, int] = (0, 0, 0)

    def p_value(self, margin: float) -> float:
        """How likely is that, if not more than `margin` of the requests get worse?"""
        return min(1.0, self.choices * self.net.beyond(margin))

    def as_of_control(self, level: float) -> bool:
        """May the control be as bad? Then this may be what copies meet, not what the version does."""
        if self.noise is None or not self.noise.total:
            return False
        counts = (each / by.burst for by in (self.net, self.noise) for each in (by.worse, by.total))
        return statistics.excess(*counts) >= level

    def times(self, factor: float) -> Excess:
        """The same with that many times as much data."""
        noise = self.noise.times(factor) if self.noise else None
        return replace(self, net=self.net.times(factor), noise=noise)


def peak(worse: Numbers) -> tuple[int, int, int]:
    """The block with the most, and its neighbours with at least half as many."""
    first = last = int(np.argmax(worse))
    many = worse >= max(worse[first] / 2, 1)
    while first > 0 and many[first - 1]:
        first -= 1
    while last + 1 < len(worse) and many[last + 1]:
        last += 1
    return first, last, int(worse[first : last + 1].sum())
