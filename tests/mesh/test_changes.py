"""Every change that people make is one `pulumi up` and loses no live request."""

from collections.abc import Callable
from typing import Any

import pytest

from lab.kit.changes import Change, changes
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import UnderLoad, assert_nothing_lost

OTHER_SERVICES: dict[str, dict[str, Any]] = {
    "no gateway": {"hosts": [], "gateway": {}},
    "routes of its own": {
        "routes": [
            {
                "match": [{"uri": {"prefix": "/load"}}],
                "rewrite": {"uri": "/rewritten"},
                "timeout": "5s",
                "retries": {"attempts": 2, "retryOn": "connect-failure", "perTryTimeout": "2s"},
                "headers": {"request": {"set": {"x-from": "load"}}, "response": {"add": {"x-route": "load"}}},
                "corsPolicy": {"allowOrigins": [{"exact": "https://a.example"}], "allowMethods": ["GET"]},
            },
            {"mirror": False},
        ]
    },
}


@pytest.fixture(scope="module")
def under_load(deploy: Callable[[], ScratchStack]) -> UnderLoad:
    return UnderLoad(deploy())


@pytest.mark.parametrize("change", changes(), ids=lambda change: change.name)
def test_no_request_is_lost(under_load: UnderLoad, change: Change) -> None:
    assert_nothing_lost(under_load.go_through(change), change.answering())


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name",
    ["live image changed in place", "promote and remove v1", "replace v2 by v3 in one go"],
)
def test_no_request_is_lost_with_three_replicas(under_load: UnderLoad, name: str) -> None:
    change = next(change for change in changes(replicas=3) if change.name == name)
    assert_nothing_lost(under_load.go_through(change), change.answering())


@pytest.fixture(scope="module", params=OTHER_SERVICES)
def other_service(deploy: Callable[[], ScratchStack], request: pytest.FixtureRequest) -> UnderLoad:
    return UnderLoad(deploy(), **OTHER_SERVICES[request.param])


@pytest.mark.thorough
@pytest.mark.parametrize("change", changes(), ids=lambda change: change.name)
def test_no_request_of_another_kind_of_service_is_lost(other_service: UnderLoad, change: Change) -> None:
    assert_nothing_lost(other_service.go_through(change), change.answering())


def test_no_request_is_lost_when_a_host_is_added_to_the_gateway(under_load: UnderLoad) -> None:
    change = changes()[0]
    under_load.begin_with(change.after)
    hosts = [under_load.deployed.host, f"more.{under_load.deployed.host}"]
    assert_nothing_lost(under_load.change_to(change.after, hosts=hosts), {"v1"})
    assert under_load.deployed.check().problems == []


def test_a_stack_that_was_destroyed_is_created_again(under_load: UnderLoad) -> None:
    under_load.deployed.stack.destroy()
    under_load.deployed.stack.up()
    assert under_load.deployed.check().problems == []
