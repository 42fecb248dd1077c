"""Containers that were started again are told once, by whichever collector saw it, and in the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.kit.access_logs import START, Traffic, write
from shadow_report.cli import main
from shadow_report.collect import summary
from shadow_report.collect.pods import Restart, Restarts, Watched, watched
from shadow_report.collect.show import event_text
from shadow_report.collect.tally import SECOND

AT = START * SECOND
OOM = Restart("shop-v2-1", "v2", "shop", AT, "OOMKilled, exit code 137")


def pod(restarts: int, finished: str = "2026-11-23T00:00:00Z", uid: str = "u", **last: Any) -> Watched:
    """A pod whose app was started again so many times."""
    ended = {"terminated": {"finishedAt": finished, "exitCode": 137, "reason": "OOMKilled", **last}}
    app = {"name": "shop", "restartCount": restarts, "lastState": ended if restarts else {}, "state": {}}
    proxy = {"name": "istio-proxy", "restartCount": 0, "state": {"running": {}}}
    found = watched(
        {
            "metadata": {"name": "shop-v2-1", "uid": uid, "labels": {"version": "v2"}},
            "spec": {"containers": [{"name": "shop"}, {"name": "istio-proxy"}]},
            "status": {"containerStatuses": [app, proxy]},
        },
        "istio-proxy",
    )
    assert found
    return found


def test_a_restart_of_any_container_is_told_once() -> None:
    restarts = Restarts([])
    assert list(restarts.news(pod(0), AT - 1)) == []
    assert list(restarts.news(pod(1), AT - 1)) == [OOM]
    assert list(restarts.news(pod(1), AT - 1)) == []


def test_restarts_that_nobody_saw_singly_are_counted() -> None:
    restarts = Restarts([])
    list(restarts.news(pod(1), AT - 1))
    later = list(restarts.news(pod(4, "2026-11-23T00:05:00Z"), AT - 1))
    assert [(each.at, each.times) for each in later] == [(AT + 300 * SECOND, 3)]
    assert "3 times" in later[0].as_text()
    assert "times" not in OOM.as_text()


def test_what_was_before_is_not_told_but_all_of_a_new_pod_is() -> None:
    assert list(Restarts([]).news(pod(5), AT + 1)) == []
    assert [each.times for each in Restarts([]).news(pod(5), AT - 1)] == [1]
    assert [each.times for each in Restarts([]).news(pod(5), 0)] == [5]


def test_a_pod_of_the_same_name_is_another_one() -> None:
    restarts = Restarts([])
    list(restarts.news(pod(3), 0))
    assert [each.times for each in restarts.news(pod(1, "2026-11-23T00:05:00Z", "other"), 0)] == [1]


def test_a_collector_that_goes_on_does_not_tell_again_what_an_earlier_one_noted() -> None:
    assert list(Restarts([OOM]).news(pod(1), AT - 1)) == []
    assert len(list(Restarts([OOM]).news(pod(2, "2026-11-23T00:05:00Z"), AT - 1))) == 1


def test_an_end_without_a_reason_is_told_all_the_same() -> None:
    (found,) = Restarts([]).news(pod(1, reason=""), 0)
    assert found.why == "ended, exit code 137"


def test_a_restart_is_read_as_it_was_written_and_is_told_to_people() -> None:
    assert Restart.from_json(json.loads(json.dumps(OOM.as_json()))) == OOM
    assert event_text("restart", {"text": OOM.as_text()}) == OOM.as_text()


OTHERS = (
    Restart("shop-v3-1", "v3", "shop", AT + 300 * SECOND, "Error, exit code 1"),
    Restart("shop-v1-1", "v1", "shop", AT - 300 * SECOND, "Error, exit code 1"),
)
WITHIN = Restart("shop-v2-1", "v2", "shop", AT + 300 * SECOND, "OOMKilled, exit code 137", times=2)


def compared(directory: Path, told: dict[str, Any] | None) -> tuple[Any, str]:
    """What the figures say of restarts, and the page; with what a collector told."""
    logs = directory / "logs"
    write(logs, Traffic(pairs=3000, seconds=600))
    if told is not None:
        (logs / summary.FILE).write_text(json.dumps({"gaps": [], **told}))
    page = directory / "report.html"
    assert main(["compare", str(logs), "--live=v1", "--shadow=v2", f"--out={page}"]) in (0, 3)
    return json.loads(page.with_suffix(".json").read_text())["restarts"], page.read_text()


def test_the_report_names_restarts_of_compared_versions_within_the_window(tmp_path: Path) -> None:
    told = {"container_restarts": [each.as_json() for each in (*OTHERS, WITHIN)]}
    restarts, page = compared(tmp_path, told)
    assert restarts == [WITHIN.as_json()]
    assert "OOMKilled, exit code 137" in page
    assert "shop-v3-1" not in page
    assert "Error, exit code 1" not in page


@pytest.mark.parametrize("told", [None, {}])
def test_without_a_collector_that_watched_it_is_not_known(
    tmp_path: Path, told: dict[str, Any] | None
) -> None:
    restarts, page = compared(tmp_path, told)
    assert restarts is None
    assert "whether containers restarted is not known" in page


def test_a_collector_that_saw_none_says_so(tmp_path: Path) -> None:
    restarts, page = compared(tmp_path, {"container_restarts": []})
    assert restarts == []
    assert "Containers that ended within the window and were started again: none." in page
