"""Services of each protocol: the live version answers, the shadow gets copies in it, changes lose nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import grpc
import pytest
import requests

from lab.kit import templates
from lab.kit.check import access_log
from lab.kit.client_pods import run_load_pod
from lab.kit.load import Stream, load
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import assert_nothing_lost
from tests.mesh.faults import wait_until
from tests.mesh.meanwhile import meanwhile

GRPC: dict[str, Any] = {"ports": [{"name": "grpc", "port": 80}], "mirrorMatch": {"methods": ["*"]}}
HTTP2: dict[str, Any] = {"ports": [{"name": "http2", "port": 80}]}


def version(name: str, **properties: Any) -> dict[str, Any]:
    variables = {"NAME": "echo", "VERSION": name}
    quick = {**templates.pod(readinessProbe={"periodSeconds": 1}), "stop": {"delaySeconds": 2}}
    return {"image": "lab.local/echo:1", "env": variables, **quick, **properties}


def live_and_shadow(live: str, shadow: str) -> dict[str, Any]:
    return {live: version(live, weight=100), shadow: version(shadow, mirrorPercent=100)}


def logged(deployed: ScratchStack, version: str, path: str) -> list[dict[str, Any]]:
    return access_log(deployed.lab, deployed.service, version, path)


def is_logged(deployed: ScratchStack, version: str, path: str) -> bool:
    return bool(logged(deployed, version, path))


def test_http2_reaches_both_versions_and_a_promotion_loses_nothing(
    deploy: Callable[[], ScratchStack],
) -> None:
    deployed = deploy()
    deployed.deploy(live_and_shadow("v1", "v2"), **HTTP2)
    pod = run_load_pod(deployed.lab, deployed.namespace)
    path = f"/{uuid.uuid4().hex[:8]}"
    gateway = Stream(
        "gateway, HTTP/2",
        f"http://{deployed.lab.gateway_address}{path}",
        100,
        deployed.host,
        keep_alive=True,
        options=("-h2c",),
    )
    inside = Stream(
        "inside, HTTP/2",
        f"http://nginx{path}",
        20,
        keep_alive=True,
        pod=(deployed.namespace, pod),
        options=("-h2c",),
    )
    with load(deployed.lab, [gateway, inside]) as counted:
        wait_until(lambda: len(logged(deployed, "v2", path)) > 100, "v2 logs copies")
        deployed.deploy(live_and_shadow("v2", "v3"), **HTTP2)
    assert_nothing_lost(counted, {"v1", "v2"})
    for name in ("v2", "v3"):
        wait_until(partial(is_logged, deployed, name, path), f"{name} logs requests")
        assert {line["protocol"] for line in logged(deployed, name, path)} == {"HTTP/2.0"}


def protocols_of_copies(deployed: ScratchStack) -> set[str]:
    """Sends requests over HTTP/1.1, which v1 answers; returns the protocols of v2's copies."""
    path = f"/{uuid.uuid4().hex[:8]}"
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(10):
            url = deployed.lab.gateway_url + path
            answer = session.get(url, headers={"Host": deployed.host}, timeout=10)
            assert (answer.status_code, answer.text.split()[1]) == (200, "v1")
    wait_until(lambda: len(logged(deployed, "v2", path)) == 10, "v2 logs each copy")
    assert {line["protocol"] for line in logged(deployed, "v1", path)} == {"HTTP/1.1"}
    return {line["protocol"] for line in logged(deployed, "v2", path)}


def test_copies_reach_the_app_behind_a_sidecar_as_http_1(deploy: Callable[[], ScratchStack]) -> None:
    deployed = deploy()
    deployed.deploy(live_and_shadow("v1", "v2"))
    assert protocols_of_copies(deployed) == {"HTTP/1.1"}


def test_a_shadow_without_a_sidecar_gets_its_copies_as_http_1(deploy: Callable[[], ScratchStack]) -> None:
    deployed = deploy()
    # Nobody injects sidecars here.
    deployed.lab.kubectl("create", "namespace", deployed.namespace)
    try:
        deployed.deploy(live_and_shadow("v1", "v2"), createNamespace=False)
        assert protocols_of_copies(deployed) == {"HTTP/1.1"}
    finally:
        deployed.lab.kubectl("delete", "namespace", deployed.namespace, "--wait=false")


class Calls:
    """A gRPC client that calls again and again, and notes what came of it."""

    def __init__(self, deployed: ScratchStack, method: str) -> None:
        self.answers: list[str] = []
        self.failures: list[str] = []
        address = deployed.lab.gateway_url.removeprefix("http://")
        options = [("grpc.default_authority", deployed.host), ("grpc.enable_http_proxy", 0)]
        self.method = method
        self.channel = grpc.insecure_channel(address, options=options)
        self.unary = self.channel.unary_unary(method, None, None)
        self.stream = self.channel.stream_stream(method, None, None)

    def call(self) -> None:
        try:
            self.answers.append(self.unary(b"order", timeout=10).decode().split()[1])
        except grpc.RpcError as error:
            self.failures.append(str(error))

    def is_answered(self) -> bool:
        self.call()
        return bool(self.answers)


@pytest.fixture
def calls(deploy: Callable[[], ScratchStack]) -> Iterator[tuple[ScratchStack, Calls]]:
    deployed = deploy()
    deployed.deploy(live_and_shadow("v1", "v2"), **GRPC)
    found = Calls(deployed, f"/shop.Shop/Order{uuid.uuid4().hex[:6]}")
    yield deployed, found
    found.channel.close()


def test_grpc_calls_are_answered_by_the_live_version_copied_and_promoted_without_a_loss(
    calls: tuple[ScratchStack, Calls],
) -> None:
    deployed, client = calls
    wait_until(client.is_answered, "the gateway knows the service")
    client.failures.clear()
    with meanwhile(client.call, every=0.02):
        wait_until(lambda: len(logged(deployed, "v2", client.method)) > 20, "v2 logs copies")
        assert set(client.answers) == {"v1"}
        deployed.deploy(live_and_shadow("v2", "v1"), **GRPC)
        wait_until(lambda: client.answers[-1] == "v2", "v2 answers")
    assert client.failures == []
    assert set(client.answers) == {"v1", "v2"}
    copies = logged(deployed, "v2", client.method)
    assert {line["content_type"] for line in copies} == {"application/grpc"}
    assert {line["protocol"] for line in copies} == {"HTTP/2.0"}


def test_a_grpc_stream_is_answered_message_by_message_and_copied(calls: tuple[ScratchStack, Calls]) -> None:
    deployed, client = calls
    wait_until(client.is_answered, "the gateway knows the service")
    before = len(logged(deployed, "v1", client.method))
    answers = [answer.decode().split()[1] for answer in client.stream(iter([b"a"] * 5), timeout=10)]
    assert answers == ["v1"] * 5
    wait_until(lambda: len(logged(deployed, "v1", client.method)) == before + 1, "v1 logs the stream")
    wait_until(lambda: len(logged(deployed, "v2", client.method)) >= before + 1, "v2 logs its copy")
