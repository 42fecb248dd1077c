"""A service with ports for HTTP, gRPC and metrics, each under load: copies by port, and no change loses
anything."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.kit.check import access_log
from lab.kit.client_pods import run_load_pod, run_pod
from lab.kit.load import from_pod, load, through_gateway
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import assert_nothing_lost
from tests.mesh.faults import wait_until
from tests.mesh.meanwhile import meanwhile
from tests.mesh.test_protocols import Calls, version

# gRPC first, so that calls come through the gateway.
PORTS = [
    {"name": "grpc", "port": 50051, "targetPort": 80},
    {"name": "http", "port": 80, "targetPort": 81},
    {"name": "metrics", "port": 9090, "targetPort": 82, "appProtocol": "tcp"},
]
RUN = uuid.uuid4().hex[:6]
HTTP, METRICS, METHOD = f"/http-{RUN}", f"/metrics-{RUN}", f"/shop.Shop/Order{RUN}"


def each(v1: dict[str, Any], v2: dict[str, Any]) -> dict[str, Any]:
    """Both versions; the second listens for metrics elsewhere."""
    elsewhere = {"containerPorts": {"metrics": 83}}
    made = {"v1": version("v1", **v1), "v2": version("v2", **v2, **elsewhere)}
    for subset in made.values():
        subset["env"] = {**subset["env"], "PORTS": "81,82,83"}
    return made


def logged(deployed: ScratchStack, name: str, path: str) -> int:
    return len(access_log(deployed.lab, deployed.service, name, path))


class Loaded:
    """The service, and callers of each of its ports: calls through the gateway, the rest inside the cluster."""

    def __init__(self, deployed: ScratchStack) -> None:
        self.deployed = deployed
        deployed.deploy(each({"weight": 100}, {}), ports=PORTS)
        lab, namespace = deployed.lab, deployed.namespace
        inside = run_load_pod(lab, namespace)
        run_pod(lab, namespace, "plain", "lab.local/vegeta:1", sidecar=False)
        self.calls = Calls(deployed, METHOD)
        self.streams = [
            from_pod(namespace, inside, f"http://nginx{HTTP}", rate=30),
            from_pod(namespace, inside, f"http://nginx:9090{METRICS}", rate=20),
            from_pod(namespace, "plain", f"http://nginx{HTTP}", rate=15),
            from_pod(namespace, "plain", f"http://nginx:9090{METRICS}", rate=16),
        ]
        wait_until(self.calls.is_answered, "the gateway knows the service")
        self.calls.failures.clear()

    @contextmanager
    def nothing_lost(self, *answering: str) -> Iterator[None]:
        self.calls.answers.clear()
        with meanwhile(self.calls.call, every=0.02), load(self.deployed.lab, self.streams) as counted:
            yield
        assert_nothing_lost(counted, set(answering))
        assert self.calls.failures == []
        assert set(self.calls.answers) <= set(answering)
        assert len(self.calls.answers) > 20


@pytest.fixture
def loaded(deploy: Callable[[], ScratchStack]) -> Iterator[Loaded]:
    found = Loaded(deploy())
    yield found
    found.calls.channel.close()


def test_every_port_is_answered_through_every_change_and_copied_as_configured(loaded: Loaded) -> None:
    deployed = loaded.deployed
    with loaded.nothing_lost("v1"):
        deployed.deploy(each({"weight": 100}, {"mirrorPercent": 100}), ports=PORTS)
        wait_until(lambda: logged(deployed, "v2", HTTP) > 50, "v2 logs copies")
    # By default calls are not copied, as they may write, and what is no request never is.
    assert logged(deployed, "v2", METHOD) == 0
    assert logged(deployed, "v2", METRICS) == 0
    copied = {"ports": PORTS, "mirrorMatch": {"grpcCalls": True}}
    with loaded.nothing_lost("v1"):
        deployed.deploy(each({"weight": 100}, {"mirrorPercent": 50}), **copied)
        wait_until(lambda: logged(deployed, "v2", METHOD) > 10, "v2 logs copies of calls")
    assert logged(deployed, "v2", METRICS) == 0
    with loaded.nothing_lost("v1", "v2"):
        deployed.deploy(each({"mirrorPercent": 100}, {"weight": 100}), **copied)
    assert loaded.calls.answers[-1] == "v2"
    assert logged(deployed, "v2", METRICS) > 20
    with loaded.nothing_lost("v2"):
        time.sleep(3)
    with loaded.nothing_lost("v1", "v2"):
        deployed.deploy(each({"weight": 100}, {"mirrorPercent": 100}), **copied)
    assert loaded.calls.answers[-1] == "v1"


def test_a_port_that_comes_costs_the_others_nothing(deploy: Callable[[], ScratchStack]) -> None:
    deployed = deploy()
    web = [{"name": "http", "port": 8000, "targetPort": 80}]  # not the gateway's number
    deployed.deploy(each({"weight": 100}, {"mirrorPercent": 100}), ports=[*web, PORTS[2]])
    pod = run_load_pod(deployed.lab, deployed.namespace)
    inside = from_pod(deployed.namespace, pod, f"http://nginx:8000{HTTP}", rate=50)
    with load(deployed.lab, [inside, through_gateway(deployed.lab, deployed.host, rate=100)]) as counted:
        more = [*web, {"name": "http2", "port": 8001, "targetPort": 81}, PORTS[2]]
        deployed.deploy(each({"weight": 100}, {"mirrorPercent": 100}), ports=more)
        deployed.deploy(each({"weight": 100}, {"mirrorPercent": 100}), ports=[*web, PORTS[2]])
    assert_nothing_lost(counted, {"v1"})
