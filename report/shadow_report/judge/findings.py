"""Measures one route, or all of them: how many more errors, how much slower, and how likely that is where no more
than the margins is true. Judges nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from shadow_report.compare.run import Run
from shadow_report.compare.tallies import EVERYTHING, Comparison, Histogram, Sums
from shadow_report.judge import differences, statistics
from shadow_report.judge.differences import Difference
from shadow_report.judge.excess import Excess, peak
from shadow_report.judge.statistics import NetRate, Numbers, Quantile
from shadow_report.judge.thresholds import Thresholds

LEAST_BLOCKS = 10  # fewer blocks of time say too little about how much they differ
_LEAST_BEYOND = 30  # requests that must be slower than a quantile for it to be known
SHARES = (0.5, 0.95, 0.99)
ROUTE_SHARES = (0.5, 0.95)

# How many requests of a block of time count.
Count = Callable[[Sums], int]


@dataclass(frozen=True)
class Slowness:
    """One quantile: against the live version, and against the control if there is one. `resolution_us`: what
    the coarser log knows of a latency."""

    quantiles: tuple[Quantile, ...]
    pairs: int
    resolution_us: float = 1.0

    @property
    def share(self) -> float:
        return self.quantiles[0].share

    @property
    def name(self) -> str:
        return f"p{100 * self.share:g}"

    def margins(self, thresholds: Thresholds) -> list[float]:
        """The ratio that is allowed, against each: a percentage, or some milliseconds where they are more."""
        percent = thresholds.max_slower_p99 if self.share >= 0.99 else thresholds.max_slower
        allowed_us = max(1000 * thresholds.max_slower_ms, self.resolution_us if self.resolution_us > 1 else 0)
        return [1 + max(percent / 100, allowed_us / each.reference_us) for each in self.quantiles]

    def p_value(self, thresholds: Thresholds) -> float:
        """How likely is that, if it is not slower than allowed?"""
        margins = self.margins(thresholds)
        return max(each.ratio.beyond(margin) for each, margin in zip(self.quantiles, margins, strict=True))

    def within(self, thresholds: Thresholds) -> float:
        """How likely is that, if it is slower than allowed?"""
        margins = self.margins(thresholds)
        return min(each.ratio.within(margin) for each, margin in zip(self.quantiles, margins, strict=True))

    def times(self, factor: float) -> Slowness:
        """The same with that many times as much data."""
        more = tuple(replace(each, ratio=each.ratio.times(factor)) for each in self.quantiles)
        return replace(self, quantiles=more)


@dataclass(frozen=True)
class Finding:
    """Everything that was measured of one route. `changes`: another answer, neither better nor worse.
    `adjusted`: p-values of everything being within its margin, after Holm's correction: "coverage", "errors",
    "changes", "unfinished", "contents", "order", those of fields, "p50", "p95", "p99"; what did not happen at
    all is not tested. `tests`: how many p-values of all routes were corrected together. `contents`: what answers
    hold otherwise, None if no log tells; `order`: in how many arrays alone are in another order, None if nobody
    asks; `fields`: each field of one route in which they differ."""

    route: str
    sums: Sums
    errors: Excess
    changes: Excess
    unfinished: Excess
    slowness: tuple[Slowness, ...]
    p_values: dict[str, float]
    adjusted: dict[str, float]
    tests: int = 0
    contents: Difference | None = None
    order: Difference | None = None
    fields: tuple[Difference, ...] = ()


def measure(run: Run, thresholds: Thresholds, use_control: bool) -> tuple[Finding, list[Finding]]:
    """All routes together, and each of them, with Holm's correction across all that was tested. With
    `use_control` latencies are compared with the control's too."""
    control = run.control if use_control else None
    latencies = _Latencies(run, control)
    found = [
        _finding(run, latencies, route, thresholds.of(route)) for route in (EVERYTHING, *run.shadow.routes)
    ]
    names = [(index, name) for index, each in enumerate(found) for name in each.p_values]
    adjusted = statistics.holm([p for each in found for p in each.p_values.values()])
    of_each: list[dict[str, float]] = [{} for _ in found]
    for (index, name), p in zip(names, adjusted, strict=True):
        of_each[index][name] = p
    corrected = [
        replace(each, adjusted=its, tests=len(adjusted)) for each, its in zip(found, of_each, strict=True)
    ]
    return corrected[0], corrected[1:]


def _finding(run: Run, latencies: _Latencies, route: str, thresholds: Thresholds) -> Finding:
    sums = run.shadow.by_route[route]
    errors = excess(run, route, lambda each: each.worse, lambda each: each.better)
    unfinished = excess(
        run,
        route,
        lambda each: each.only_other_aborted,
        lambda each: each.only_reference_aborted,
        lambda each: each.compared + each.only_other_aborted + each.only_reference_aborted,
    )
    changes = _changes(run, route)
    slowness: tuple[Slowness, ...] = ()
    if route == EVERYTHING:
        slowness = tuple(latencies.slowness(route, SHARES))
    elif sums.compared >= thresholds.min_pairs:
        slowness = tuple(latencies.slowness(route, ROUTE_SHARES))
    margins = {
        "errors": (errors, thresholds.max_new_errors),
        "changes": (changes, thresholds.max_changed),
        "unfinished": (unfinished, thresholds.max_new_errors),
    }
    p_values = {
        about: each.p_value(margin / 100) for about, (each, margin) in margins.items() if each.net.worse
    }
    if sums.paired < sums.eligible:
        p_values["coverage"] = too_few_copies(run, route, thresholds)
    p_values |= {each.name: each.p_value(thresholds) for each in slowness}
    contents, fields = differences.measure(run.contents, route)
    order = differences.order(run.contents, route, thresholds)
    for each in (contents, order, *fields):
        if each and each.changed.net.worse:
            p_values[each.about] = each.changed.p_value(each.margin(thresholds))
    return Finding(
        route,
        sums,
        errors,
        changes,
        unfinished,
        slowness,
        p_values,
        {},
        contents=contents,
        order=order,
        fields=fields,
    )


def excess(
    run: Run, route: str, worse: Count, better: Count, total: Count = lambda each: each.compared
) -> Excess:
    """What the shadow shows against the live version, and the control against it."""
    counted = [
        tuple(_per_block(side, route, count) for count in (worse, better, total))
        for side in (run.shadow, run.control)
        if side
    ]
    nets = [NetRate.of_blocks(*each) for each in counted]
    return Excess(nets[0], nets[1] if len(nets) > 1 else None, peak=peak(counted[0][0]))


def _changes(run: Run, route: str) -> Excess:
    """Which of two answers counts as the new one is chosen by the data: the one that is the shadow's more
    often. With other answers the other way round, such as 200 for 304, chance is left out."""
    found = run.shadow.by_route[route].changes
    forth = {
        pair for pair, number in found.items() if (number, pair) > (found.get(pair[::-1], 0), pair[::-1])
    }

    def number(sums: Sums, *, back: bool) -> int:
        return sum(n for pair, n in sums.changes.items() if ((pair[::-1] if back else pair) in forth))

    measured = excess(run, route, lambda each: number(each, back=False), lambda each: number(each, back=True))
    return replace(measured, choices=2.0 ** len(forth))


def common_changes(sums: Sums) -> list[tuple[int, str, str]]:
    """The commonest answers of the shadow that are neither better nor worse: how many, instead of what, what."""
    return sorted(((n, *pair) for pair, n in sums.changes.items()), reverse=True)


def _per_block(side: Comparison, route: str, count: Count) -> Numbers:
    blocks = side.blocks_of.get(route)
    return np.array([count(each) for each in blocks] if blocks else [0] * side.blocks, dtype=np.float64)


def least_coverage(run: Run, thresholds: Thresholds) -> float:
    """The share of the requests that must have an answered copy."""
    return min(run.mirror_percent, 100) / 100 * thresholds.min_coverage / 100


def too_few_copies(run: Run, route: str, thresholds: Thresholds) -> float:
    """How likely are so few answered copies, if enough are answered? Of all routes each counts, as only the
    draw of what is copied is chance. Of one route those that were lost together, as the shadow was down for a
    while, count as one: that was no fault of the route's."""
    least = least_coverage(run, thresholds)
    if route == EVERYTHING:
        sums = run.shadow.by_route[route]
        return statistics.too_few(sums.paired, sums.eligible, least)
    missing = _per_block(run.shadow, route, lambda each: each.eligible - each.paired)
    eligible = _per_block(run.shadow, route, lambda each: each.eligible)
    total, lost = float(eligible.sum()), float(missing.sum())
    alone = total * least * (1 - least)
    deviations = missing - lost / total * eligible
    together = (
        max(1.0, *(variance / alone for variance, _ in statistics.variances(deviations))) if alone else 1.0
    )
    return statistics.too_few((total - lost) / together, total / together, least)


class _Latencies:
    """The latencies of every side, each as exact as its log knows them."""

    def __init__(self, run: Run, control: Comparison | None) -> None:
        self.run, self.control = run, control
        sides = [*run.shadow.histograms(), *((control.histograms()[1],) if control else ())]
        self.resolutions = [statistics.resolution_us(each) for each in sides]

    def slowness(self, route: str, shares: tuple[float, ...]) -> Iterator[Slowness]:
        """Every quantile that there is enough data for."""
        reference, other = self.run.shadow.histograms(route)
        pairs = int(other.sum())
        blocks = int((other.sum(axis=1) > 0).sum())
        shares = tuple(share for share in shares if pairs >= needed_pairs(share))
        if not shares or blocks < LEAST_BLOCKS:
            return
        smoothed = [
            statistics.smoothed(side, resolution)
            for side, resolution in zip(
                (reference, other, *self._noise(route)), self.resolutions, strict=False
            )
        ]
        references = [smoothed[0], *smoothed[2:]]
        for share in shares:
            found = tuple(statistics.compare_quantile(each, smoothed[1], share) for each in references)
            yield Slowness(found, pairs, max(self.resolutions))

    def _noise(self, route: str) -> Iterator[Histogram]:
        if self.control and (noise := self.control.histograms(route)[1]).any():
            yield noise


def needed_pairs(share: float) -> int:
    """Pairs without which a quantile cannot be told."""
    return round(_LEAST_BEYOND / (1 - max(share, 1 - share)))


def quantiles(reference: Histogram, other: Histogram, shares: tuple[float, ...]) -> list[Quantile]:
    """What there is enough data for."""
    pairs, blocks = int(other.sum()), int((other.sum(axis=1) > 0).sum())
    if blocks < LEAST_BLOCKS:
        return []
    return [
        statistics.compare_quantile(reference, other, share)
        for share in shares
        if pairs >= needed_pairs(share)
    ]
