"""Somebody else counts the pods: `up` never changes their number, and no request is lost whoever counts.

The lab has no metrics. Its autoscalers scale by their bounds: a larger minReplicas, set by hand, makes more pods.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.kit.scratch import ScratchStack
from lab.kit.under_load import UnderLoad
from tests.mesh.faults import version, wait_until
from tests.mesh.meanwhile import meanwhile

pytestmark = pytest.mark.thorough

CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
}
AUTOSCALED = {"autoscaling": {"minReplicas": 2, "maxReplicas": 5, "metrics": [CPU]}}
ASIDE = {"scaledByOthers": True}


@pytest.fixture(scope="module")
def under_load(deploy: Callable[[], ScratchStack]) -> UnderLoad:
    start = {"v1": version("v1", weight=100, replicas=3), "v2": version("v2", replicas=1)}
    return UnderLoad(deploy(), start, rates=(60, 30, 10))


def count(deployed: ScratchStack, name: str, of: str = "spec.replicas") -> int:
    found = deployed.kubectl("get", f"deployment/nginx-{name}", f"--output=jsonpath={{.{of}}}")
    return int(found or 0)


@contextmanager
def never_fewer(deployed: ScratchStack, name: str, least: int) -> Iterator[None]:
    """During the block the version is never told to have fewer pods."""
    seen: list[int] = []
    with meanwhile(lambda: seen.append(count(deployed, name)), every=0.3):
        yield
    assert len(seen) > 3
    assert min(seen) >= least, seen


def test_an_autoscaler_takes_over_scales_and_gives_back(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    roles: Any = {"v1": {"weight": 100}, "v2": {"mirrorPercent": 100}}
    swapped: Any = {"v1": {"mirrorPercent": 100}, "v2": {"weight": 100}}

    def versions(of: dict[str, Any], **counted: Any) -> dict[str, Any]:
        return {name: version(name, **of[name], **(counted or AUTOSCALED)) for name in of}

    with under_load.nothing_lost("v1"), never_fewer(deployed, "v1", 3):
        deployed.deploy(versions(roles))
    # The autoscaler of the shadow made two pods of the one that it found.
    wait_until(lambda: count(deployed, "v2") == 2, "the shadow's autoscaler has begun")
    deployed.kubectl("patch", "hpa/nginx-v2", "--patch", '{"spec": {"minReplicas": 5}}')
    with under_load.nothing_lost("v1"):
        wait_until(lambda: count(deployed, "v2", "status.readyReplicas") == 5, "the shadow has five pods")
    with under_load.nothing_lost("v1", "v2"), never_fewer(deployed, "v2", 5), never_fewer(deployed, "v1", 3):
        deployed.deploy(versions(swapped))
        assert deployed.stack.preview() == []
        deployed.deploy(versions(roles))
    assert (count(deployed, "v1"), count(deployed, "v2")) == (3, 5)
    with under_load.nothing_lost("v1"), never_fewer(deployed, "v1", 3), never_fewer(deployed, "v2", 3):
        deployed.deploy(versions(roles, replicas=3))
    assert (count(deployed, "v1"), count(deployed, "v2")) == (3, 3)
    assert deployed.kubectl("get", "hpa", "--output=name") == ""
    assert deployed.stack.preview() == []


def test_a_number_set_by_hand_stays_through_a_new_image_and_is_given_back(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    deployed.deploy({"v1": version("v1", weight=100, replicas=2)})
    with under_load.nothing_lost("v1", "v3"), never_fewer(deployed, "v1", 2):
        deployed.deploy({"v1": version("v1", weight=100, **ASIDE)})
        assert count(deployed, "v1") == 2
        deployed.kubectl("scale", "deployment/nginx-v1", "--replicas=4")
        with never_fewer(deployed, "v1", 4):
            deployed.deploy({"v1": version("v3", weight=100, **ASIDE)})
        assert deployed.stack.preview() == []
        with never_fewer(deployed, "v1", 4):
            deployed.deploy({"v1": version("v3", weight=100, replicas=4)})
    assert count(deployed, "v1", "status.readyReplicas") == 4


def test_a_new_version_starts_with_the_least_of_its_autoscaler(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    with never_fewer(deployed, "v1", 1):
        deployed.deploy({"v1": version("v1", weight=100), "v3": version("v3", **AUTOSCALED)})
    assert count(deployed, "v3", "status.readyReplicas") == 2
