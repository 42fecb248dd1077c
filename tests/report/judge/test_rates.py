"""How often the verdict errs, and how small a difference can be and still be found: what docs/report.md says.

Drawn anew with the same seeds each time, so that no run of the tests fails by chance. `benchmarks.report.rates`
draws more of them.
"""

from __future__ import annotations

from collections import Counter

import pytest

from lab.kit.simulated_runs import Service, run
from shadow_report.judge.statements import Result
from shadow_report.judge.thresholds import Thresholds
from shadow_report.judge.verdict import judge

pytestmark = pytest.mark.timeout(1800)  # seconds where nothing else runs

# Without margins a verdict is FAIL as soon as a difference is significant: this tests the statistics themselves.
NO_MARGINS = Thresholds(
    max_new_errors=0, max_changed=0, max_slower=0, max_slower_p99=0, max_slower_ms=0, alpha=0.05
)


def verdicts(
    service: Service, runs: int, thresholds: Thresholds | None = None, first: int = 0
) -> Counter[Result]:
    judged = (judge(run(service, seed), thresholds or Thresholds()) for seed in range(first, first + runs))
    return Counter(each.result for each in judged)


@pytest.mark.parametrize("noise", [0, 0.0005, 0.002, 0.01])
def test_equal_versions_are_called_different_in_less_than_1_percent_of_1000_runs(noise: float) -> None:
    """250 runs for each rate of errors that both versions have."""
    assert verdicts(Service(3000, noise=noise), 250)[Result.FAIL] <= 2


@pytest.mark.parametrize(
    "service",
    [
        Service(20_000, bursts=2),
        Service(20_000, bursts=5, burst_seconds=20),
        Service(20_000, drift=0.1, drift_minutes=1),
        Service(20_000, drift=0.1, drift_minutes=3),
        Service(6000, whole_ms=True, median_us=3000),
        Service(6000, noise=0.01, control=True),
    ],
    ids=str,
)
def test_equal_versions_with_bursts_drift_or_coarse_clocks_are_called_different_no_more_often(
    service: Service,
) -> None:
    assert verdicts(service, 50)[Result.FAIL] <= 1


def test_copies_of_a_tenth_of_the_requests_are_called_too_few_or_too_many_no_more_often() -> None:
    """As short as a first look: the fewer copies, the more their number varies."""
    short = Service(3400, mirror_percent=10, minutes=0.25, control=True)
    judged = [judge(run(short, seed), Thresholds()) for seed in range(1000)]
    assert sum(each.result is Result.FAIL for each in judged) <= 0.01 * len(judged)
    # Nor is there a word of what looks like it.
    texts = [statement.text for each in judged for statement in each.statements]
    for told in ("check that mirrorPercent", "too little between", "too little to compare with"):
        assert sum(told in text for text in texts) <= 0.01 * len(judged), told


def test_without_margins_equal_versions_are_called_different_no_more_often_than_alpha_says() -> None:
    found = sum(
        (verdicts(Service(3000, noise=noise), 100, NO_MARGINS) for noise in (0, 0.002, 0.01)), Counter()
    )
    assert found[Result.FAIL] <= 0.05 * found.total()


def test_equal_versions_pass_when_there_is_enough_data() -> None:
    assert verdicts(Service(20_000), 20)[Result.PASS] >= 19


@pytest.mark.parametrize(
    "service",
    [
        Service(3000, slower=1.3),
        Service(20_000, slower=1.17),
        Service(20_000, failing=0.01, noise=0.001),
        Service(20_000, changed=0.05),
    ],
    ids=str,
)
def test_differences_beyond_the_thresholds_are_found(service: Service) -> None:
    assert verdicts(service, 20)[Result.FAIL] >= 19


def test_a_difference_that_the_data_is_too_small_for_is_never_waved_through() -> None:
    found = verdicts(Service(6000, failing=0.01), 40)
    assert found[Result.PASS] == 0
    assert found[Result.FAIL] >= 4


@pytest.mark.parametrize("pairs", [6000, 20_000])
def test_nearly_as_much_as_is_allowed_never_fails(pairs: int) -> None:
    assert verdicts(Service(pairs, slower=1.09), 30)[Result.FAIL] == 0


def test_half_of_what_is_allowed_passes() -> None:
    assert verdicts(Service(20_000, slower=1.05), 20)[Result.PASS] >= 19


def test_a_bad_minute_of_one_version_is_no_pass_either() -> None:
    found = verdicts(Service(20_000, bursts=3), 20)
    assert found[Result.FAIL] == 0
    assert found[Result.INCONCLUSIVE] >= 16
