"""A shadow that does not work is reported, and live traffic does not notice."""

from collections.abc import Callable

import pytest

from lab.kit.load import load, through_gateway
from lab.kit.scratch import ScratchStack

V1 = {"image": "lab.local/nginx-v1:1", "weight": 100}
SHORT = {"deadlineSeconds": 25}  # time enough for the kubelet to try the image on a busy machine


@pytest.fixture(scope="module")
def live(deploy: Callable[[], ScratchStack]) -> ScratchStack:
    deployed = deploy()
    deployed.deploy({"v1": V1})
    return deployed


def test_a_shadow_whose_image_does_not_exist_fails_up_clearly_and_live_traffic_is_untouched(
    live: ScratchStack,
) -> None:
    missing = {"image": "lab.local/nginx-v9:1", "mirrorPercent": 100, "rollout": SHORT}
    live.configure({"v1": V1, "v9": missing})
    with load(live.lab, [through_gateway(live.lab, live.host, rate=50, keep_alive=True)]) as counted:
        failed = live.stack.change("up")
    assert failed.returncode != 0
    assert "nginx-v9" in failed.stdout
    assert "lab.local/nginx-v9:1" in failed.stdout
    assert "ImagePull" in failed.stdout
    assert not counted[0].failures
    assert set(counted[0].answered_by) == {"v1"}
    assert counted[0].sent > 100


def test_the_next_up_with_a_good_image_repairs_the_stack(live: ScratchStack) -> None:
    live.deploy({"v1": V1, "v9": {"image": "lab.local/nginx-v2:1", "mirrorPercent": 100, "rollout": SHORT}})
    report = live.check()
    assert report.problems == []
    assert {seen.version: seen.logged for seen in report.versions} == {"v1": 100, "v9": 100}


def test_a_wrong_config_changes_nothing(live: ScratchStack) -> None:
    def versions_of_objects() -> str:
        columns = "--output=custom-columns=NAME:.metadata.name,CHANGED:.metadata.generation,UID:.metadata.uid"
        return live.kubectl("get", "deployments,services,virtualservices,destinationrules", columns)

    before = versions_of_objects()
    live.configure({"v1": V1, "v9": {"image": "lab.local/nginx-v2:1", "mirrorPercnt": 50}})
    for verb in ("preview", "up"):
        refused = live.stack.change(verb)
        printed = refused.stdout + refused.stderr
        assert refused.returncode != 0
        assert "subsets.v9.mirrorPercnt: unknown, did you mean mirrorPercent?" in printed
        assert "Traceback" not in printed
    assert versions_of_objects() == before
