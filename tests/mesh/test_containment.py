"""A contained shadow reaches what is listed and nothing else; it becomes live and a shadow again without loss."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from lab.kit import templates
from lab.kit.check import access_log
from lab.kit.gateways import BY_GATEWAY_API
from lab.kit.load import load
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import UnderLoad, assert_nothing_lost
from tests.mesh import proxying

V1 = {"image": "lab.local/nginx-v1:1"}
LIVE_V1 = {**V1, "weight": 100}
# Who answers where a version asks a store.
LIVE_STORE, SHADOW_STORE = "v3", "v2"
# Who answers when v2 is live: the live store, whom v2 asks.
THROUGH_V2 = LIVE_STORE
# Requests that may meet a connection that is closed, as the policy changes in the live store's sidecar.
AT_MOST = 1


class Proxied:
    """A stack under load whose v2 is of use only where it reaches the live store."""

    def __init__(self, deployed: ScratchStack) -> None:
        # Each request is two or four on this machine: v2 asks a store, and so may v1, and each is copied.
        self.under_load = UnderLoad(deployed, rates=(60, 30, 10))
        self.deployed = deployed
        proxying.add_stores(deployed.lab, deployed.namespace)
        self.stores = {
            name: proxying.host(deployed.namespace, name) for name in ("live-store", "shadow-store")
        }

    def v2(self, *, may_reach: tuple[str, ...] = ("shadow-store",), **properties: Any) -> dict[str, Any]:
        """v2, whose answers are the live store's unless said otherwise. That store refuses it too while it is not
        live, and so would a network that enforces policies."""
        isolation = {
            "mayReach": [self.stores[name] for name in may_reach],
            "protects": {"store": {"labels": {"app": "live-store"}}},
            "networkPolicy": {"pods": [{"labels": {"app": "shadow-store"}}], "cidrs": ["10.245.0.0/24"]},
        }
        return proxying.proxy(shadowIsolation=isolation, **properties)

    def shadow(self, **properties: Any) -> dict[str, Any]:
        return {"v1": LIVE_V1, "v2": self.v2(mirrorPercent=100, **properties)}

    def statuses(self, path: str, answering: str = "v1") -> set[int]:
        """What v2 answers to requests through the gateway, or to copies of them."""
        return proxying.statuses(self.deployed, "v2", path, answering)


@pytest.fixture(scope="module", params=["istio", pytest.param("gateway", marks=pytest.mark.thorough)])
def proxied(deploy: Callable[[], ScratchStack], request: pytest.FixtureRequest) -> Proxied:
    deployed = deploy()
    if request.param == "gateway":
        deployed.base |= BY_GATEWAY_API
    return Proxied(deployed)


def test_a_contained_shadow_reaches_what_is_listed_and_its_sidecar_stops_everything_else(
    proxied: Proxied,
) -> None:
    proxied.deployed.deploy(proxied.shadow())
    assert proxied.statuses("/own/sidecar") == {200}
    assert proxied.statuses("/live/sidecar") == {502}


def test_what_is_protected_refuses_the_shadow_even_if_its_sidecar_lets_it_out(proxied: Proxied) -> None:
    proxied.deployed.deploy(proxied.shadow(may_reach=("shadow-store", "live-store")))
    assert proxied.statuses("/own/policy") == {200}
    assert proxied.statuses("/live/policy") == {403}


def test_two_versions_share_the_load_while_one_of_them_is_let_out(proxied: Proxied) -> None:
    proxied.under_load.begin_with({"v1": LIVE_V1, "v2": proxied.v2()})
    split = {"v1": {**V1, "weight": 50}, "v2": proxied.v2(weight=50)}
    counted = proxied.under_load.change_to(split)
    assert_nothing_lost(counted, {"v1", THROUGH_V2}, AT_MOST)
    assert all(set(stream.answered_by) == {"v1", THROUGH_V2} for stream in counted)


def written_twice(proxied: Proxied, changes: list[dict[str, Any]]) -> set[str]:
    """The requests that reached the live store more than once while v1 and v2, which write what they are asked
    to, changed so. All methods are copied."""
    deployed, namespace = proxied.deployed, proxied.deployed.namespace
    proxied.under_load.begin_with(changes[0], mirrorMatch={"methods": ["*"]})
    before = proxying.requests_at(deployed.lab, namespace, "live-store")
    with proxied.under_load.nothing_lost(THROUGH_V2, closed=AT_MOST):
        for subsets in changes[1:]:
            deployed.deploy(subsets, mirrorMatch={"methods": ["*"]})
    seen = proxying.requests_at(deployed.lab, namespace, "live-store") - before
    assert len(seen) > 500
    return {request for request, times in seen.items() if times > 1}


@pytest.mark.parametrize("contained", [True, pytest.param(False, marks=pytest.mark.thorough)])
def test_one_up_from_a_shadow_with_its_own_store_to_live_and_back_writes_nothing_twice(
    proxied: Proxied, contained: bool
) -> None:
    def v2(store: str, **role: Any) -> dict[str, Any]:
        return (proxied.v2 if contained else proxying.proxy)(store=store, **role)

    v1 = proxying.proxy()
    shadow = {"v1": {**v1, "weight": 100}, "v2": v2("shadow-store", mirrorPercent=100)}
    promoted = {"v1": v1, "v2": v2("live-store", weight=100)}
    assert written_twice(proxied, [shadow, promoted, shadow]) == set()
    assert proxying.requests_at(proxied.deployed.lab, proxied.deployed.namespace, "shadow-store")


def test_a_shadow_that_goes_stays_contained_until_its_last_pod_has_ended(proxied: Proxied) -> None:
    """Its store is the live one, by mistake: all that keeps its copies from being written is what contains it."""
    v1 = {**proxying.proxy(), "weight": 100}
    mistaken = {"v1": v1, "v2": proxied.v2(store="live-store", mirrorPercent=100)}
    assert written_twice(proxied, [mistaken, {"v1": v1}, mistaken]) == set()


def test_a_shadow_stays_contained_while_everything_is_destroyed(proxied: Proxied) -> None:
    deployed, namespace = proxied.deployed, proxied.deployed.namespace
    v1 = {**proxying.proxy(), "weight": 100}
    mistaken = {"v1": v1, "v2": proxied.v2(store="live-store", mirrorPercent=100)}
    proxied.under_load.begin_with(mistaken, mirrorMatch={"methods": ["*"]})
    before = proxying.requests_at(deployed.lab, namespace, "live-store")
    with load(deployed.lab, proxied.under_load.streams):
        deployed.stack.destroy()
    seen = proxying.requests_at(deployed.lab, namespace, "live-store") - before
    assert len(seen) > 100
    assert {request for request, times in seen.items() if times > 1} == set()


def test_in_the_order_of_the_docs_it_becomes_live_and_a_shadow_again_and_no_request_is_lost_or_written_twice(
    proxied: Proxied,
) -> None:
    """v1 and v2 write what they are asked to, each to its store: promoted, v2 writes to the live one."""
    deployed, namespace = proxied.deployed, proxied.deployed.namespace
    v1, all_methods = proxying.proxy(), {"methods": ["*"]}
    off = {"v1": {**v1, "weight": 100}, "v2": proxied.v2(store="shadow-store")}
    shadow = {"v1": {**v1, "weight": 100}, "v2": proxied.v2(store="shadow-store", mirrorPercent=100)}
    live = {"v1": v1, "v2": proxied.v2(weight=100)}
    proxied.under_load.begin_with(shadow, mirrorMatch=all_methods)
    before, seen_before = objects(deployed), proxying.requests_at(deployed.lab, namespace, "live-store")
    with proxied.under_load.nothing_lost(THROUGH_V2, closed=AT_MOST):
        deployed.deploy(off, mirrorMatch=all_methods)
        deployed.configure(live, mirrorMatch=all_methods)
        assert {step["op"] for step in deployed.stack.preview()} == {"update"}
        deployed.stack.up()
        assert proxied.statuses("/live/promoted", LIVE_STORE) == {200}
        assert access_log(deployed.lab, deployed.service, "v1", "/live/promoted") == []
        deployed.deploy(off, mirrorMatch=all_methods)
        deployed.deploy(shadow, mirrorMatch=all_methods)
    seen = proxying.requests_at(deployed.lab, namespace, "live-store") - seen_before
    assert len(seen) > 500
    assert {times for _, times in seen.items()} == {1}
    assert len(proxying.requests_at(deployed.lab, namespace, "shadow-store")) > 100
    assert proxied.statuses("/own/again", SHADOW_STORE) == {200}
    assert proxied.statuses("/live/again", LIVE_STORE) == {502}
    assert objects(deployed) == before


@pytest.mark.parametrize("proxied", ["istio"], indirect=True)  # Gateway API cannot say how large a body is
def test_a_large_upload_does_not_wait_for_a_shadow_that_reads_nothing(proxied: Proxied) -> None:
    """Without maxBodyBytes the second one would never be answered: the live version gets its body piece by piece,
    and no piece before the shadow took the last one."""
    deployed = proxied.deployed
    never_reads = {"containerPort": 82, **templates.probed()}
    shadow = {"image": "lab.local/nginx-v2:1", "mirrorPercent": 100, **never_reads}
    match = {"methods": ["*"], "maxBodyBytes": 1_000_000}
    deployed.deploy({"v1": proxying.proxy(weight=100), "v2": shadow}, mirrorMatch=match)
    for size in (1_000_000, 30_000_000):
        url, headers = f"{deployed.lab.gateway_url}/upload", {"Host": deployed.host}
        answer = requests.post(url, data=b"x" * size, headers=headers, timeout=60)
        assert answer.text.startswith(f"nginx {THROUGH_V2} "), answer.text


def objects(deployed: ScratchStack) -> dict[str, str]:
    """What contains v2, by kind and name, with its identity: other objects of the same name are not the same."""
    kinds = "serviceaccounts,sidecars,authorizationpolicies,networkpolicies"
    listed = json.loads(deployed.kubectl("get", kinds, "--output=json"))["items"]
    return {
        f"{found['kind']} {found['metadata']['name']}": found["metadata"]["uid"]
        for found in listed
        if found["metadata"]["name"].startswith("nginx-v2")
    }
