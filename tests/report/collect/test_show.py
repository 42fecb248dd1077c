"""What the collector tells a person, a log and a program; and what it takes on its command line."""

import asyncio
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from shadow_report import cli
from shadow_report.collect.command import duration, size
from shadow_report.collect.pods import Watched, watched
from shadow_report.collect.show import Show, progress_text, summary_text
from shadow_report.collect.tally import SECOND, Gap, Rate, Tally

PROGRESS: dict[str, Any] = {"seconds": 83.2, "pods": {"v1": 2, "v2": 1}, "files": 3, "bytes": 1_234_567}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress(**counts: Any) -> dict[str, Any]:
    tally = Tally(**counts)
    return {**PROGRESS, **tally.as_json()}


def test_progress_is_one_line_that_says_who_how_many_and_what_is_missing() -> None:
    values = progress(requests={"v1": 1200, "v2": 1180}, interruptions=2)
    values["gaps"] = [{}]
    assert progress_text(values) == (
        "01:23  3 pods · 2,380 requests (v1 1,200, v2 1,180) · 1.2 MB in 3 files · 2 interruptions · 1 gap"
    )


def test_a_terminal_shows_progress_in_place() -> None:
    out = Terminal()
    show = Show(as_json=False, out=out)
    show.event("progress", progress())
    show.event("progress", progress())
    assert "\n" not in out.getvalue()
    assert out.getvalue().count("\r") == 2


def test_a_log_gets_a_line_now_and_then() -> None:
    out = io.StringIO()
    show = Show(as_json=False, out=out)
    for _ in range(50):
        show.event("progress", progress())
    assert out.getvalue().count("\n") == 1
    assert "\r" not in out.getvalue()


def test_a_program_gets_every_event_as_json() -> None:
    out = io.StringIO()
    show = Show(as_json=True, out=out)
    show.event("file", {"file": "requests-1.parquet", "requests": 5, "bytes": 9})
    show.event("progress", progress())
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["file", "progress"]
    assert events[0]["requests"] == 5


def test_the_summary_says_what_could_not_be_had() -> None:
    gap = Gap("nginx-v2-x", "v2", SECOND, 4 * SECOND, "the pod went", about=600)
    values = progress(requests={"v1": 1}, bad={"no JSON": 3}, removed_requests=7, gaps=[gap])
    text = summary_text({**values, "from": "a", "to": "b"})
    assert "3 lines could not be read: no JSON" in text
    assert "7 requests removed to stay below --max-disk" in text
    assert text.endswith("1 gap, about 600 lines; see collected.json")


def test_the_summary_says_so_when_nothing_is_missing() -> None:
    values = {**progress(), "from": "a", "to": "b"}
    assert summary_text(values).endswith("nothing is known to be missing")


def test_a_gap_says_how_long_it_is_and_how_much_may_be_missing() -> None:
    gap = Gap("nginx-v2-x", "v2", SECOND, 4 * SECOND, "the pod went", about=600)
    assert gap.as_text() == (
        "nginx-v2-x (v2): 3.0 s of its log could not be had, about 600 lines at the rate of before: the pod went"
    )
    unknown = Gap("nginx-v2-x", "v2", 0, 4 * SECOND, "the pod went")
    assert unknown.as_text() == ("nginx-v2-x (v2): the beginning of its log could not be had: the pod went")
    assert unknown.as_json()["from"] is None


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    rate = Rate()
    assert rate.about(SECOND) is None
    for second in range(100):
        for _ in range(1 if second < 60 else 20):
            rate.note(second * SECOND)
    assert rate.about(10 * SECOND) == pytest.approx(200, rel=0.1)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("24h", 86_400), ("7d", 604_800), ("1.5m", 90)]
)
def test_a_time_has_a_unit(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(("text", "bytes_"), [("500M", 5 * 10**8), ("2Gi", 2**31), ("1.5G", 1.5 * 10**9)])
def test_a_size_has_a_unit(text: str, bytes_: float) -> None:
    assert size(text) == bytes_


@pytest.fixture(autouse=True)
def _leaves_an_event_loop() -> Iterator[None]:
    """The command leaves the thread without one; Pulumi's mocks, in other tests, want one."""
    yield
    asyncio.set_event_loop_policy(None)


NEEDED = ["collect", "--namespace", "shop", "--app", "shop", "--output", "logs"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*NEEDED, "--duration", "5"], "'5' is no time; allowed: a number and s, m, h or d, such as 30m"),
        ([*NEEDED, "--duration", "-5s"], "expected one argument"),
        ([*NEEDED, "--max-disk", "10"], "'10' is no size; allowed: a number and M, G, Mi or Gi, such as 10G"),
        (NEEDED[:-2], "the following arguments are required: --output"),
    ],
)
def test_wrong_use_is_refused_in_words(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(arguments)
    assert refused.value.code == 2
    assert message in capsys.readouterr().err


def test_no_way_to_a_cluster_is_said(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "none")
    assert cli.main([*NEEDED[:-1], str(tmp_path / "logs"), "--kubeconfig", missing]) == 2
    assert "no way to the cluster" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "", "[]", "clusters: 5", "current-context: none"])
def test_a_kubeconfig_that_is_none_is_said(
    text: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text(text)
    assert cli.main([*NEEDED[:-1], str(tmp_path / "logs"), "--kubeconfig", str(tmp_path / "config")]) == 2
    assert capsys.readouterr().err.startswith("shadow-report: no way to the cluster: ")


KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: me, user: {token: x}}]
"""


def test_a_cluster_that_does_not_answer_is_said(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config").write_text(KUBECONFIG)
    assert (
        cli.main([*NEEDED[:-1], str(tmp_path / "logs"), "--kubeconfig", str(tmp_path / "config"), "--json"])
        == 2
    )
    assert "shadow-report: the cluster does not answer: " in capsys.readouterr().err


def pod(**changes: Any) -> dict[str, Any]:
    """What the API says of a pod whose sidecar is an init container, as Istio makes it."""
    state = {"name": "istio-proxy", "restartCount": 2, "state": {"running": {}}}
    return {
        "metadata": {"name": "nginx-v1-x", "uid": "u", "labels": {"app": "nginx", "version": "v1"}},
        "spec": {"initContainers": [{"name": "istio-proxy"}], "containers": [{"name": "nginx"}]},
        "status": {"initContainerStatuses": [state], "containerStatuses": []},
        **changes,
    }


def test_a_pod_is_known_by_its_version_and_its_sidecars_restarts() -> None:
    known = Watched("nginx-v1-x", "u", "v1", restarts=2)
    assert watched(pod(), "istio-proxy") == known
    assert known.log == "nginx-v1-x/u"


def test_a_sidecar_may_be_a_container_like_any_other() -> None:
    state = {"name": "istio-proxy", "restartCount": 0, "state": {"terminated": {}}}
    older = pod(
        spec={"containers": [{"name": "nginx"}, {"name": "istio-proxy"}]},
        status={"containerStatuses": [state]},
    )
    assert watched(older, "istio-proxy") == Watched("nginx-v1-x", "u", "v1", restarts=0)


def test_a_container_that_has_not_started_has_no_restarts() -> None:
    waiting = {"name": "istio-proxy", "restartCount": 0, "state": {"waiting": {}}}
    for status in ({}, {"initContainerStatuses": [waiting]}):
        found = watched(pod(status=status), "istio-proxy")
        assert found is not None
        assert found.restarts == -1


def test_a_pod_without_the_container_or_without_a_version_is_not_followed() -> None:
    assert watched(pod(), "other") is None
    assert watched(pod(metadata={"name": "x", "uid": "u"}), "istio-proxy") is None
