"""Whole runs of the command on logs of services whose faults are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.kit.access_logs import Traffic, write
from shadow_report.cli import main


def compare(directory: Path, traffic: Traffic, *more: str) -> tuple[int, dict[str, Any]]:
    """The exit status and the figures."""
    files = [str(path) for path in write(directory / "logs", traffic)]
    control = ["--control", "v1b"] if traffic.control else []
    page = directory / "report.html"
    status = main(["compare", *files, "--live", "v1", "--shadow", "v2", *control, "--out", str(page), *more])
    assert page.stat().st_size > 10_000
    return status, json.loads(page.with_suffix(".json").read_text())


def failed(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each["about"], each["route"]) for each in report["statements"] if each["result"] == "FAIL"}


def statement(report: dict[str, Any], about: str, route: str = "") -> str:
    return next(
        str(each["text"]) for each in report["statements"] if (each["about"], each["route"]) == (about, route)
    )


def test_equal_versions_pass(tmp_path: Path) -> None:
    status, report = compare(tmp_path, Traffic())
    assert (status, report["verdict"], failed(report)) == (0, "PASS", set())
    assert report["all"]["errors"]["pairs"] == pytest.approx(19_780, abs=20)


def test_a_version_that_is_30_percent_slower_fails(tmp_path: Path) -> None:
    status, report = compare(tmp_path, Traffic(slower=1.3))
    assert (status, report["verdict"]) == (1, "FAIL")
    assert {("p50", ""), ("p95", "")} <= failed(report)
    assert not {about for about, _ in failed(report)} & {"errors", "coverage", "unfinished"}
    ratio = report["all"]["latency"][0]["ratio"]
    assert ratio["low"] < 1.3 < ratio["high"]


def test_a_route_that_fails_1_percent_is_named(tmp_path: Path) -> None:
    status, report = compare(tmp_path, Traffic(failing_route="/orders/{n}"))
    assert status == 1
    assert ("errors", "GET /orders/{id}") in failed(report)
    assert {route for _, route in failed(report)} <= {"", "GET /orders/{id}"}
    assert "200 -> 503" in statement(report, "errors", "GET /orders/{id}")
    assert report["routes"][0]["route"] == "GET /orders/{id}"
    assert {each["route"] for each in report["newErrors"]} >= {"GET /orders/{id}"}
    assert all(each["reference"] == "200" and each["other"] == "503" for each in report["newErrors"])


def test_a_path_that_is_lost_is_named(tmp_path: Path) -> None:
    status, report = compare(tmp_path, Traffic(lost_path="/search"))
    assert status == 1
    assert ("errors", "GET /search") in failed(report)
    assert "200 -> 404" in statement(report, "errors", "GET /search")


def test_a_shadow_that_was_down_fails_by_its_coverage_and_the_time_is_told(tmp_path: Path) -> None:
    status, report = compare(tmp_path, Traffic(down=(0.5, 0.6)))
    assert status == 1
    assert failed(report) == {("coverage", "")}
    assert "between 00:15:10 and 00:18:10 UTC" in statement(report, "coverage")
    answers = {(each["live"], each["shadow"]): each["requests"] for each in report["all"]["answers"]}
    assert answers["200", "missing"] == pytest.approx(2000, abs=10)


def test_a_shadow_that_ends_early_is_not_cut_off_with_the_window(tmp_path: Path) -> None:
    status, report = compare(tmp_path, Traffic(down=(0.7, 1)))
    assert (status, failed(report)) == (1, {("coverage", "")})


def test_a_tenth_of_the_requests_is_enough_when_a_tenth_is_configured(tmp_path: Path) -> None:
    traffic = Traffic(pairs=300_000, mirror_percent=10)
    status, report = compare(tmp_path, traffic, "--mirror-percent", "10")
    assert (status, report["verdict"]) == (0, "PASS")
    assert report["all"]["paired"] == pytest.approx(30_000, rel=0.05)


def test_a_tenth_of_the_requests_is_too_little_when_all_are_configured(tmp_path: Path) -> None:
    status, report = compare(tmp_path, Traffic(mirror_percent=10))
    assert status == 1
    assert ("coverage", "") in failed(report)
    for cause in (
        "it did not answer",
        "the calling proxies dropped copies (mirrorLimits)",
        "lines are missing",
    ):
        assert cause in statement(report, "coverage")


def test_more_copies_than_configured_raise_doubts_about_the_setting(tmp_path: Path) -> None:
    status, report = compare(tmp_path, Traffic(), "--mirror-percent", "50")
    assert status == 3
    assert "check that mirrorPercent belongs to these logs" in statement(report, "coverage")


def test_too_little_data_is_inconclusive_and_says_how_much_is_needed(tmp_path: Path) -> None:
    status, report = compare(tmp_path, Traffic(pairs=500, noise=0, both=0))
    assert (status, report["verdict"]) == (3, "INCONCLUSIVE")
    assert "pairs are needed" in statement(report, "errors")
    needed = next(each["needed"] for each in report["statements"] if each["about"] == "errors")
    assert 2500 < needed < 5000
    assert "p99 cannot be told from 494 pairs with the same answer" in statement(report, "p99")


def test_what_the_live_version_shows_against_itself_is_not_held_against_the_shadow(tmp_path: Path) -> None:
    flaky = Traffic(flaky=0.01)
    status, report = compare(tmp_path / "alone", flaky)
    assert (status, ("errors", "") in failed(report)) == (1, True)
    status, report = compare(tmp_path / "with control", Traffic(flaky=0.01, control=True))
    assert status != 1
    assert failed(report) == set()


def test_a_fault_is_found_in_spite_of_noise_that_both_copies_have(tmp_path: Path) -> None:
    traffic = Traffic(flaky=0.01, control=True, failing_route="/search", failing=0.05)
    status, report = compare(tmp_path, traffic)
    assert status == 1
    assert ("errors", "GET /search") in failed(report)


def test_clocks_two_seconds_apart_change_nothing_but_are_told(tmp_path: Path) -> None:
    status, report = compare(tmp_path, Traffic(skew_seconds=2))
    assert (status, report["verdict"]) == (0, "PASS")
    assert report["sides"]["shadow"]["offset_us"] == pytest.approx(2_000_500, abs=100)


def test_request_ids_that_tracing_has_rewritten_are_paired(tmp_path: Path) -> None:
    status, report = compare(tmp_path, Traffic(traced=True))
    assert status == 0
    assert report["all"]["paired"] == report["all"]["eligible"]


@pytest.mark.parametrize("format", ["ndjson.gz", "ndjson.zst", "parquet"])
def test_packed_files_and_parquet_give_the_same_figures(tmp_path: Path, format: str) -> None:
    _, plain = compare(tmp_path, Traffic(pairs=5000))
    files = [str(path) for path in write(tmp_path / "packed", Traffic(pairs=5000), format)]
    page = tmp_path / "packed.html"
    main(["compare", *files, "--live", "v1", "--shadow", "v2", "--out", str(page)])
    packed = json.loads(page.with_suffix(".json").read_text())
    different = {key for key in plain if plain[key] != packed[key]}
    assert different == {"sources"}


@pytest.mark.timeout(1800)
def test_equal_logs_are_called_different_at_most_once_in_twenty_runs(tmp_path: Path) -> None:
    verdicts = [
        compare(tmp_path / str(seed), Traffic(pairs=6000, seed=seed))[1]["verdict"] for seed in range(20)
    ]
    assert verdicts.count("FAIL") <= 1
