"""The same service by HTTPRoutes of Gateway API: no change loses a request, and copies are what was asked for."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import requests

from lab import Lab
from lab.kit.changes import Change, changes
from lab.kit.check import access_log
from lab.kit.gateways import BY_GATEWAY_API
from lab.kit.load import Stream, load
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import UnderLoad, assert_nothing_lost
from mirrored_service.commands.kill_switch import routes
from tests.mesh import test_protocols
from tests.mesh.callers import Caller
from tests.mesh.faults import live_and_shadow, version, wait_until
from tests.mesh.meanwhile import meanwhile
from tests.mesh.switch import pull

THOROUGH = pytest.mark.thorough
READY = "/ready"  # ends the paths of requests that only ask whether copies arrive
# The others run with make test-thorough.
SOME = ("a shadow added", "promote and remove v1")


@pytest.fixture(scope="module")
def under_load(deploy: Callable[[], ScratchStack]) -> UnderLoad:
    return UnderLoad(deploy(), **BY_GATEWAY_API)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, marks=() if change.name in SOME else THOROUGH, id=change.name)
        for change in changes()
    ],
)
def test_no_request_is_lost(under_load: UnderLoad, change: Change) -> None:
    assert_nothing_lost(under_load.go_through(change), change.answering())


class Asking:
    """A service and requests to it through the gateway, all of which v1 answers; who got copies of them."""

    def __init__(self, deployed: ScratchStack) -> None:
        self.deployed = deployed
        self.run = f"/{uuid.uuid4().hex[:8]}"
        self.session = requests.Session()
        self.session.trust_env = False

    def ask(self, method: str, path: str = "", times: int = 1, debug: str = "") -> None:
        url = f"{self.deployed.lab.gateway_url}{self.run}{path}"
        headers = {"Host": self.deployed.host, **({"x-debug": debug} if debug else {})}
        for _ in range(times):
            answer = self.session.request(method, url, headers=headers, timeout=10)
            assert (answer.status_code, answer.text.split()[1]) == (200, "v1")

    def until_copied(self, name: str, path: str = "", debug: str = "") -> None:
        """Proxies learn a little after `up` has ended where copies go."""

        def arrives() -> bool:
            self.ask("GET", f"{path}{READY}", debug=debug)
            return any(READY in line["path"] for line in self._logged(name))

        wait_until(arrives, f"{name} gets copies")

    def got(self, name: str) -> Counter[tuple[str, str]]:
        lines = [line for line in self._logged(name) if READY not in line["path"]]
        return Counter((line["method"], line["path"].removeprefix(self.run)) for line in lines)

    def _logged(self, name: str) -> list[dict[str, Any]]:
        return access_log(self.deployed.lab, self.deployed.service, name, self.run)

    def total(self, name: str) -> int:
        return self.got(name).total()


@pytest.fixture
def asking(under_load: UnderLoad) -> Iterator[Asking]:
    found = Asking(under_load.deployed)
    yield found
    found.session.close()


SHADOWS: dict[str, Any] = {
    "v1": version("v1", weight=100),
    "v2": version("v2", mirrorPercent=100),
    "v3": version("v3", mirrorPercent=100),
}
EVERYTHING = {"methods": ["*"]}


# The situations of Gateway API's conformance suite for mirroring: all, several mirrors, a share, edited headers


def test_several_shadows_get_every_copy(under_load: UnderLoad, asking: Asking) -> None:
    under_load.begin_with(SHADOWS, mirrorMatch=EVERYTHING)
    for name in ("v2", "v3"):
        asking.until_copied(name)
    asking.ask("GET", times=20)
    asking.ask("POST", times=20)
    wanted = {("GET", ""): 20, ("POST", ""): 20}
    wait_until(lambda: asking.got("v2") == asking.got("v3") == wanted, "both got all")


@pytest.mark.parametrize(
    "percent", [35.5, 250, pytest.param(20, marks=THOROUGH), pytest.param(50, marks=THOROUGH)]
)
def test_a_share_of_the_requests_is_copied(under_load: UnderLoad, asking: Asking, percent: float) -> None:
    under_load.begin_with({"v1": version("v1", weight=100), "v2": version("v2", mirrorPercent=percent)})
    asking.until_copied("v2")
    asking.ask("GET", times=400)
    asking.ask("POST", times=20)
    time.sleep(3)
    # Five standard deviations of the share that is left to chance.
    chance = percent % 100 / 100
    spread = 5 * (400 * chance * (1 - chance)) ** 0.5
    assert asking.got("v2")["GET", ""] == pytest.approx(4 * percent, abs=spread)
    assert set(asking.got("v2")) == {("GET", "")}


def test_only_requests_with_a_header_are_copied(under_load: UnderLoad, asking: Asking) -> None:
    match = {"methods": ["GET"], "paths": [f"{asking.run}/a/*"], "headers": {"x-debug": "1"}}
    under_load.begin_with(live_and_shadow("v1", "v2"), mirrorMatch=match)
    asking.until_copied("v2", "/a", debug="1")
    for path in ("/a", "/a/", "/a/b", "/ab"):
        asking.ask("GET", path)
        asking.ask("GET", path, debug="1")
        asking.ask("GET", path, debug="2")
        asking.ask("POST", path, debug="1")
    wait_until(lambda: asking.total("v2") == 2, "v2 got its copies")
    time.sleep(1)
    assert asking.got("v2") == {("GET", "/a/"): 1, ("GET", "/a/b"): 1}


def test_a_copy_gets_what_the_route_makes_of_its_request(under_load: UnderLoad, asking: Asking) -> None:
    own = [
        {
            "match": [{"uri": {"prefix": f"{asking.run}/old/"}}],
            "rewrite": {"uri": f"{asking.run}/new/"},
            "timeout": "5s",
        },
        {},
    ]
    under_load.begin_with(live_and_shadow("v1", "v2"), routes=own)
    asking.until_copied("v2")
    for path in ("/old", "/old/", "/old/1", "/older"):
        asking.ask("GET", path)
        asking.ask("POST", path)
    wanted = {("GET", path): 1 for path in ("/old", "/new/", "/new/1", "/older")}
    wait_until(lambda: asking.got("v2") == wanted, "v2 got its copies")
    assert asking.got("v1") == wanted | {("POST", path): 1 for _, path in wanted}


# Cases that other tools document: Flagger mirrors everything before it switches over; Argo Rollouts, by Istio's
# routes alone, copies a share of some requests


@THOROUGH
def test_everything_is_copied_and_then_the_copied_version_takes_over(
    under_load: UnderLoad, asking: Asking
) -> None:
    under_load.begin_with(live_and_shadow("v1", "v2"), mirrorMatch=EVERYTHING)
    asking.until_copied("v2")
    asking.ask("GET", times=10)
    asking.ask("POST", times=10)
    wait_until(lambda: asking.total("v2") == 20, "v2 got a copy of each")
    promoted = {"v1": version("v1"), "v2": version("v2", weight=100)}
    assert_nothing_lost(under_load.change_to(promoted, mirrorMatch=EVERYTHING), {"v1", "v2"})


@THOROUGH
def test_a_share_of_the_reading_requests_of_a_path_is_copied(under_load: UnderLoad, asking: Asking) -> None:
    match = {"methods": ["GET"], "paths": [f"{asking.run}/shop/*"]}
    subsets = {"v1": version("v1", weight=100), "v2": version("v2", mirrorPercent=35)}
    under_load.begin_with(subsets, mirrorMatch=match)
    asking.until_copied("v2", "/shop")
    for path in ("/shop/1", "/shop", "/else"):
        asking.ask("GET", path, times=200)
    asking.ask("POST", "/shop/1", times=20)
    time.sleep(3)
    assert set(asking.got("v2")) == {("GET", "/shop/1")}
    assert asking.total("v2") == pytest.approx(70, abs=5 * (200 * 0.35 * 0.65) ** 0.5)


# What may be missing, and the ways to stop


def test_live_requests_do_not_mind_that_a_shadows_service_is_missing(
    under_load: UnderLoad, asking: Asking
) -> None:
    under_load.begin_with(live_and_shadow("v1", "v2"))
    asking.until_copied("v2")
    with under_load.nothing_lost("v1"):
        under_load.deployed.kubectl("delete", "service", "nginx-v2-copies")
        time.sleep(3)
        asking.ask("GET", times=20)
    wait_until(
        lambda: "BackendNotFound" in conditions(under_load.deployed, "nginx-ingress"), "istiod says so"
    )
    assert asking.total("v2") == 0
    under_load.begin_with(live_and_shadow("v1", "v2"))
    again = Asking(under_load.deployed)
    again.until_copied("v2")
    again.ask("GET", times=20)
    wait_until(lambda: again.total("v2") == 20, "v2 gets copies again")


def conditions(deployed: ScratchStack, name: str) -> str:
    return deployed.kubectl(
        "get", "httproute", name, "--output=jsonpath={.status.parents[*].conditions[*].reason}"
    )


def copied(deployed: ScratchStack) -> list[tuple[str, str]]:
    found = json.loads(deployed.kubectl("get", "httproutes", "--output=json"))["items"]
    return [target for item in found for target in routes.copied_to(routes.listed(item))]


def test_the_kill_switch_stops_copies_and_the_next_up_changes_nothing(under_load: UnderLoad) -> None:
    deployed = under_load.deployed
    deployed.deploy(live_and_shadow("v1", "v2"), **BY_GATEWAY_API)
    assert copied(deployed) == [("nginx-v2-copies", "")] * 2

    def logged() -> int:
        return len(access_log(deployed.lab, deployed.service, "v2", "/load"))

    before = logged()
    with under_load.nothing_lost("v1"):
        wait_until(lambda: logged() > before + 100, "copies arrive")
        report = pull(deployed)
        arrived = logged()
        time.sleep(3)
        assert logged() == arrived
    assert (report["cut"], report["problems"]) == (["nginx-ingress", "nginx-mesh"], [])
    assert copied(deployed) == []
    again = deployed.stack.change("up", "--expect-no-changes")
    assert again.returncode == 0, again.stdout


# Other kinds of services


def nearly_all_copied(deployed: ScratchStack, path: str, count: int) -> bool:
    """Nobody waits for a copy: next to another lab on the same machine their number was not exact once."""
    return 0.95 * count <= len(access_log(deployed.lab, deployed.service, "v3", path)) <= count


def test_callers_in_the_mesh_are_split_by_weight_and_copied_by_port(
    deploy: Callable[[], ScratchStack],
) -> None:
    deployed = deploy()
    ports = [{"name": "http", "port": 80}, {"name": "http-too", "port": 8000}]
    # nginx listens on 8080 too.
    too = {"containerPorts": {"http-too": 8080}}
    subsets = {
        "v1": version("v1", weight=70, **too),
        "v2": version("v2", weight=30, **too),
        "v3": version("v3", mirrorPercent=100, **too),
    }
    deployed.deploy(subsets, ports=ports, hosts=[], gateway={}, api="gateway")
    caller = Caller(deployed.lab, deployed.namespace, "caller", sidecar=True)

    def copies_arrive(path: str, url: str) -> bool:
        caller.answers(url, 1)
        return bool(access_log(deployed.lab, deployed.service, "v3", path))

    for port in (80, 8000):
        asked = f"/ready-{port}-"
        wait_until(partial(copies_arrive, asked, f"http://nginx:{port}{asked}"), f"copies of port {port}")
        answers = caller.answers(f"http://nginx:{port}/mesh-{port}-", 300)
        assert set(answers) == {"nginx v1", "nginx v2"}
        assert answers["nginx v1"] == pytest.approx(210, abs=40)
        wait_until(
            partial(nearly_all_copied, deployed, f"/mesh-{port}-", 300), f"calls of port {port} are copied"
        )


def test_grpc_calls_through_the_gateway_are_copied_and_promoted_without_a_loss(
    deploy: Callable[[], ScratchStack],
) -> None:
    deployed = deploy()
    settings = {**test_protocols.GRPC, **BY_GATEWAY_API}
    deployed.deploy(test_protocols.live_and_shadow("v1", "v2"), **settings)
    client = test_protocols.Calls(deployed, f"/shop.Shop/Order{uuid.uuid4().hex[:6]}")
    wait_until(client.is_answered, "the gateway knows the service")
    client.failures.clear()
    with meanwhile(client.call, every=0.02):
        wait_until(lambda: len(test_protocols.logged(deployed, "v2", client.method)) > 20, "v2 logs copies")
        assert set(client.answers) == {"v1"}
        deployed.deploy(test_protocols.live_and_shadow("v2", "v1"), **settings)
        wait_until(lambda: client.answers[-1] == "v2", "v2 answers")
    client.channel.close()
    assert client.failures == []
    copies = test_protocols.logged(deployed, "v2", client.method)
    assert {line["content_type"] for line in copies} == {"application/grpc"}


def test_a_gateway_that_is_made_gets_pods_and_an_address_of_its_own(
    lab: Lab, deploy: Callable[[], ScratchStack]
) -> None:
    deployed = deploy()
    # The lab has no load balancers.
    inside = {"annotations": {"networking.istio.io/service-type": "ClusterIP"}}
    deployed.deploy(live_and_shadow("v1", "v2"), api="gateway", gateway=inside)
    deployed.kubectl(
        "wait",
        "--for=condition=Programmed",
        "gateways.gateway.networking.k8s.io/nginx-gateway",
        "--timeout=60s",
    )
    address = deployed.kubectl("get", "service", "nginx-gateway-istio", "--output=jsonpath={.spec.clusterIP}")
    through = Stream("its own gateway", f"http://{address}/load", 50, deployed.host)
    promoted = {"v1": version("v1"), "v2": version("v2", weight=100)}
    with load(lab, [through]) as counted:
        deployed.deploy(promoted, api="gateway", gateway=inside)
    assert_nothing_lost(counted, {"v1", "v2"})
    assert set(counted[0].answered_by) == {"v1", "v2"}


# Going over from Istio's API, and back

KEPT_APART = {"keepOnDestroy": True, "createNamespace": False}  # what makes `up` wait between the two


def kinds(deployed: ScratchStack) -> set[str]:
    found = deployed.kubectl("get", "virtualservices,httproutes", "--output=name").split()
    return {name.split(".")[0] for name in found}


@THOROUGH
def test_a_service_goes_over_to_gateway_api_and_back_without_a_loss(
    deploy: Callable[[], ScratchStack],
) -> None:
    under_load = UnderLoad(deploy())
    deployed, subsets = under_load.deployed, live_and_shadow("v1", "v2")
    deployed.deploy(subsets)
    with under_load.nothing_lost("v1"):
        deployed.deploy(subsets, **KEPT_APART)
        deployed.deploy(subsets, **KEPT_APART, **BY_GATEWAY_API)
        deployed.deploy(subsets, **BY_GATEWAY_API)
    assert kinds(deployed) == {"httproute"}
    assert deployed.check().problems == []
    with under_load.nothing_lost("v1"):
        deployed.deploy(subsets, **KEPT_APART, **BY_GATEWAY_API)
        deployed.deploy(subsets, **KEPT_APART)
        deployed.deploy(subsets)
    assert kinds(deployed) == {"virtualservice"}
    assert deployed.check().problems == []
