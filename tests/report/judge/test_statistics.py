"""The statistics against known values, against SciPy, and against what is true of drawn data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from shadow_report.judge import statistics
from shadow_report.judge.statistics import BUCKET
from tests.report.handmade import generated

counts = some.integers(0, 5000)


@generated
@given(counts, counts)
def test_wilson_is_scipys(hits: int, more: int) -> None:
    total = hits + more + 1
    ours, bounds = statistics.wilson(hits, total), stats.binomtest(hits, total).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((bounds.low, bounds.high), abs=1e-12)


@generated
@given(counts, counts)
def test_mcnemar_is_the_exact_binomial_test(worse: int, better: int) -> None:
    exact = stats.binomtest(worse, worse + better, alternative="greater").pvalue if worse + better else 1.0
    assert statistics.mcnemar(worse, better) == pytest.approx(exact, abs=1e-9)


def test_the_interval_of_the_net_rate_matches_newcombes_published_example() -> None:
    # Newcombe 1998, method 10: 56 of 70 against 48 of 80.
    found = statistics.difference(56, 70, 48, 80)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-4)


def test_nothing_is_known_of_no_requests() -> None:
    assert (statistics.wilson(0, 0).low, statistics.wilson(0, 0).high) == (0, 1)
    assert math.isnan(statistics.net_rate(0, 0, 0).value)
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
    histogram = np.bincount(np.floor(np.log(values) / BUCKET).astype(int)).astype(float)[None, :]
    found = statistics.log_quantiles(histogram, [share])[0, 0]
    exact = np.log(np.quantile(values, share, method="inverted_cdf"))
    assert abs(found - exact) <= BUCKET * 1.001


def test_the_bootstraps_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    random, held = np.random.default_rng(3), 0
    for _ in range(200):
        weather = random.normal(0, 0.2, 30).repeat(100)
        sides = [
            _histograms(np.exp(weather + random.normal(9, 0.5, 3000) + extra)) for extra in (0, math.log(1.1))
        ]
        width = max(each.shape[1] for each in sides)
        reference, other = (statistics.widened(each, width) for each in sides)
        weights = statistics.resampling(30, 300, seed=1)
        ratio = statistics.compare_quantiles(reference, other, [0.5], weights)[0].ratio
        held += ratio.low <= 1.1 <= ratio.high
    assert 0.90 <= held / 200 <= 0.995


def _histograms(latencies: np.ndarray) -> statistics.Histogram:
    buckets = np.floor(np.log(latencies) / BUCKET).astype(int).reshape(30, 100)
    return np.stack([np.bincount(row, minlength=int(buckets.max()) + 1) for row in buckets]).astype(float)


def test_a_slow_minute_of_both_sides_is_not_held_against_one() -> None:
    latencies = np.full(3000, 10_000.0)
    latencies[:1000] *= 20
    same = _histograms(latencies)
    found = statistics.compare_quantiles(same, same, [0.5, 0.95], statistics.resampling(30, 300, seed=1))
    assert [each.ratio.value for each in found] == [1, 1]
    assert all(each.ratio.high < 1.02 for each in found)


def test_an_empty_block_is_no_obstacle() -> None:
    histogram = _histograms(np.full(3000, 10_000.0))
    histogram[5:] = 0
    found = statistics.compare_quantiles(histogram, histogram, [0.5], statistics.resampling(30, 300, seed=1))[
        0
    ]
    assert found.blocks == 5
    assert found.ratio.value == 1
