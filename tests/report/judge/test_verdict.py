"""What follows from drawn aggregates, where whole logs would say no more."""

from __future__ import annotations

from lab.kit.simulated_runs import Service, run
from shadow_report.judge.statements import Result, Statement, Verdict
from shadow_report.judge.thresholds import Thresholds
from shadow_report.judge.verdict import judge


def judged(service: Service, seed: int = 1, **thresholds: float) -> Verdict:
    return judge(run(service, seed), Thresholds(**thresholds))


def statement(verdict: Verdict, about: str) -> Statement:
    return next(each for each in verdict.statements if (each.about, each.route) == (about, ""))


def test_the_pairs_that_are_needed_are_told_as_long_as_more_pairs_would_help() -> None:
    found = statement(judged(Service(1500, copies_fail=0.003)), "errors")
    assert found.result is Result.INCONCLUSIVE
    assert found.needed is not None
    assert found.needed > 1500
    assert judged(Service(found.needed * 2, copies_fail=0.003)).result is Result.FAIL


def test_more_pairs_are_needed_where_the_control_fails_as_well() -> None:
    alone, beside = (
        statement(judged(Service(1500, copies_fail=0.003, control=control)), "errors")
        for control in (False, True)
    )
    assert (alone.result, beside.result) == (Result.INCONCLUSIVE, Result.INCONCLUSIVE)
    assert alone.needed is not None
    assert beside.needed is None or beside.needed > 1.5 * alone.needed


def test_a_margin_is_kept_by_either_and_a_little_more_is_neither_pass_nor_fail() -> None:
    assert statement(judged(Service(20_000, slower=1.05)), "p50").result is Result.PASS
    assert statement(judged(Service(20_000, slower=1.1)), "p50").result is Result.INCONCLUSIVE
    assert statement(judged(Service(20_000, slower=1.2)), "p50").result is Result.FAIL


def test_a_millisecond_more_is_allowed_however_short_an_answer_takes() -> None:
    short = Service(20_000, slower=1.3, median_us=1000)
    assert statement(judged(short), "p50").result is Result.PASS
    assert statement(judged(short, max_slower_ms=0.1), "p50").result is Result.FAIL


def test_what_is_known_in_whole_milliseconds_cannot_differ_by_less() -> None:
    short = Service(20_000, slower=1.1, median_us=1900, whole_ms=True)
    assert statement(judged(short, max_slower_ms=0, max_slower=0), "p50").result is not Result.FAIL


def test_bad_minutes_of_the_shadow_are_told_by_their_time() -> None:
    found = statement(judged(Service(20_000, bursts=2), seed=3), "errors")
    assert "they came together" in found.text
    assert "UTC, and count as" in found.text
