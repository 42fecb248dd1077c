"""Shadows that would hurt users, and logs that do not tell: none may PASS. One fault each, all else equal."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shadow_report.cli import main
from tests.report.handmade import Line, line

PAIRS, SECONDS = 8000, 1200
# What the two sides log of one request: nothing, or more than one line where a copy is retried.
Both = tuple[list[Line], list[Line]]
Fault = Callable[[int, Line, Line], Both]


@dataclass(frozen=True)
class Judged:
    """What the command said."""

    status: int
    report: dict[str, Any]

    @property
    def verdict(self) -> str:
        return str(self.report["verdict"])

    def of(self, result: str) -> set[tuple[str, str]]:
        """About what, of which route ("" for all): the statements with this result."""
        return {
            (each["about"], each["route"]) for each in self.report["statements"] if each["result"] == result
        }

    def text(self, about: str, route: str = "") -> str:
        found = ((each["about"], each["route"], each["text"]) for each in self.report["statements"])
        return next(str(text) for *what, text in found if what == [about, route])


def equal(_: int, live: Line, shadow: Line) -> Both:
    return [live], [shadow]


def judged(
    directory: Path, fault: Fault, *options: str, pairs: int = PAIRS, seconds: float = SECONDS
) -> Judged:
    """The verdict on two versions of which the shadow has the fault. Every 100th request goes to /rare."""
    file = directory / "lines.ndjson"
    with file.open("w") as out:
        for each in _lines(fault, pairs, seconds):
            out.write(json.dumps(each) + "\n")
    page = directory / "report.html"
    status = main(["compare", str(file), "--live", "v1", "--shadow", "v2", "--out", str(page), *options])
    return Judged(status, json.loads(page.with_suffix(".json").read_text()))


def _lines(fault: Fault, pairs: int, seconds: float) -> Iterator[Line]:
    draw = random.Random(7)  # noqa: S311  the same lines each time
    for number in range(pairs):
        at, path = number * seconds / pairs, "/rare" if number % 100 == 0 else "/orders/7"
        both = [
            line(version, at, f"request-{number}", path=path, app_us=round(draw.lognormvariate(10, 0.3)))
            for version in ("v1", "v2")
        ]
        for side in fault(number, *both):
            yield from side


def test_equal_versions_pass_and_say_nothing_else(tmp_path: Path) -> None:
    found = judged(tmp_path, equal)
    assert (found.status, found.verdict) == (0, "PASS")
    assert found.of("FAIL") == found.of("INCONCLUSIVE") == set()


@pytest.mark.parametrize("flags", ["UC", "UPE", "UT", "LR", "UR", "UMSDR", "UT,DC"])
def test_answers_that_break_off_in_the_middle_are_errors(tmp_path: Path, flags: str) -> None:
    """A real Envoy logs 200 with these, as it had passed the headers on."""

    def breaks_off(number: int, live: Line, shadow: Line) -> Both:
        return [live], [{**shadow, "flags": flags} if number % 50 == 0 else shadow]

    found = judged(tmp_path, breaks_off)
    assert (found.status, found.verdict) == (1, "FAIL")
    assert ("errors", "") in found.of("FAIL")
    assert "200 -> 200 broken off (15" in found.text("errors")


def test_callers_that_go_away_are_not_held_against_the_answer(tmp_path: Path) -> None:
    def goes_away(number: int, live: Line, shadow: Line) -> Both:
        changes = {"flags": "DC"} if number % 50 == 0 else {}
        return [{**live, **changes}], [{**shadow, **changes}]

    assert judged(tmp_path, goes_away).verdict == "PASS"


@pytest.mark.parametrize(("before", "after"), [(200, 302), (200, 204), (404, 401)])
def test_answers_that_turn_into_others_fail_and_are_named(tmp_path: Path, before: int, after: int) -> None:
    def turned(number: int, live: Line, shadow: Line) -> Both:
        new = after if number % 10 < 3 else before
        return [{**live, "status": before}], [{**shadow, "status": new}]

    found = judged(tmp_path, turned)
    assert (found.status, found.verdict) == (1, "FAIL")
    assert ("changes", "") in found.of("FAIL")
    assert f"{before} -> {after} (2," in found.text("changes")
    assert ("errors", "") not in found.of("FAIL")


def test_answers_that_change_back_and_forth_by_chance_pass(tmp_path: Path) -> None:
    """304 for 200 as often as 200 for 304: what is cached when."""

    draw = random.Random(8)  # noqa: S311

    def either(_: int, live: Line, shadow: Line) -> Both:
        cached = [{"status": 304} if draw.random() < 0.02 else {} for _ in range(2)]
        return [{**live, **cached[0]}], [{**shadow, **cached[1]}]

    found = judged(tmp_path, either)
    assert (found.status, found.verdict) == (0, "PASS")
    assert "200 -> 304" in found.text("changes")


def test_more_changed_answers_can_be_allowed(tmp_path: Path) -> None:
    def turned(number: int, live: Line, shadow: Line) -> Both:
        return [live], [{**shadow, "status": 204} if number % 20 == 1 else shadow]

    assert judged(tmp_path, turned).verdict == "FAIL"
    assert judged(tmp_path, turned, "--max-changed", "8").verdict == "PASS"


def test_a_rare_route_that_fails_every_time_fails(tmp_path: Path) -> None:
    """80 of 8,000 requests, fewer than a route's latencies need."""

    def fails(number: int, live: Line, shadow: Line) -> Both:
        return [live], [{**shadow, "status": 500} if shadow["path"] == "/rare" else shadow]

    found = judged(tmp_path, fails)
    assert (found.status, found.verdict) == (1, "FAIL")
    assert ("errors", "GET /rare") in found.of("FAIL")
    assert "200 -> 500 (7" in found.text("errors", "GET /rare")


def test_a_handful_of_requests_of_a_route_that_all_fail_are_not_waved_through(tmp_path: Path) -> None:
    def fails(number: int, live: Line, shadow: Line) -> Both:
        if number % 2000 != 1000:
            return [live], [shadow]
        return [{**live, "path": "/seldom"}], [{**shadow, "path": "/seldom", "status": 500}]

    found = judged(tmp_path, fails)
    assert (found.status, found.verdict) == (3, "INCONCLUSIVE")
    assert ("errors", "GET /seldom") in found.of("INCONCLUSIVE")


def test_a_route_whose_copies_never_arrive_fails(tmp_path: Path) -> None:
    """1 % of the traffic: all in all, 99 % have an answer, which is enough."""

    def lost(_: int, live: Line, shadow: Line) -> Both:
        return [live], [] if shadow["path"] == "/rare" else [shadow]

    found = judged(tmp_path, lost)
    assert (found.status, found.verdict) == (1, "FAIL")
    assert found.of("FAIL") == {("coverage", "GET /rare")}
    assert "v2 answered 0.00 %" in found.text("coverage", "GET /rare")


def test_requests_without_an_id_allow_no_verdict(tmp_path: Path) -> None:
    def without(number: int, live: Line, shadow: Line) -> Both:
        unknown = {"request_id": None} if number % 10 else {}
        return [{**live, **unknown}], [{**shadow, **unknown}]

    found = judged(tmp_path, without, pairs=5 * PAIRS)
    assert (found.status, found.verdict) == (3, "INCONCLUSIVE")
    assert found.of("FAIL") == set()
    assert ("left out", "") in found.of("INCONCLUSIVE")
    assert "90.0 % of the requests are left out" in found.text("left out")
    assert "log x-request-id" in found.text("left out")


def test_copies_that_were_retried_allow_no_verdict(tmp_path: Path) -> None:
    def retried(number: int, live: Line, shadow: Line) -> Both:
        again = [{**shadow, "app_us": 2 * shadow["app_us"]}] if number % 5 else []
        return [live], [shadow, *again]

    found = judged(tmp_path, retried, pairs=3 * PAIRS)
    assert (found.status, found.verdict) == (3, "INCONCLUSIVE")
    assert ("left out", "") in found.of("INCONCLUSIVE")
    assert "80.0 %" in found.text("left out")


def test_a_route_that_is_left_out_allows_no_verdict(tmp_path: Path) -> None:
    def without(_: int, live: Line, shadow: Line) -> Both:
        unknown = {"request_id": "-"} if live["path"] == "/rare" else {}
        return [{**live, **unknown}], [{**shadow, **unknown}]

    found = judged(tmp_path, without)
    assert (found.status, found.of("INCONCLUSIVE")) == (3, {("left out", "GET /rare")})


def _control(shadow: Line, **changes: Any) -> Line:
    return {**shadow, "version": "v1b", "pod": "shop-v1b", **changes}


def test_a_control_that_fails_itself_does_not_excuse_the_shadow(tmp_path: Path) -> None:
    def both_fail(number: int, live: Line, shadow: Line) -> Both:
        status = {"status": 500} if number % 10 == 1 else {}
        return [live], [{**shadow, **status}, _control(shadow, **({"status": 500} if number % 2 else {}))]

    found = judged(tmp_path, both_fail, "--control", "v1b")
    assert (found.status, found.verdict) == (3, "INCONCLUSIVE")
    assert {("control", ""), ("errors", "")} <= found.of("INCONCLUSIVE")
    assert "v1b, a copy of v1, fails for 50.0 % more requests than v1 itself" in found.text("control")
    assert "but v1b, a copy of v1, shows as many" in found.text("errors")


def test_a_control_that_answers_next_to_nothing_is_no_yardstick(tmp_path: Path) -> None:
    def hardly(number: int, live: Line, shadow: Line) -> Both:
        return [live], [shadow, *([_control(shadow)] if number % 100 == 1 else [])]

    found = judged(tmp_path, hardly, "--control", "v1b")
    assert (found.status, found.of("INCONCLUSIVE")) == (3, {("control", "")})
    assert "leave --control out" in found.text("control")


def test_a_control_that_answers_next_to_nothing_excuses_nothing(tmp_path: Path) -> None:
    def hardly(number: int, live: Line, shadow: Line) -> Both:
        broken = {"status": 500} if number % 50 == 7 else {}
        return [live], [{**shadow, **broken}, *([_control(shadow)] if number % 100 == 1 else [])]

    found = judged(tmp_path, hardly, "--control", "v1b")
    assert (found.status, ("errors", "") in found.of("FAIL")) == (1, True)


def test_a_control_that_behaves_changes_nothing(tmp_path: Path) -> None:
    def fails(number: int, live: Line, shadow: Line) -> Both:
        return [live], [{**shadow, "status": 500} if number % 50 == 0 else shadow, _control(shadow)]

    assert judged(tmp_path, fails, "--control", "v1b").verdict == "FAIL"

    def well(_: int, live: Line, shadow: Line) -> Both:
        return [live], [shadow, _control(shadow)]

    assert judged(tmp_path, well, "--control", "v1b").verdict == "PASS"


@pytest.mark.parametrize("status", ["Unavailable", "UNAVAILABLE", "14", 14])
def test_a_grpc_status_in_words_is_an_error(tmp_path: Path, status: str | int) -> None:
    def fails(number: int, live: Line, shadow: Line) -> Both:
        call = {"method": "POST", "path": "/shop.Cart/Add"}
        bad = {"grpc_status": status} if number % 50 == 0 else {"grpc_status": "OK"}
        return [{**live, **call, "grpc_status": "OK"}], [{**shadow, **call, **bad}]

    found = judged(tmp_path, fails, "--methods", "*")
    assert (found.status, found.verdict) == (1, "FAIL")
    assert "200 -> grpc 14 (15" in found.text("errors")


def test_calls_by_grpc_without_a_grpc_status_allow_no_verdict(tmp_path: Path) -> None:
    def called(_: int, live: Line, shadow: Line) -> Both:
        call = {"method": "POST", "path": "/shop.Cart/Add"}
        return [{**live, **call}], [{**shadow, **call}]

    found = judged(tmp_path, called, "--methods", "*")
    assert (found.status, found.of("INCONCLUSIVE")) == (3, {("gRPC", "")})
    assert "%GRPC_STATUS_NUMBER%" in found.text("gRPC")


def test_sizes_that_nobody_logged_are_not_waved_through(tmp_path: Path) -> None:
    def unknown(_: int, live: Line, shadow: Line) -> Both:
        return [{**live, "bytes_sent": None}], [{**shadow, "bytes_sent": None}]

    found = judged(tmp_path, unknown, "--max-size-change", "5")
    assert (found.status, found.of("INCONCLUSIVE")) == (3, {("sizes", "")})
    assert "log bytes_sent" in found.text("sizes")


def test_bodies_where_the_live_version_has_none_fail(tmp_path: Path) -> None:
    def empty(_: int, live: Line, shadow: Line) -> Both:
        return [{**live, "bytes_sent": 0}], [shadow]

    found = judged(tmp_path, empty, "--max-size-change", "5")
    assert (found.status, ("sizes", "") in found.of("FAIL")) == (1, True)


def test_forty_seconds_of_log_allow_no_verdict(tmp_path: Path) -> None:
    found = judged(tmp_path, equal, seconds=60)
    assert (found.status, found.of("INCONCLUSIVE")) == (3, {("duration", "")})
    assert "40 s were compared" in found.text("duration")
    assert judged(tmp_path, equal, "--min-minutes", "0.5", seconds=60).verdict == "PASS"


def test_one_bad_minute_is_one_event_and_its_time_is_told(tmp_path: Path) -> None:
    def bad_minute(number: int, live: Line, shadow: Line) -> Both:
        return [live], [{**shadow, "status": 503} if 4000 <= number < 4400 else shadow]

    found = judged(tmp_path, bad_minute)
    assert (found.status, found.verdict) == (3, "INCONCLUSIVE")
    assert found.of("FAIL") == set()
    assert "count as 1 event" in found.text("errors")
    assert "333 between 00:10:10 and 00:11:10 UTC" in found.text("errors")


def test_one_line_with_a_clock_of_1970_changes_nothing(tmp_path: Path) -> None:
    def clock(number: int, live: Line, shadow: Line) -> Both:
        wrong = {"start_time": "1970-01-01T00:00:01.000000+00:00"} if number == 4000 else {}
        return [{**live, **wrong}], [shadow]

    found = judged(tmp_path, clock)
    assert (found.status, found.verdict) == (0, "PASS")
    assert found.report["blockSeconds"] == 30
    assert found.report["sources"][0]["bad"] == 1


@pytest.mark.parametrize("wrong", ["2024-02-29T12:00:00.000000+00:00", "2031-01-01T00:00:00.000000+00:00"])
def test_a_clock_that_is_years_off_does_not_stretch_the_window(tmp_path: Path, wrong: str) -> None:
    def clock(number: int, live: Line, shadow: Line) -> Both:
        return [{**live, "start_time": wrong} if number == 4000 else live], [shadow]

    found = judged(tmp_path, clock)
    assert (found.status, found.verdict) == (0, "PASS")
    assert found.report["window"]["last"] - found.report["window"]["first"] == pytest.approx(1180, abs=1)


def test_a_shadow_whose_log_begins_later_is_compared_from_there_on(tmp_path: Path) -> None:
    def later(number: int, live: Line, shadow: Line) -> Both:
        return [live], [shadow] if number >= 2000 else []

    found = judged(tmp_path, later)
    assert (found.status, found.of("INCONCLUSIVE")) == (3, {("window", "")})
    assert "begins 5 min after that of v1" in found.text("window")
    first = found.text("window").split("--from ")[1].strip("'")
    assert judged(tmp_path, later, "--from", first).verdict == "PASS"


def test_the_dates_are_told_where_the_window_spans_days(tmp_path: Path) -> None:
    def gap(number: int, live: Line, shadow: Line) -> Both:
        return [live], [] if 4000 <= number < 4800 else [shadow]

    found = judged(tmp_path, gap, seconds=3 * 24 * 3600)
    assert found.status == 1
    assert "between 2026-11-24 12:00:10 and 2026-11-24 19:12:10 UTC" in found.text("coverage")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_apps_own_time_is_compared_only_where_both_sides_log_it(tmp_path: Path, version: str) -> None:
    def lacks(_: int, live: Line, shadow: Line) -> Both:
        sides = [{**each, "app_us": None} if each["version"] == version else each for each in (live, shadow)]
        return [sides[0]], [sides[1]]

    found = judged(tmp_path, lacks)
    assert found.report["latencyMeasure"] == "total"
    assert found.verdict == "PASS"


@pytest.mark.parametrize(("faster", "verdict"), [(1.0, "PASS"), (1.5, "FAIL")])
def test_latencies_in_whole_milliseconds_are_compared(tmp_path: Path, faster: float, verdict: str) -> None:
    def whole(_: int, live: Line, shadow: Line) -> Both:
        return [{**live, "app_us": live["app_us"] // 1000 * 1000}], [
            {**shadow, "app_us": round(shadow["app_us"] * faster) // 1000 * 1000}
        ]

    found = judged(tmp_path, whole)
    assert found.verdict == verdict
    assert "known in whole milliseconds" in found.text("p50")
