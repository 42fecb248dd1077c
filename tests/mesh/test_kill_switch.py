"""One command stops all copying: under load, and while `pulumi up` waits for a shadow that does not start."""

import json
import time
from collections.abc import Callable

import pytest

from lab.kit import templates
from lab.kit.check import access_log
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import UnderLoad
from mirrored_service.commands.kill_switch import routes
from tests.mesh.faults import BackgroundUp, live_and_shadow, version, wait_until
from tests.mesh.switch import pull

CRASHES = {**templates.pod(command=["/usr/sbin/nginx", "-c", "/none"]), "rollout": {"deadlineSeconds": 20}}


@pytest.fixture(scope="module")
def under_load(deploy: Callable[[], ScratchStack]) -> UnderLoad:
    return UnderLoad(deploy())


def copied(deployed: ScratchStack) -> list[tuple[str, str]]:
    """What gets copies, going by the routes in the cluster."""
    found = json.loads(deployed.kubectl("get", "virtualservices", "--output=json"))["items"]
    return [target for item in found for target in routes.copied_to(item["spec"]["http"])]


def percentages(deployed: ScratchStack) -> dict[str, float]:
    """The percentages in the stack's config."""
    subsets = json.loads(deployed.stack.config()["subsets"])
    return {name: subset["mirrorPercent"] for name, subset in subsets.items() if "mirrorPercent" in subset}


def test_copies_stop_for_good_and_live_requests_do_not_notice(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    deployed.deploy({**live_and_shadow("v1", "v2"), "v3": version("v3", mirrorPercent=50)})

    def logged(name: str) -> int:
        return len(access_log(deployed.lab, deployed.service, name, "/load"))

    with under_load.nothing_lost("v1"):
        wait_until(lambda: logged("v2") > 200, "copies arrive")
        report = pull(deployed)
        arrived = logged("v2"), logged("v3")
        answered = logged("v1")
        time.sleep(3)
        assert (logged("v2"), logged("v3")) == arrived
        assert logged("v1") > answered
    assert report["percentages"] == {"v2": 100, "v3": 50}
    assert report["routes_changed"] < report["last_copy"]
    assert (len(report["proxies"]), report["unread"], report["problems"]) == (2, {}, [])
    assert percentages(deployed) == {"v2": 0, "v3": 0}


def test_the_next_up_copies_nothing_and_finds_nothing_to_change(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    again = deployed.stack.change("up", "--expect-no-changes")
    assert again.returncode == 0, again.stdout
    assert copied(deployed) == []
    assert len(deployed.kubectl("get", "pods", "--selector=version", "--output=name").split()) == 3


def test_it_stops_copies_while_up_waits_for_a_shadow_that_crashes(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    deployed.configure({**live_and_shadow("v1", "v2"), "v3": version("v3", mirrorPercent=100, **CRASHES)})
    with under_load.nothing_lost("v1"), BackgroundUp(deployed) as up:
        wait_until(lambda: len(copied(deployed)) == 4, "the routes copy to both")
        report = pull(deployed)
        assert copied(deployed) == []
        assert report["percentages"] == {"v2": 100, "v3": 100}
        assert percentages(deployed) == {"v2": 0, "v3": 0}
        assert up.ended() != 0
        assert "exit code 1" in up.printed
    failed = deployed.stack.change("up")
    assert "exit code 1" in failed.stdout
    assert copied(deployed) == []


def test_other_changes_that_wait_in_the_config_are_not_made(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    deployed.deploy(live_and_shadow("v1", "v2"))
    deployed.configure({"v1": version("v1"), "v2": version("v2", weight=100)})
    with under_load.nothing_lost("v1"):
        assert pull(deployed)["percentages"] == {}
    assert copied(deployed) == []
