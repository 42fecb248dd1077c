"""`pulumi up` is killed at any moment: live requests do not notice, and running it again completes the change."""

from collections.abc import Callable
from itertools import cycle, islice

import pytest

from lab.kit.scratch import ScratchStack
from lab.kit.under_load import UnderLoad
from tests.mesh.faults import BackgroundUp, assert_as_wanted, live_and_shadow, version

pytestmark = pytest.mark.thorough

# What is printed at the moments at which `up` is killed. In each change {live} gives way to {shadow} and is
# removed, and {new} becomes the shadow.
MOMENTS = [
    "{namespace} running",
    "DestinationRule nginx-{shadow} updated",
    "Service nginx-callers updated",
    "VirtualService nginx-mesh updated",
    "Deployment nginx-{new} creating",
    "for the proxies to forget {live}",
    "Waiting for app ReplicaSet",
    "Deployment nginx-{new} created",
    "DestinationRule nginx-{new} created",
    "DestinationRule nginx-{live} deleted",
]

# What was created, though nobody noted it, is taken as it is: before provider 4.29 by itself, later with this.
UPSERT = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"}


@pytest.fixture(scope="module")
def under_load(deploy: Callable[[], ScratchStack]) -> UnderLoad:
    under_load = UnderLoad(deploy())
    under_load.begin_with(live_and_shadow("v1", "v2"))
    return under_load


# Every change is killed twice: the second time when it is run again.
@pytest.mark.parametrize(
    "turn", range(5), ids=[" / ".join(pair) for pair in zip(MOMENTS, MOMENTS[5:], strict=False)]
)
def test_an_up_that_was_killed_is_completed_by_the_next_one(under_load: UnderLoad, turn: int) -> None:
    deployed = under_load.deployed
    live, shadow, new = islice(cycle(["v1", "v2", "v3"]), turn, turn + 3)
    under_load.begin_with(live_and_shadow(live, shadow))
    with under_load.nothing_lost(live, shadow):
        deployed.configure(live_and_shadow(shadow, new))
        for moment, variables in ((MOMENTS[turn], {}), (MOMENTS[turn + 5], UPSERT)):
            with BackgroundUp(deployed, variables) as up:
                up.wait_for(moment.format(live=live, shadow=shadow, new=new, namespace=deployed.namespace))
                up.kill()
            do_what_pulumi_asks_for(deployed)
        with BackgroundUp(deployed, UPSERT) as up:
            assert up.ended() == 0, up.printed
    assert_as_wanted(deployed)


def test_after_a_kill_the_way_back_is_safe_too(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    under_load.begin_with(live_and_shadow("v1", "v2"))
    with under_load.nothing_lost("v1", "v2"):
        deployed.configure({"v2": version("v2", weight=100)})
        with BackgroundUp(deployed) as up:
            # The routes lead to v2 now, and Pulumi's state does not know.
            up.wait_for("for the proxies to forget v1")
            up.kill()
        do_what_pulumi_asks_for(deployed)
        deployed.deploy({"v1": version("v1", weight=100)})
    assert_as_wanted(deployed)


def do_what_pulumi_asks_for(deployed: ScratchStack) -> None:
    """Removes the lock that was left, and the notes of creations whose outcome Pulumi does not know."""
    stack = ("--yes", "--stack", deployed.stack.name)
    deployed.stack.output("cancel", *stack)
    deployed.stack.output("refresh", "--skip-preview", "--clear-pending-creates", *stack)
