"""From live traffic to a verdict: the report finds what a new version does worse, and nothing where it does not.

The shop's answers take so long that the noise of a busy machine is small against what is to be found.
"""

import time
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet
import pytest

from lab import Lab
from lab.kit.load import load, through_gateway
from lab.kit.trial import Compared, Routes, Trial

RATE = 200
SECONDS = 20.0  # latencies are judged from 10 blocks of a second; 3 s are left out at each end
EVERY: Routes = {"/": {"delayMs": 100}}
# Wide where two pods of one busy machine may differ by themselves; what is to be found is far beyond.
STEADY = ("--alpha=0.001", "--max-slower-p99=100", "--max-slower-ms=15")


@pytest.fixture(scope="module")
def trial(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    made = Trial(lab, tmp_path_factory.mktemp("trial"))
    yield made
    made.remove()


def judged(
    trial: Trial, shadow: Routes, *options: str, mirror_percent: float = 100, seconds: float = SECONDS
) -> Compared:
    """The verdict on a shadow that behaves so, next to v1, whose every answer takes 100 ms."""
    trial.deploy(EVERY, shadow, mirror_percent)
    log = trial.directory / "log"
    with trial.collecting(log, RATE):
        time.sleep(seconds)
    return trial.compare(log, trial.directory / "page.html", *STEADY, *options)


def failing_routes(compared: Compared, about: str) -> set[str]:
    return {route for what, route, _ in compared.statements("FAIL") if what == about}


@pytest.mark.alone
def test_a_version_that_is_equal_does_not_fail_and_what_is_open_says_how_much_more_is_needed(
    trial: Trial,
) -> None:
    compared = judged(trial, EVERY)
    assert compared.statements("FAIL") == []
    assert compared.status == {"PASS": 0, "INCONCLUSIVE": 3}[compared.verdict]
    for _, _, text in compared.statements("INCONCLUSIVE"):
        assert "more, which is" in text or "compare a longer time" in text
    assert (trial.directory / "page.html").read_text().startswith("<!doctype html>")


@pytest.mark.alone
def test_the_access_log_says_everything_of_live_requests_and_of_copies_but_no_query(trial: Trial) -> None:
    table = pyarrow.parquet.read_table(sorted((trial.directory / "log").glob("*.parquet")))
    rows = table.to_pylist()
    # Copies share HTTP/2 connections between proxies.
    for version, hops, protocol in (("v1", 1, "HTTP/1.1"), ("v2", 2, "HTTP/2")):
        # A caller that gave up on a machine that is too busy is flagged; nothing else may be.
        of_version = [row for row in rows if row["version"] == version and row["flags"] != "DC"]
        assert len(of_version) > RATE * SECONDS / 2
        expected = {"method": "GET", "protocol": protocol, "status": 200, "details": "via_upstream"}
        for row in of_version:
            assert {name: row[name] for name in expected} == expected
            assert len(row["request_id"]) == 36
            assert row["pod"].startswith(f"shop-{version}-")
            assert 90_000 < row["app_us"] <= 1000 * (row["duration_ms"] + 1)
            assert row["bytes_sent"] > 0
            assert row["bytes_received"] == 0
            assert len(row["xff"].split(",")) == hops
            assert row["flags"] is None  # nothing went wrong
            assert row["grpc_status"] is None
    assert {row["path"] for row in rows} == {"/cart", "/items/1", "/items/2", "/search"}
    ids = {
        version: [row["request_id"] for row in rows if row["version"] == version] for version in ("v1", "v2")
    }
    assert all(len(set(each)) == len(each) for each in ids.values())
    assert "shoes" not in repr(rows)


@pytest.mark.alone
def test_a_version_that_is_30_percent_slower_fails(trial: Trial) -> None:
    compared = judged(trial, {"/": {"delayMs": 130}})
    assert (compared.verdict, compared.status) == ("FAIL", 1), compared.printed
    assert "p50" in {what for what, route, _ in compared.statements("FAIL") if not route}
    assert failing_routes(compared, "errors") == set()
    assert [what for what, route, _ in compared.statements("PASS") if what == "coverage"] == ["coverage"]


@pytest.mark.alone
def test_a_version_that_fails_1_percent_of_one_route_and_misses_another_fails_and_both_are_named(
    trial: Trial,
) -> None:
    faults: Routes = {
        "/": {"delayMs": 100},
        "/cart": {"delayMs": 100, "failEvery": 100},
        "/items/2": {"delayMs": 100, "status": 404},
    }
    compared = judged(trial, faults, "--template=/items/2", seconds=35)
    assert (compared.verdict, compared.status) == ("FAIL", 1), compared.printed
    assert failing_routes(compared, "errors") >= {"GET /cart", "GET /items/2"}
    assert not failing_routes(compared, "errors") & {"GET /search", "GET /items/{id}"}
    told = " ".join(text for _, route, text in compared.statements("FAIL") if route)
    assert "200 -> 500" in told
    assert "200 -> 404" in told
    assert {sample["route"] for sample in compared.figures["newErrors"]} == {"GET /cart", "GET /items/2"}
    assert not {what for what, _, _ in compared.statements("FAIL")} & {"p50", "p95", "coverage"}


@pytest.mark.alone
def test_a_tenth_of_the_requests_copied_is_all_that_is_expected_at_10_percent(trial: Trial) -> None:
    compared = judged(trial, EVERY, "--mirror-percent=10", mirror_percent=10)
    assert compared.statements("FAIL") == []
    assert "check that mirrorPercent belongs to these logs" not in compared.printed
    assert 0.05 < compared.figures["all"]["paired"] / compared.figures["all"]["eligible"] < 0.15


def test_a_shadow_that_is_down_for_a_while_is_seen_by_its_coverage_and_live_requests_do_not_notice(
    trial: Trial,
) -> None:
    trial.deploy(EVERY, EVERY)
    log = trial.directory / "log"

    def scale(replicas: int) -> None:
        trial.stack.kubectl("scale", "deployment/shop-v2", f"--replicas={replicas}")

    with trial.collecting(log, RATE) as collection:
        time.sleep(8)
        scale(0)
        collection.wait_for_pods("gone", 1)
        time.sleep(5)
        scale(1)
        collection.wait_for_pods("followed", 3)
        trial.stack.kubectl("rollout", "status", "deployment/shop-v2", "--timeout=60s")
        time.sleep(8)
    compared = trial.compare(log, trial.directory / "page.html", *STEADY)
    assert compared.verdict != "PASS"
    against = [*compared.statements("FAIL"), *compared.statements("INCONCLUSIVE")]
    (text,) = (text for what, route, text in against if (what, route) == ("coverage", ""))
    assert "nothing or too little between" in text
    assert failing_routes(compared, "errors") == set()
    live = [row for row in collection.rows() if row["version"] == "v1"]
    assert {row["status"] for row in live} <= {200, 0}  # 0: the caller gave up


def test_switching_the_access_log_on_and_off_loses_no_live_request(trial: Trial) -> None:
    trial.deploy(EVERY, EVERY)
    args: dict[str, Any] = dict(trial.stack.args)
    subsets = args["subsets"]
    pods = trial.stack.kubectl("get", "pods", "--output=name")
    with load(
        trial.lab, [through_gateway(trial.lab, trial.stack.host, rate=100, keep_alive=True)]
    ) as counted:
        trial.stack.deploy(subsets)
        assert "shop" not in trial.stack.kubectl("get", "telemetries", "--output=name")
        trial.stack.deploy(subsets, accessLog=args["accessLog"])
    assert trial.stack.kubectl("get", "pods", "--output=name") == pods
    assert not counted[0].failures
    assert counted[0].sent > 100


def test_istios_default_text_log_is_read_too_and_its_query_strings_are_not_kept(trial: Trial) -> None:
    trial.deploy(EVERY, EVERY)
    args: dict[str, Any] = dict(trial.stack.args)
    trial.stack.deploy(args["subsets"], accessLog={"providers": ["envoy"]})
    with trial.collecting(trial.directory / "text", RATE, "--format=text") as collection:
        time.sleep(3)
    rows = collection.rows()
    assert {row["version"] for row in rows} == {"v1", "v2"}
    ids = {
        version: {row["request_id"] for row in rows if row["version"] == version} for version in ("v1", "v2")
    }
    assert len(ids["v1"] & ids["v2"]) > RATE
    assert all(row["app_us"] >= 90_000 for row in rows if row["status"] == 200)
    assert "shoes" not in repr(rows)
