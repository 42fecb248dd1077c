"""The statistics against known values, against SciPy, and against what is true of drawn data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from shadow_report.compare.tallies import BUCKET, Histogram
from shadow_report.judge import statistics
from shadow_report.judge.statistics import NetRate
from tests.report.handmade import generated

counts = some.integers(0, 5000)


@generated
@given(some.integers(0, 400), some.integers(0, 400), some.sampled_from([0.5, 0.9, 0.98]))
def test_too_few_is_the_exact_binomial_test(hits: int, more: int, least: float) -> None:
    exact = stats.binomtest(hits, hits + more + 1, least, alternative="less").pvalue
    assert statistics.too_few(hits, hits + more + 1, least) == pytest.approx(exact, abs=1e-9)


@generated
@given(counts, counts)
def test_wilson_is_scipys(hits: int, more: int) -> None:
    total = hits + more + 1
    ours, bounds = statistics.wilson(hits, total), stats.binomtest(hits, total).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((bounds.low, bounds.high), abs=1e-12)


@generated
@given(some.integers(-300, 300), some.floats(1, 1e5), some.floats(1, 1e5))
def test_the_difference_of_two_counts_is_distributed_as_scipys_skellam(
    net: int, more: float, fewer: float
) -> None:
    assert statistics.net_count(net, more, fewer) == pytest.approx(
        stats.skellam.cdf(net, more, fewer), abs=1e-9
    )


def test_of_rare_failures_the_test_against_a_margin_is_the_exact_poisson_test() -> None:
    found = NetRate(worse=12, better=0, total=6000)
    assert found.beyond(0.001) == pytest.approx(stats.poisson.sf(11, 6), rel=1e-3)
    assert NetRate(0, 0, 3000).within(0.001) == pytest.approx(math.exp(-3), rel=1e-3)


@generated
@given(some.integers(5, 60), some.integers(0, 60))
def test_without_a_margin_it_says_about_what_mcnemars_test_says(worse: int, better: int) -> None:
    exact = stats.binomtest(worse, worse + better, alternative="greater").pvalue
    assert NetRate(worse, better, 10_000).beyond(0) == pytest.approx(exact, abs=0.1)


@pytest.mark.parametrize(
    ("worse", "better"), [(0.3, 0.3), (0.05, 0.05), (0.01, 0), (0.001, 0.0005), (0.5, 0.1)], ids=str
)
def test_the_interval_of_the_net_rate_holds_the_truth_at_least_as_often_as_it_says(
    worse: float, better: float
) -> None:
    random, held = np.random.default_rng(1), 0
    for _ in range(200):
        drawn = random.multinomial(100, [worse, better, 1 - worse - better], size=30).astype(float)
        found = NetRate.of_blocks(drawn[:, 0], drawn[:, 1], np.full(30, 100.0)).rate
        held += found.low <= worse - better <= found.high
    assert held / 200 >= 0.95


def test_five_hundred_failures_of_one_minute_count_as_one_event() -> None:
    worse = np.zeros(30)
    worse[7] = 500
    found = NetRate.of_blocks(worse, np.zeros(30), np.full(30, 700.0))
    assert found.worse / found.burst == pytest.approx(1, abs=0.1)
    assert found.beyond(0) > 0.2


def test_as_many_failures_spread_over_all_minutes_count_each() -> None:
    found = NetRate.of_blocks(np.full(30, 17.0), np.zeros(30), np.full(30, 700.0))
    assert found.burst == 1
    assert found.beyond(0.001) < 1e-9


def test_a_route_that_fails_every_time_is_beyond_every_margin_however_rare() -> None:
    total = np.zeros(30)
    total[::2] = 5
    found = NetRate.of_blocks(total, np.zeros(30), total)
    assert (found.burst, found.rate.value) == (1, 1)
    assert found.beyond(0.001) < 1e-9


def test_nothing_is_known_of_no_requests() -> None:
    assert (statistics.wilson(0, 0).low, statistics.wilson(0, 0).high) == (0, 1)
    nothing = NetRate.of_blocks(np.zeros(30), np.zeros(30), np.zeros(30))
    assert math.isnan(nothing.rate.value)
    assert (nothing.beyond(0), nothing.within(0.5)) == (1, 1)
    assert statistics.excess(0, 10, 0, 10) == 1


def test_noise_that_is_as_frequent_is_no_excess() -> None:
    assert statistics.excess(50, 10_000, 48, 10_000) > 0.3
    assert statistics.excess(50, 10_000, 5, 10_000) < 1e-6
    assert statistics.excess(50, 10_000, 5, 1_000) > 0.3


def test_holm_multiplies_by_what_is_left_and_never_falls() -> None:
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([]) == []
    assert statistics.holm([0.9, 0.8]) == [1, 1]


@generated
@given(some.integers(0, 2**32), some.sampled_from([0.5, 0.95, 0.99]))
def test_quantiles_of_buckets_are_within_a_bucket_of_the_exact_ones(seed: int, share: float) -> None:
    random = np.random.default_rng(seed)
    values = np.exp(random.normal(random.uniform(6, 12), random.uniform(0, 2), random.integers(1, 600))) + 1
    histogram = np.bincount(np.floor(np.log(values) / BUCKET).astype(int)).astype(float)
    exact = np.log(np.quantile(values, share, method="inverted_cdf"))
    assert abs(statistics.log_quantile(histogram, share) - exact) <= BUCKET * 1.001


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_the_interval_of_a_quantiles_ratio_holds_the_truth_at_least_as_often_as_it_says(share: float) -> None:
    random, held = np.random.default_rng(3), 0
    for _ in range(200):
        weather = random.normal(0, 0.2, 30).repeat(100)
        reference, other = (
            _histograms(np.exp(weather + random.normal(9, 0.5, 3000) + extra)) for extra in (0, math.log(1.1))
        )
        found = statistics.compare_quantile(reference, other, share).change
        held += found.low <= 1.1 <= found.high
    assert held / 200 >= 0.95


def _histograms(latencies: np.ndarray) -> Histogram:
    buckets = np.floor(np.log(latencies) / BUCKET).astype(int).reshape(30, 100)
    return np.stack([np.bincount(row, minlength=int(buckets.max()) + 1) for row in buckets]).astype(float)


def test_a_slow_minute_of_both_sides_is_not_held_against_one() -> None:
    latencies = np.full(3000, 10_000.0)
    latencies[:1000] *= 20
    same = _histograms(latencies)
    for share in (0.5, 0.95):
        found = statistics.compare_quantile(same, same, share).change
        assert found.value == 1
        assert found.high < 1.02


def test_an_empty_block_is_no_obstacle() -> None:
    histogram = _histograms(np.full(3000, 10_000.0))
    histogram[5:] = 0
    assert statistics.compare_quantile(histogram, histogram, 0.5).change.value == 1


def test_whole_milliseconds_are_recognised_and_spread_over_the_time_in_which_they_lay() -> None:
    random = np.random.default_rng(2)
    exact = np.exp(random.normal(8, 0.4, 3000))
    known = _histograms(np.maximum(np.floor(exact / 1000) * 1000, 1))
    assert statistics.resolution_us(_histograms(exact)) == 1
    assert statistics.resolution_us(known) == 1000
    spread = statistics.smoothed(known, 1000)
    assert spread.sum(axis=1) == pytest.approx(known.sum(axis=1))
    assert math.exp(statistics.log_quantile(spread.sum(axis=0), 0.5)) == pytest.approx(
        np.median(exact), rel=0.05
    )
    assert statistics.smoothed(known, 1) is known
