"""What all rules share: whose run it is, and how much more data a statement needs. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shadow_report import words
from shadow_report.compare.run import Run
from shadow_report.compare.tallies import EVERYTHING
from shadow_report.judge.statements import Result, Statement
from shadow_report.judge.statistics import CONFIDENCE
from shadow_report.judge.thresholds import Thresholds

BEYOND = (1 - CONFIDENCE) / 2
FEW = 3  # so many requests of a route, most of what it got, are no chance
DOUBT = 0.05  # a corrected p-value below this keeps a route from being waved through
_MOST_FACTOR = 10_000  # more data than this many times as much is no advice


class Rules:
    """The rules of one topic, for one run."""

    def __init__(self, run: Run, thresholds: Thresholds) -> None:
        self.run = run
        self.thresholds = thresholds
        self.live = run.sides["live"].name
        self.shadow = run.sides["shadow"].name

    def doubt(self, about: str, text: str) -> Statement:
        return Statement(about, EVERYTHING, Result.INCONCLUSIVE, text)

    def needing(self, statement: Statement, pairs: int, factor: float | None) -> Statement:
        """Adds how much more data it takes."""
        if factor is None:
            more = "no amount of data within reach would tell: it lies at the threshold"
            if self.run.control:
                more += ", or the control shows as much"
            return replace(statement, text=f"{statement.text}; {more}" if pairs else statement.text)
        needed = round(pairs * factor)
        time = words.seconds(self.run.seconds * factor)
        more = (
            f"not sure yet: about {words.count(needed, 'pair')} are needed, {words.count(needed - pairs)} more, "
            f"which is {time} at this rate"
        )
        return replace(statement, text=f"{statement.text}; {more}", needed=needed)


def more_needed(settled: Callable[[float], bool]) -> float | None:
    """How many times as much data settles it, if what was measured so far is the truth."""
    times = 1.1
    while times < _MOST_FACTOR:
        if settled(times):
            return times
        times *= 1.1
    return None


def moments(run: Run, gaps: tuple[tuple[int, int], ...]) -> str:
    size = run.shadow.block_seconds
    begin = run.window_us[0] / 1e6
    stretches = [
        f"{words.moment(begin + first * size, day=run.days)} and "
        f"{words.moment(begin + (last + 1) * size, day=run.days)}"
        for first, last in gaps
    ]
    more = f" and {len(stretches) - 3} more times" if len(stretches) > 3 else ""
    return ", ".join(stretches[:3]) + more + " UTC"
