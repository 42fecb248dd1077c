"""The cluster, or somebody else, gets in the way of an `up`: nothing is lost, and one `pulumi up` repairs it."""

import json
import time
from collections.abc import Callable

import pytest

from lab.kit.scratch import ScratchStack
from lab.kit.under_load import UnderLoad
from tests.mesh.faults import (
    BackgroundUp,
    api_server_pid,
    assert_as_wanted,
    frozen_routes,
    istiod_hanging,
    live_and_shadow,
    stopped,
)

pytestmark = pytest.mark.thorough

# Every change here goes from one of these to the other: one version is promoted, one removed, one added.
V1_LIVE, V2_LIVE = live_and_shadow("v1", "v2"), live_and_shadow("v2", "v3")


@pytest.fixture(scope="module")
def stack(deploy: Callable[[], ScratchStack]) -> UnderLoad:
    return UnderLoad(deploy())


@pytest.fixture
def under_load(stack: UnderLoad) -> UnderLoad:
    """With v1 live and v2 its shadow, and v2 live and v3 its shadow wanted."""
    stack.begin_with(V1_LIVE)
    stack.deployed.configure(V2_LIVE)
    return stack


def test_an_api_server_that_stops_for_10_seconds(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    api_server = api_server_pid(deployed.lab)
    with under_load.nothing_lost("v1", "v2"):
        with BackgroundUp(deployed) as up:
            up.wait_for("for the proxies to forget v1")
            with stopped(api_server):
                time.sleep(10)
            up.ended()  # well or not
        deployed.stack.up()
    assert_as_wanted(deployed)


def test_istiod_hangs_during_an_up_and_is_started_anew(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    with under_load.nothing_lost("v1", "v2"):
        with istiod_hanging(deployed.lab), BackgroundUp(deployed) as up:
            assert up.ended() != 0
            assert "validation.istio.io" in up.printed
        deployed.stack.up()
    assert_as_wanted(deployed)


def test_of_two_ups_at_once_the_second_is_refused(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    with under_load.nothing_lost("v1", "v2"), BackgroundUp(deployed) as first:
        first.wait_for("for the proxies to forget v1")
        second = deployed.stack.change("up")
        assert second.returncode != 0
        assert "the stack is currently locked by 1 lock(s)" in second.stderr
        assert first.ended() == 0
    assert_as_wanted(deployed)


def test_a_change_of_routes_that_the_api_server_refuses_removes_nothing(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    with under_load.nothing_lost("v1", "v2"):
        with frozen_routes(deployed):
            refused = deployed.stack.change("up")
            assert refused.returncode != 0
            assert "routes are frozen" in refused.stdout
            assert "nginx-v1" in deployed.kubectl("get", "deployments", "--output=name")
        deployed.stack.up()
    assert_as_wanted(deployed)


def test_an_edit_by_hand_is_shown_by_preview_and_repaired_by_up(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    percentage = "spec.http[0].mirrors[0].percentage.value"
    edit = {"op": "replace", "path": "/spec/http/0/mirrors/0/percentage/value", "value": 7}
    with under_load.nothing_lost("v1"):
        deployed.configure(V1_LIVE)
        deployed.kubectl("patch", "virtualservice/nginx-vs", "--type=json", f"--patch={json.dumps([edit])}")
        (step,) = deployed.stack.preview()
        assert step["urn"].endswith("::nginx-ingress")
        assert list(step["detailedDiff"]) == [percentage]
        deployed.stack.up()
    assert_as_wanted(deployed)
