"""A shadow does not work, or is taken away by hand: live requests do not notice, one `pulumi up` repairs it."""

import time
from collections.abc import Callable

import pytest

from lab.kit import templates
from lab.kit.ingress_proxy import IngressProxy
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import UnderLoad
from tests.mesh.faults import assert_as_wanted, live_and_shadow, version, wait_until

GOOD = live_and_shadow("v1", "v2")
PASSES_PROBES = templates.probed()


@pytest.fixture(scope="module")
def under_load(deploy: Callable[[], ScratchStack]) -> UnderLoad:
    under_load = UnderLoad(deploy())
    under_load.begin_with(GOOD)
    return under_load


def test_shadows_that_crash_or_find_no_room_fail_up(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    crashes = {
        **templates.pod(command=["/usr/sbin/nginx", "-c", "/none"]),
        "rollout": {"deadlineSeconds": 20},
    }
    too_big = {"resources": {"requests": {"cpu": "1000"}}, "rollout": {"deadlineSeconds": 5}}
    with under_load.nothing_lost("v1"):
        # Of a pod that finds no room the provider does not say why.
        for wrong, reason in ((crashes, "exit code 1"), (too_big, "Minimum number of live Pods")):
            deployed.configure(live_and_shadow("v1", "v3", **wrong))
            failed = deployed.stack.change("up")
            assert failed.returncode != 0
            assert reason in failed.stdout
        deployed.deploy(GOOD)
    assert_as_wanted(deployed)


def test_shadows_that_answer_500_or_never_disturb_nobody_and_hold_a_limited_number_of_copies(
    under_load: UnderLoad,
) -> None:
    deployed = under_load.deployed
    answers_500 = {"containerPort": 81, **PASSES_PROBES}
    never_answers = {"containerPort": 82, **PASSES_PROBES}
    with under_load.nothing_lost("v1"):
        deployed.deploy(
            {
                **live_and_shadow("v1", "v3", **answers_500),
                "v2": version("v2", mirrorPercent=100, **never_answers),
            }
        )
        # One connection for each of the gateway's threads.
        assert 1 <= connections_of_waiting_copies(64, deployed) < 10
        deployed.deploy(GOOD)
    assert_as_wanted(deployed)


@pytest.mark.thorough
def test_of_a_shadow_that_answers_late_as_many_copies_wait_as_its_limit_says(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    limits = {"requests": 20, "connections": 40, "http2": False}
    late = {"containerPort": 83, **PASSES_PROBES, "mirrorLimits": limits}
    with under_load.nothing_lost("v1"):
        deployed.deploy(live_and_shadow("v1", "v2", **late))
        assert connections_of_waiting_copies(20, deployed) >= 20
        deployed.deploy(GOOD)


def connections_of_waiting_copies(most: int, deployed: ScratchStack) -> int:
    """So many copies for v2 come to wait in the gateway, and no more; returns on how many connections."""
    proxy = IngressProxy(deployed.lab)

    def waiting() -> int:
        return proxy.waiting_copies(deployed.namespace, "v2")

    wait_until(lambda: waiting() >= most, "as many copies wait as may")
    time.sleep(3)  # 900 more copies come in
    assert waiting() <= most
    return proxy.copies_connections(deployed.namespace, "v2")


def test_what_was_deleted_of_a_shadow_by_hand_is_made_again(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    with under_load.nothing_lost("v1"):
        deployed.kubectl("delete", "deployment/nginx-v2", "destinationrule/nginx-v2")
        deployed.stack.up()
    assert_as_wanted(deployed)
