"""What the walkthrough's check expects, and what it calls a problem."""

import pytest

from lab.kit.check import Report, VersionSeen, expected_logged
from mirrored_service.reading.service import parse
from tests.services import service_args


def expected(percent: float, count: int = 100) -> tuple[int, int]:
    subsets = {"v1": {"image": "a", "weight": 100}, "v2": {"image": "b", "mirrorPercent": percent}}
    return expected_logged(parse(service_args(subsets)), "v2", count)


@pytest.mark.parametrize(("percent", "logged"), [(0, 0), (100, 100), (200, 200)])
def test_whole_shares_are_expected_to_the_request(percent: float, logged: int) -> None:
    assert expected(percent) == (logged, logged)


def test_other_shares_leave_room_for_chance() -> None:
    assert expected(50, 2000) == (888, 1112)
    assert expected(250, 2000) == (4888, 5112)
    assert expected(1, 100) == (0, 6)


def seen(version: str, role: str, logged: int) -> VersionSeen:
    return VersionSeen(version, role, logged, (100, 100), "100 %", "10.0.0.1")


def report(
    statuses: dict[str, int] | None = None,
    answered_by: dict[str, int] | None = None,
    live: int = 100,
    shadow: int = 100,
    owner: str | None = "pod istio-system/gateway",
) -> Report:
    return Report(
        sent=100,
        statuses=statuses or {"200": 100},
        answered_by=answered_by or {"v1": 100},
        versions=(seen("v1", "live", live), seen("v2", "shadow", shadow)),
        gained="10.0.0.2",
        gained_owner=owner,
    )


def test_all_is_well_when_live_and_shadow_saw_everything() -> None:
    assert report().problems == []
    assert report().as_text().endswith("As configured.")


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (report(statuses={"200": 99, "503": 1}), "live requests failed: 99 x 200, 1 x 503 of 100 sent"),
        (report(answered_by={"v1": 99, "v2": 1}), "answered by v2, which is not live"),
        (report(live=99), "v1 (live) logged 99 requests, not 100"),
        (report(shadow=98), "v2 (shadow) logged 98 requests, not 100"),
        (report(owner=None), "the copies' X-Forwarded-For did not gain the address of a pod"),
    ],
)
def test_it_says_what_is_not_as_configured(found: Report, problem: str) -> None:
    assert found.problems == [problem]
    assert f"NOT AS CONFIGURED: {problem}" in found.as_text()
