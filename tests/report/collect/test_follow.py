"""Following one container's log, with a kubelet that does what kubelets do: cut, rotate, restart, forget."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shadow_report.collect import follow
from shadow_report.collect.follow import Follower, InterruptedReadingError, NoLogError
from shadow_report.collect.lines import split
from shadow_report.collect.pods import Watched
from shadow_report.collect.seam import SECOND, Seam
from shadow_report.collect.tally import Tally

BEGIN = 1_795_421_070 * SECOND
POD = Watched(name="nginx-v1-abc", uid="1", version="v1", restarts=0)
Step = Callable[["Kubelet"], None]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(follow, "LONGEST_PAUSE", 0.0)


def line(number: int) -> bytes:
    """A request's line as the kubelet serves it; four of them a second."""
    when = BEGIN + number * SECOND // 4
    stamp = datetime.fromtimestamp(when // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    values = {"method": "GET", "path": f"/{number}", "status": 200, "start_time": f"{stamp}Z"}
    return f"{stamp}.{when % SECOND:09d}Z {json.dumps(values)}".encode()


class Kubelet:
    """One pod's logs, and a script: each step changes something before the log is asked for the next time."""

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.pod_now: Watched | None = POD
        self.current: list[bytes] = []
        self.before: list[bytes] | None = None
        self.cut_after: int | None = None
        self.asked: list[str] = []

    async def pod(self, name: str) -> Watched | None:
        if not self.script:
            self.pod_now = None
        else:
            self.script.pop(0)(self)
        return self.pod_now

    async def log(self, pod: str, since: int, *, previous: bool = False) -> AsyncGenerator[bytes]:
        self.asked.append("previous" if previous else "current")
        lines = self.before if previous else self.current
        if lines is None:
            raise NoLogError("previous terminated container not found")
        parts = [(text, split(text)) for text in lines]
        served = [text for text, found in parts if found is None or found[0] >= since]
        for place, text in enumerate(served):
            if self.cut_after == place:
                self.cut_after = None
                raise InterruptedReadingError("connection reset")
            yield text

    # What may happen

    @staticmethod
    def logs(numbers: range, cut_after: int | None = None) -> Step:
        def step(self: "Kubelet") -> None:
            self.current += [line(number) for number in numbers]
            self.cut_after = cut_after

        return step

    @staticmethod
    def rotates(numbers: range) -> Step:
        def step(self: "Kubelet") -> None:
            self.current = [line(number) for number in numbers]

        return step

    @staticmethod
    def restarts(numbers: range, *, told: bool = True, times: int = 1) -> Step:
        def step(self: "Kubelet") -> None:
            self.before = self.current if times == 1 else [line(numbers.start - 1)]
            self.current = [line(number) for number in numbers]
            if told:
                _tell_restarts(self, times)

        return step

    @staticmethod
    def tells_restart(self: "Kubelet") -> None:
        _tell_restarts(self, 1)

    @staticmethod
    def does_not_answer(self: "Kubelet") -> None:
        raise InterruptedReadingError("connection refused")

    @staticmethod
    def goes_on(self: "Kubelet") -> None:
        """Nothing happens."""


def _tell_restarts(kubelet: Kubelet, times: int) -> None:
    assert kubelet.pod_now is not None
    kubelet.pod_now = replace(kubelet.pod_now, restarts=kubelet.pod_now.restarts + times)


def follow_to_the_end(kubelet: Kubelet, seam: Seam | None = None) -> tuple[list[int], Tally]:
    """The numbers of the requests that were had, and what was counted."""
    tally, had = Tally(), []

    def add(row: dict[str, Any]) -> None:
        had.append(int(row["path"][1:]))

    # Not asyncio.run, which leaves the thread without an event loop: Pulumi's mocks want one.
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(
            asyncio.wait_for(Follower(kubelet, POD, seam or Seam(), tally, add).run(), 20)
        )
    finally:
        loop.close()
    return had, tally


def test_a_log_is_followed_to_the_pods_end() -> None:
    had, tally = follow_to_the_end(Kubelet(Kubelet.logs(range(20)), Kubelet.logs(range(20, 30))))
    assert had == list(range(30))
    assert tally.requests == {"v1": 30}
    assert (tally.gaps, tally.interruptions) == ([], 0)


def test_a_lost_connection_loses_and_doubles_nothing() -> None:
    kubelet = Kubelet(
        Kubelet.logs(range(20), cut_after=11), Kubelet.does_not_answer, Kubelet.logs(range(20, 40))
    )
    had, tally = follow_to_the_end(kubelet)
    assert had == list(range(40))
    assert tally.gaps == []
    assert tally.interruptions == 1
    assert tally.known > 0


def test_a_log_that_was_rotated_while_it_could_not_be_read_is_a_gap_that_is_told() -> None:
    kubelet = Kubelet(Kubelet.logs(range(20)), Kubelet.does_not_answer, Kubelet.rotates(range(28, 40)))
    had, tally = follow_to_the_end(kubelet)
    assert had == [*range(20), *range(28, 40)]
    (gap,) = tally.gaps
    assert (gap.begin, gap.end) == (BEGIN + 19 * SECOND // 4, BEGIN + 28 * SECOND // 4)
    assert gap.about == 9
    assert "rotated" in gap.as_text()


def test_a_rotation_that_left_the_last_line_is_no_gap() -> None:
    kubelet = Kubelet(Kubelet.logs(range(20)), Kubelet.rotates(range(19, 40)))
    had, tally = follow_to_the_end(kubelet)
    assert had == list(range(40))
    assert tally.gaps == []


def test_after_a_restart_the_rest_of_the_log_before_is_read_first() -> None:
    kubelet = Kubelet(
        Kubelet.logs(range(20), cut_after=12), Kubelet.restarts(range(20, 30)), Kubelet.logs(range(30, 35))
    )
    had, tally = follow_to_the_end(kubelet)
    assert had == list(range(35))
    assert tally.gaps == []
    assert tally.restarts == 1


def test_a_restart_that_the_api_does_not_know_of_yet_loses_and_doubles_nothing() -> None:
    kubelet = Kubelet(
        Kubelet.logs(range(20), cut_after=12),
        Kubelet.restarts(range(20, 30), told=False),
        Kubelet.goes_on,
        Kubelet.tells_restart,
        Kubelet.logs(range(30, 35)),
    )
    had, tally = follow_to_the_end(kubelet)
    assert had == list(range(35))
    assert tally.gaps == []
    assert kubelet.asked[:4] == ["current", "current", "previous", "current"]


def test_two_restarts_while_away_are_a_gap() -> None:
    kubelet = Kubelet(
        Kubelet.logs(range(20), cut_after=12), Kubelet.restarts(range(30, 40), times=2), Kubelet.goes_on
    )
    had, tally = follow_to_the_end(kubelet)
    assert had == [*range(12), 29, *range(30, 40)]
    assert [gap.why for gap in tally.gaps] == [follow.ROTATED]
    assert tally.restarts == 2


def test_a_pod_that_goes_while_its_log_cannot_be_read_is_a_gap() -> None:
    kubelet = Kubelet(Kubelet.logs(range(20), cut_after=12))
    had, tally = follow_to_the_end(kubelet)
    assert had == list(range(12))
    assert [gap.why for gap in tally.gaps] == [follow.GONE]


def test_a_pod_that_goes_after_its_log_was_read_is_none() -> None:
    had, tally = follow_to_the_end(Kubelet(Kubelet.logs(range(20)), Kubelet.goes_on))
    assert had == list(range(20))
    assert tally.gaps == []


def test_another_pod_of_the_same_name_is_not_read_as_this_one() -> None:
    def is_replaced(kubelet: Kubelet) -> None:
        kubelet.pod_now = replace(POD, uid="2")

    had, tally = follow_to_the_end(Kubelet(Kubelet.logs(range(5)), is_replaced, Kubelet.logs(range(5, 9))))
    assert had == list(range(5))
    assert tally.gaps == []


def test_a_container_that_has_not_started_has_no_log_yet() -> None:
    def waits(kubelet: Kubelet) -> None:
        kubelet.pod_now = replace(POD, restarts=-1)

    def starts(kubelet: Kubelet) -> None:
        kubelet.pod_now = POD
        kubelet.current = [line(1)]

    had, tally = follow_to_the_end(Kubelet(waits, waits, starts))
    assert had == [1]
    assert tally.gaps == []


def test_what_was_logged_before_the_first_moment_wanted_is_left_out() -> None:
    had, tally = follow_to_the_end(Kubelet(Kubelet.logs(range(20))), Seam(start=BEGIN + 2 * SECOND))
    assert had == list(range(8, 20))
    assert tally.gaps == []


def test_a_new_pod_that_was_restarted_twice_before_it_was_seen_is_a_gap() -> None:
    kubelet = Kubelet(Kubelet.restarts(range(20, 25), times=2))
    had, tally = follow_to_the_end(kubelet)
    assert had == list(range(19, 25))
    assert [gap.why for gap in tally.gaps] == [follow.RESTARTED]


def test_lines_that_cannot_be_read_are_counted_by_why() -> None:
    def logs_rubbish(kubelet: Kubelet) -> None:
        stamp = line(0).split(b" ")[0]
        kubelet.current = [stamp + b' {"method": ', b"no time", stamp + b" info Envoy is ready", line(1)]

    had, tally = follow_to_the_end(Kubelet(logs_rubbish))
    assert had == [1]
    assert tally.bad == {"no JSON": 1, "without the kubelet's time": 1}
    assert tally.other == 1
