"""The statistics: intervals and tests that hold for rare events, for bursts and for what drifts. Pure; they know
of counts, blocks of time and histograms, not of logs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special  # scipy.stats has more of this, and takes 0.7 s to import

from shadow_report.compare.tallies import BUCKET, Histogram

Numbers = npt.NDArray[np.float64]
CONFIDENCE = 0.95
_NORMAL = float(special.ndtri((1 + CONFIDENCE) / 2))
_BEYOND = (1 - CONFIDENCE) / 2  # how likely the truth lies beyond one end of an interval
LEAST_ERROR = BUCKET / math.sqrt(12)  # what is known of a value within its bucket
# How many blocks of time are taken together, to see whether neighbours resemble each other.
_JOINED = (1, 2, 3, 5, 8, 13, 21, 34)
_LEAST_JOINED = 6  # fewer of them do not tell how much they differ
_ROUNDING = 1e-9
_HALVINGS = 30  # of the range of net rates, from -1 to 1: a bound is known to 2e-9


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


def net_count(net: int, more: float, fewer: float) -> float:
    """How likely is a difference of two Poisson counts of at most `net`, if they are expected to be `more` and
    `fewer`? The distribution is Skellam's; SciPy has it as a noncentral chi-squared one (Johnson 1959)."""
    if net < 0:
        return float(special.chndtr(2 * fewer, -2 * net, 2 * more))
    return 1 - float(special.chndtr(2 * more, 2 * (net + 1), 2 * fewer))


def too_few(hits: float, total: float, least: float) -> float:
    """How likely are so few hits, if the share is `least`? Exact binomial test, one-sided. Counts need not be
    whole."""
    return float(special.betainc(total - hits, hits + 1, 1 - least)) if hits < total else 1.0


def excess(worse: float, total: float, noise: float, noise_total: float) -> float:
    """How likely are that many that got worse, if the noise is as frequent? Exact, given their sum. Counts need
    not be whole."""
    if not worse or not total or not noise_total:
        return 1.0
    return float(special.betainc(worse, noise + 1, total / (total + noise_total)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction: p-values that may all be compared with one level, whatever they have to do with
    another."""
    adjusted = [0.0] * len(p_values)
    reached = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = reached
    return adjusted


def joined(blocks: Numbers) -> list[Numbers]:
    """The sums of neighbouring blocks of time, joined to ever longer ones: what drifts or comes in bursts varies
    more between long blocks than short ones tell."""
    counts = [len(blocks) // each for each in _JOINED]
    starts = [np.linspace(0, len(blocks), count + 1)[:-1].astype(int) for count in counts if count]
    whole = [np.add.reduceat(blocks, each) for each in starts]
    return whole[:1] + [each for each in whole[1:] if len(each) >= _LEAST_JOINED]


def variances(deviations: Numbers) -> list[tuple[float, int]]:
    """The variance of the sum of what each block of time deviates by, and its degrees of freedom, for each
    length of blocks."""
    found = []
    for blocks in joined(deviations):
        number = max(len(blocks), 2)
        found.append((float(((blocks - blocks.mean()) ** 2).sum()) * number / (number - 1), number - 1))
    return found


@dataclass(frozen=True)
class NetRate:
    """How many more requests got worse than got better, of `total` pairs. `burst`: how many failures count as
    one event, as they came together; 1 if each came by itself."""

    worse: float
    better: float
    total: float
    burst: float = 1.0

    @classmethod
    def of_blocks(cls, worse: Numbers, better: Numbers, total: Numbers) -> NetRate:
        """Each argument has a number for every block of time.

        `burst` is the design effect of survey statistics (Kish): the variance between blocks, over that of
        independent failures. The largest over all lengths of blocks counts.
        """
        w, b, n = float(worse.sum()), float(better.sum()), float(total.sum())
        alone = w + b - (w - b) ** 2 / n if n else 0.0
        if alone <= 0:  # none failed, or all did
            return cls(w, b, n)
        found = variances(worse - better - (w - b) / n * total)
        return cls(w, b, n, max(1.0, *(variance / alone for variance, _ in found)))

    def times(self, factor: float) -> NetRate:
        """The same with that many times as much data."""
        return NetRate(self.worse * factor, self.better * factor, self.total * factor, self.burst)

    @cached_property
    def rate(self) -> Interval:
        """The net rate, per request; the interval holds the margins that neither test refuses."""
        if not self.total:
            return Interval(math.nan, -1.0, 1.0)
        value = (self.worse - self.better) / self.total
        low = _bound(lambda margin: self.beyond(margin) - _BEYOND, -1.0, value)
        high = _bound(lambda margin: _BEYOND - self.within(margin), value, 1.0)
        return Interval(value, low, high)

    def beyond(self, margin: float) -> float:
        """How likely are that many more that got worse, if the net rate is `margin`?"""
        more, fewer = self._expected(margin)
        net = math.floor((self.worse - self.better) / self.burst + _ROUNDING)
        return 1 - net_count(net - 1, more, fewer) if self.total else 1.0

    def within(self, margin: float) -> float:
        """How likely are so few more that got worse, if the net rate is `margin`?"""
        more, fewer = self._expected(margin)
        net = math.ceil((self.worse - self.better) / self.burst - _ROUNDING)
        return net_count(net, more, fewer) if self.total else 1.0

    def _expected(self, margin: float) -> tuple[float, float]:
        """How many events of each kind there would be with that net rate, as likely as what was seen allows."""
        worse, better, total = (each / self.burst for each in (self.worse, self.better, self.total))
        middle = worse + better - 2 * total * margin
        fewer = (middle + math.sqrt(max(middle**2 + 8 * total * margin * better, 0.0))) / 4
        fewer = max(fewer, -total * margin, 0.0)
        return max(fewer + total * margin, _ROUNDING), max(fewer, _ROUNDING)


def _bound(signed: Callable[[float], float], low: float, high: float) -> float:
    """Where it becomes positive; an end if it does not, or if it is everywhere."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if signed(middle) < 0 else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True)
class Ratio:
    """How much larger something is than its reference. `errors`: the standard error of the ratio's logarithm and
    its degrees of freedom, for each length of blocks; the one that allows the most counts."""

    log: float
    errors: tuple[tuple[float, int], ...]

    @property
    def interval(self) -> Interval:
        reach = max(error * float(special.stdtrit(freedom, 1 - _BEYOND)) for error, freedom in self.errors)
        return Interval(math.exp(self.log), math.exp(self.log - reach), math.exp(min(self.log + reach, 700)))

    def beyond(self, margin: float) -> float:
        """How likely is such a ratio, if in truth it is `margin`?"""
        return max(self._tail(math.log(margin) - self.log))

    def within(self, margin: float) -> float:
        """How likely is so small a ratio, if in truth it is `margin`?"""
        return max(self._tail(self.log - math.log(margin)))

    def _tail(self, distance: float) -> list[float]:
        return [float(special.stdtr(freedom, distance / error)) for error, freedom in self.errors]

    def times(self, factor: float) -> Ratio:
        """The same with that many times as much data: errors shrink with its root."""
        return Ratio(self.log, tuple((error / factor**0.5, freedom) for error, freedom in self.errors))


def ratio_of_sums(reference: Numbers, other: Numbers) -> Ratio:
    """The ratio of two sums that are known for each block of time."""
    first, second = float(reference.sum()), float(other.sum())
    found = variances(other / second - reference / first)
    return Ratio(math.log(second / first), tuple((max(v**0.5, _ROUNDING), freedom) for v, freedom in found))


@dataclass(frozen=True)
class Quantile:
    """One quantile of both sides, and their ratio."""

    share: float
    reference_us: float
    other_us: float
    ratio: Ratio

    @property
    def change(self) -> Interval:
        return self.ratio.interval

    @property
    def difference_us(self) -> Interval:
        found = self.change
        return Interval(*((each - 1) * self.reference_us for each in (found.value, found.low, found.high)))


def compare_quantile(reference: Histogram, other: Histogram, share: float) -> Quantile:
    """A quantile of both sides. A block's part in the error is how many more of its requests lie below the
    quantile than should; both sides of a block are taken together, so that a slow minute that both had is not
    held against one. Woodruff's method makes a duration of that share."""
    found = []
    deviations = np.zeros(len(reference))
    for side, sign in ((reference, -1), (other, 1)):
        total = side.sum(axis=0)
        number = total.sum()
        value = log_quantile(total, share)
        around = 2 * math.sqrt(share * (1 - share) / number)
        low, high = max(share - around, 0.0), min(share + around, 1.0)
        slope = (log_quantile(total, high) - log_quantile(total, low)) / (high - low)
        below = _below(side, value) - share * side.sum(axis=1)
        deviations -= sign * slope / number * below
        found.append(value)
    errors = tuple(
        (math.hypot(variance**0.5, LEAST_ERROR), freedom) for variance, freedom in variances(deviations)
    )
    return Quantile(share, math.exp(found[0]), math.exp(found[1]), Ratio(found[1] - found[0], errors))


def log_quantile(histogram: Numbers, share: float) -> float:
    """The logarithm of a quantile, interpolated within its bucket; NaN of nothing."""
    reached = np.cumsum(histogram)
    if not len(reached) or not reached[-1]:
        return math.nan
    target = share * reached[-1]
    bucket = min(int(np.searchsorted(reached, target)), len(reached) - 1)
    part = 1 - (reached[bucket] - target) / histogram[bucket] if histogram[bucket] else 1.0
    return float(bucket + min(max(part, 0.0), 1.0)) * BUCKET


def _below(histograms: Histogram, log_value: float) -> Numbers:
    """How many of each row lie below the value, within a bucket in proportion."""
    bucket, part = divmod(log_value / BUCKET, 1)
    whole = int(bucket)
    within = histograms[:, whole] if whole < histograms.shape[1] else 0
    return np.asarray(histograms[:, :whole].sum(axis=1) + part * within, dtype=np.float64)


def resolution_us(histogram: Histogram) -> float:
    """1,000 where latencies are known in whole milliseconds only, as no bucket without one is used; else 1."""
    buckets = np.flatnonzero(histogram.any(axis=0))
    low, high = np.exp(buckets * BUCKET), np.exp((buckets + 1) * BUCKET)
    narrow = (high - low < 500) & (buckets > 0)
    whole = np.floor(high[narrow] / 1000) > np.floor(low[narrow] / 1000)
    return 1000.0 if narrow.any() and whole.all() else 1.0


def smoothed(histogram: Histogram, resolution: float) -> Histogram:
    """Spreads what is known in whole units of time only over the time up to the next one, in which it lay."""
    if resolution <= 1:
        return histogram
    used = [int(each) for each in np.flatnonzero(histogram.any(axis=0))]
    spread = np.zeros((len(histogram), max(histogram.shape[1], _bucket(resolution) + 1)))
    for bucket in used:
        begin = resolution * math.floor(math.exp((bucket + 1) * BUCKET) / resolution)
        begin = begin if bucket else 0.0
        first, last = _bucket(max(begin, 1.0)), _bucket(begin + resolution)
        if last >= spread.shape[1]:
            spread = np.pad(spread, ((0, 0), (0, last + 1 - spread.shape[1])))
        edges = np.exp(np.arange(first, last + 2) * BUCKET)
        parts = np.diff(np.clip(edges, max(begin, 1.0), begin + resolution))
        spread[:, first : last + 1] += np.outer(histogram[:, bucket], parts / parts.sum())
    return spread


def _bucket(microseconds: float) -> int:
    return math.floor(math.log(microseconds) / BUCKET)
