"""Measures one route, or all of them: how many more errors, how much slower. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shadow_report.compare.run import Run
from shadow_report.compare.tallies import EVERYTHING, Comparison, Sums
from shadow_report.judge import statistics
from shadow_report.judge.statistics import Histogram, Interval, Quantile

RESAMPLES = 400
SEED = 20_200_601  # the same logs get the same intervals
LEAST_BLOCKS = 10  # fewer blocks of time say too little about how much they differ
_LEAST_BEYOND = 30  # requests that must be slower than a quantile for it to be known
SHARES = (0.5, 0.95, 0.99)
ROUTE_SHARES = (0.5, 0.95)


@dataclass(frozen=True)
class Excess:
    """How many more requests got worse than better: against the live version, and against the control if
    there is one. `p_value` is the larger one: a difference that v1 shows against itself is not held against
    v2."""

    worse: int
    better: int
    total: int
    rates: tuple[Interval, ...]
    p_value: float

    @property
    def rate(self) -> Interval:
        return self.rates[0]


@dataclass(frozen=True)
class Slowness:
    """One quantile: against the live version, and against the control if there is one."""

    quantiles: tuple[Quantile, ...]
    pairs: int

    @property
    def share(self) -> float:
        return self.quantiles[0].share

    @property
    def name(self) -> str:
        return f"p{100 * self.share:g}"

    @property
    def p_value(self) -> float:
        return max(each.p_value for each in self.quantiles)


@dataclass(frozen=True)
class Finding:
    """Everything that was measured of one route. `adjusted`: p-values after Holm's correction, by what they
    test: "errors", "unfinished", "p50", "p95", "p99"."""

    route: str
    sums: Sums
    errors: Excess
    unfinished: Excess
    slowness: tuple[Slowness, ...]
    adjusted: dict[str, float]

    def p_values(self) -> Iterator[tuple[str, float]]:
        yield "errors", self.errors.p_value
        yield "unfinished", self.unfinished.p_value
        for each in self.slowness:
            yield each.name, each.p_value


def measure(run: Run, least_pairs: float) -> tuple[Finding, list[Finding]]:
    """All routes together, and each that has enough pairs, with Holm's correction across all that was tested."""
    weights = statistics.resampling(run.shadow.blocks, RESAMPLES, SEED)
    found = [_finding(run, EVERYTHING, SHARES, weights)]
    for route in run.shadow.routes:
        if run.shadow.by_route[route].compared >= least_pairs:
            found.append(_finding(run, route, ROUTE_SHARES, weights))
    tested = [(index, name, p) for index, each in enumerate(found) for name, p in each.p_values()]
    adjusted = statistics.holm([p for _, _, p in tested])
    of_each: list[dict[str, float]] = [{} for _ in found]
    for (index, name, _), p in zip(tested, adjusted, strict=True):
        of_each[index][name] = p
    corrected = [replace(each, adjusted=its) for each, its in zip(found, of_each, strict=True)]
    return corrected[0], corrected[1:]


def _finding(run: Run, route: str, shares: tuple[float, ...], weights: Histogram) -> Finding:
    sums = run.shadow.by_route[route]
    noise = run.control.by_route.get(route, Sums()) if run.control else None
    errors = _excess(sums.worse, sums.better, sums.compared, (noise.worse, noise.compared) if noise else None)
    unfinished = _excess(
        sums.only_other_aborted,
        sums.only_reference_aborted,
        sums.compared + sums.only_other_aborted + sums.only_reference_aborted,
        (noise.only_other_aborted, noise.compared + noise.only_other_aborted) if noise else None,
    )
    return Finding(route, sums, errors, unfinished, tuple(_slowness(run, route, shares, weights)), {})


def _excess(worse: int, better: int, total: int, noise: tuple[int, int] | None) -> Excess:
    rates, p_value = [statistics.net_rate(worse, better, total)], statistics.mcnemar(worse, better)
    if noise and noise[1]:
        rates.append(statistics.difference(worse, total, *noise))
        p_value = max(p_value, statistics.excess(worse, total, *noise))
    return Excess(worse, better, total, tuple(rates), p_value)


def _slowness(run: Run, route: str, shares: tuple[float, ...], weights: Histogram) -> Iterator[Slowness]:
    reference, other = run.shadow.histograms(route)
    pairs = int(other.sum())
    blocks = int((other.sum(axis=1) > 0).sum())
    shares = tuple(share for share in shares if pairs >= needed_pairs(share))
    if not shares or blocks < LEAST_BLOCKS:
        return
    against = [statistics.compare_quantiles(reference, other, shares, weights)]
    if run.control and (noise := _control(run.control, route, run.shadow.blocks)) is not None:
        width = max(noise.shape[1], other.shape[1])
        against.append(
            statistics.compare_quantiles(
                statistics.widened(noise, width), statistics.widened(other, width), shares, weights
            )
        )
    for each in zip(*against, strict=True):
        yield Slowness(each, pairs)


def needed_pairs(share: float) -> int:
    """Pairs without which a quantile cannot be told."""
    return round(_LEAST_BEYOND / (1 - share))


def _control(control: Comparison, route: str, blocks: int) -> Histogram | None:
    noise = control.histograms(route)[1]
    return noise if len(noise) == blocks and noise.any() else None
