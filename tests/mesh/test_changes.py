"""Every change that people make is one `pulumi up` and loses no live request."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.changes.scenarios import Change, changes
from lab.client_pods import run_load_pod
from lab.load import Counted, Stream, from_pod, load, through_gateway
from lab.scratch import ScratchStack

V1_ALONE = {"v1": {"image": "lab.local/nginx-v1:1", "weight": 100}}


class UnderLoad:
    """A stack that is under load from outside and from inside the mesh while it changes."""

    def __init__(self, deployed: ScratchStack) -> None:
        self.deployed = deployed
        deployed.deploy(V1_ALONE)
        pod = run_load_pod(deployed.lab, deployed.namespace)
        self.streams: list[Stream] = [
            through_gateway(deployed.lab, deployed.host, rate=200),
            through_gateway(deployed.lab, deployed.host, rate=100, keep_alive=True),
            from_pod(deployed.namespace, pod, "http://nginx/load", rate=20),
        ]

    def begin_with(self, subsets: dict[str, Any], **settings: Any) -> None:
        """Without load: what the change under test starts from."""
        self.deployed.deploy(subsets, **settings)

    def change_to(self, subsets: dict[str, Any], **settings: Any) -> list[Counted]:
        with load(self.deployed.lab, self.streams) as counted:
            begun = time.monotonic()
            self.deployed.deploy(subsets, **settings)
            self.seconds = time.monotonic() - begun
        return counted


@pytest.fixture(scope="module")
def under_load(deploy: Callable[[], ScratchStack]) -> UnderLoad:
    return UnderLoad(deploy())


def assert_nothing_lost(counted: list[Counted], answering: set[str]) -> None:
    for stream in counted:
        assert stream.lost(answering) == 0, stream
        assert stream.sent > 50, stream


@pytest.mark.parametrize("change", changes(), ids=lambda change: change.name)
def test_no_request_is_lost(under_load: UnderLoad, change: Change) -> None:
    under_load.begin_with(change.before)
    assert_nothing_lost(under_load.change_to(change.after, **change.settings), change.answering())
