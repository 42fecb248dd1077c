"""The statistics: intervals, tests and the bootstrap. Pure; they know of counts and histograms, not of logs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Histogram = npt.NDArray[np.float64]  # rows: blocks of time; columns: buckets of latency
CONFIDENCE = 0.95
_NORMAL = float(special.ndtri((1 + CONFIDENCE) / 2))
BUCKET = math.log(1.01)  # a bucket of latency is 1 % wide
LEAST_ERROR = BUCKET / math.sqrt(12)  # what is known of a value within its bucket


@dataclass(frozen=True)
class Interval:
    """An estimate, and the bounds between which the truth lies with 95 % confidence."""

    value: float
    low: float
    high: float


def wilson(hits: int, total: int) -> Interval:
    """A share and its Wilson interval; of nothing, anything may be true."""
    if not total:
        return Interval(math.nan, 0.0, 1.0)
    share = hits / total
    middle = (share + _NORMAL**2 / (2 * total)) / (1 + _NORMAL**2 / total)
    reach = math.hypot(math.sqrt(share * (1 - share) / total), _NORMAL / (2 * total))
    reach *= _NORMAL / (1 + _NORMAL**2 / total)
    # At the ends the bound is the end itself, which floating point would miss by a little.
    return Interval(share, 0.0 if not hits else middle - reach, 1.0 if hits == total else middle + reach)


def net_rate(worse: int, better: int, total: int) -> Interval:
    """How many more requests got worse than got better, per request.

    The interval is made of the two shares' Wilson intervals (Newcombe's square-and-add).
    """
    if not total:
        return Interval(math.nan, -1.0, 1.0)
    return difference(worse, total, better, total)


def difference(hits: int, total: int, other_hits: int, other_total: int) -> Interval:
    """How much larger a share is than that of another sample (Newcombe)."""
    one, other = wilson(hits, total), wilson(other_hits, other_total)
    value = one.value - other.value
    low = value - math.hypot(one.value - one.low, other.high - other.value)
    return Interval(value, low, value + math.hypot(one.high - one.value, other.value - other.low))


def mcnemar(worse: int, better: int) -> float:
    """Exact McNemar test, one-sided: how likely are that many that got worse, if either is as likely?"""
    return float(special.bdtrc(worse - 1, worse + better, 0.5)) if worse else 1.0


def excess(worse: int, total: int, noise: int, noise_total: int) -> float:
    """How likely are that many that got worse, if the noise is as frequent? Exact, given their sum."""
    if not worse or not total or not noise_total:
        return 1.0
    return float(special.bdtrc(worse - 1, worse + noise, total / (total + noise_total)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction: p-values that may all be compared with one level, whatever they have to do with
    another."""
    adjusted = [0.0] * len(p_values)
    reached = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = reached
    return adjusted


@dataclass(frozen=True)
class Quantile:
    """One quantile of both sides, and their ratio; `standard_error` is that of the ratio's logarithm."""

    share: float
    reference_us: float
    other_us: float
    standard_error: float
    blocks: int

    @property
    def ratio(self) -> Interval:
        log = math.log(self.other_us / self.reference_us)
        reach = float(special.stdtrit(self.blocks - 1, (1 + CONFIDENCE) / 2)) * self.standard_error
        return Interval(math.exp(log), math.exp(log - reach), math.exp(log + reach))

    @property
    def difference_us(self) -> Interval:
        ratio = self.ratio
        return Interval(*((each - 1) * self.reference_us for each in (ratio.value, ratio.low, ratio.high)))

    @property
    def p_value(self) -> float:
        """How likely is such a ratio, if the other side is not slower?"""
        return float(
            special.stdtr(self.blocks - 1, -math.log(self.other_us / self.reference_us) / self.standard_error)
        )


def resampling(blocks: int, resamples: int, seed: int) -> Histogram:
    """How often each block of time occurs in each resample."""
    draws = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), size=resamples)
    return draws.astype(np.float64)


def compare_quantiles(
    reference: Histogram, other: Histogram, shares: Sequence[float], weights: Histogram
) -> list[Quantile]:
    """Quantiles of both sides with a bootstrap over blocks of time: both sides of a block are drawn together,
    so that a slow minute that both had is not held against one."""
    lowest = _first_bucket(reference, other)
    sides = [side[:, lowest:] for side in (reference, other)]
    blocks = int(np.count_nonzero(reference.sum(axis=1) + other.sum(axis=1)))
    estimates = [log_quantiles(side.sum(axis=0, keepdims=True), shares) for side in sides]
    drawn = [log_quantiles(weights @ side, shares) for side in sides]
    errors = np.nanstd(drawn[1] - drawn[0], axis=0, ddof=1)
    return [
        Quantile(
            share,
            math.exp(float(estimates[0][0, index]) + lowest * BUCKET),
            math.exp(float(estimates[1][0, index]) + lowest * BUCKET),
            max(float(errors[index]), LEAST_ERROR),
            max(blocks, 2),
        )
        for index, share in enumerate(shares)
    ]


def log_quantiles(histograms: Histogram, shares: Sequence[float]) -> Histogram:
    """The logarithm of each quantile of each row, interpolated within its bucket; NaN for an empty row."""
    reached = np.cumsum(histograms, axis=1)
    total = reached[:, -1]
    rows = np.arange(len(histograms))
    columns = []
    for share in shares:
        target = share * total
        bucket = np.minimum((reached < target[:, None]).sum(axis=1), histograms.shape[1] - 1)
        within = histograms[rows, bucket]
        with np.errstate(invalid="ignore", divide="ignore"):
            part = 1 - (reached[rows, bucket] - target) / within
        columns.append(np.where(total > 0, (bucket + np.clip(part, 0, 1)) * BUCKET, np.nan))
    return np.stack(columns, axis=1)


def widened(histogram: Histogram, width: int) -> Histogram:
    """With empty buckets added until there are that many."""
    return np.pad(histogram, ((0, 0), (0, width - histogram.shape[1])))


def _first_bucket(*histograms: Histogram) -> int:
    return min(int(np.argmax(each.any(axis=0))) for each in histograms)
