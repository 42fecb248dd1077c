"""trafficPolicy on the lab: it holds for live requests, not for copies; sessions stay with a pod until a
promotion."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import requests

from lab.kit.check import access_log
from lab.kit.load import load, through_gateway
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import UnderLoad
from tests.mesh.faults import wait_until

pytestmark = pytest.mark.thorough

BY_USER = {"loadBalancer": {"consistentHash": {"httpHeaderName": "x-user"}}}
USERS = "abcdefgh"


def versions(live: str, shadow: str, replicas: int = 1) -> dict[str, Any]:
    return {
        live: {"image": f"lab.local/nginx-{live}:1", "weight": 100, "replicas": replicas},
        shadow: {"image": f"lab.local/nginx-{shadow}:1", "mirrorPercent": 100, "replicas": replicas},
    }


def answers(deployed: ScratchStack, path: str, times: int = 10) -> dict[str, set[str]]:
    """Which pods answered each user."""
    found: dict[str, set[str]] = {}
    with requests.Session() as session:
        session.trust_env = False
        for user in USERS * times:
            headers = {"Host": deployed.host, "x-user": user}
            answer = session.get(deployed.lab.gateway_url + path, headers=headers, timeout=10)
            assert answer.status_code == 200
            found.setdefault(user, set()).add(answer.text.split()[2])
    return found


def pods_of(found: dict[str, set[str]]) -> set[str]:
    assert {user: len(pods) for user, pods in found.items()} == dict.fromkeys(USERS, 1)
    return set().union(*found.values())


def copies_by_pod(deployed: ScratchStack, path: str) -> Counter[str]:
    """How many copies each pod of v2 logged."""
    names = deployed.kubectl("get", "pods", "--selector=version=v2", "--output=name").split()
    logs = {name: deployed.kubectl("logs", name, "--container=nginx") for name in names}
    return Counter({name: log.count(path) for name, log in logs.items() if path in log})


def test_a_user_stays_with_a_pod_and_moves_once_with_a_promotion(deploy: Callable[[], ScratchStack]) -> None:
    under_load = UnderLoad(deploy(), versions("v1", "v2", 3), trafficPolicy=BY_USER)
    deployed = under_load.deployed
    path = f"/{uuid.uuid4().hex[:8]}-user"
    before = answers(deployed, path)
    assert len(pods_of(before)) > 1
    assert all(pod.startswith("nginx-v1-") for pod in pods_of(before))
    wait_until(lambda: copies_by_pod(deployed, path).total() == 10 * len(USERS), "v2 logs each copy")
    one = f"/{uuid.uuid4().hex[:8]}-one"
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(30):
            headers = {"Host": deployed.host, "x-user": "a"}
            session.get(deployed.lab.gateway_url + one, headers=headers, timeout=10)
    wait_until(lambda: copies_by_pod(deployed, one).total() == 30, "v2 logs each copy")
    # A session's copies are spread over the shadow's pods.
    assert len(copies_by_pod(deployed, one)) > 1
    with under_load.nothing_lost("v1", "v2"):
        deployed.deploy(versions("v2", "v1", 3), trafficPolicy=BY_USER)
    after = answers(deployed, path)
    assert all(pod.startswith("nginx-v2-") for pod in pods_of(after))
    with under_load.nothing_lost("v1", "v2"):
        deployed.deploy(versions("v1", "v2", 3), trafficPolicy=BY_USER)
    # Back with the pods that they had: these are the same ones.
    assert answers(deployed, path) == before


LIMITED = {
    "connectionPool": {"tcp": {"maxConnections": 77}, "http": {"http2MaxRequests": 78}},
    "outlierDetection": {"consecutive5xxErrors": 7},
    "tls": {"mode": "ISTIO_MUTUAL"},
}


def clusters(deployed: ScratchStack) -> dict[str, Any]:
    """What the gateway's proxy knows of the versions, by the names of subsets."""
    envoy = ("exec", "--namespace=istio-system", "deployment/istio-ingressgateway", "--")
    dump = deployed.lab.kubectl(
        *envoy, "pilot-agent", "request", "GET", "config_dump?resource=dynamic_active_clusters"
    )
    found = {}
    for each in json.loads(dump[dump.index("{") :])["configs"]:  # after a line of the agent's log
        _, _, subset, host = (*each["cluster"]["name"].split("|"), "", "", "")[:4]
        if host == f"nginx-versions.{deployed.namespace}.svc.cluster.local" and subset:
            found[subset] = each["cluster"]
    return found


def test_what_binds_live_requests_does_not_bind_copies_nor_the_other_way_round(
    deploy: Callable[[], ScratchStack],
) -> None:
    deployed = deploy()
    subsets = versions("v1", "v2")
    subsets["v2"]["mirrorLimits"] = {"requests": 5, "connections": 6}
    deployed.deploy(subsets, trafficPolicy=LIMITED)
    wait_until(lambda: {"v1", "v2", "v2-copies"} <= set(clusters(deployed)), "the gateway knows the versions")
    found = clusters(deployed)
    assert set(found) == {"v1", "v2", "v2-copies"}
    limits = {name: made["circuit_breakers"]["thresholds"][0] for name, made in found.items()}
    assert {name: (each["max_connections"], each["max_requests"]) for name, each in limits.items()} == {
        "v1": (77, 78),
        "v2": (77, 78),
        "v2-copies": (6, 5),
    }
    ejects = {name: made.get("outlier_detection", {}).get("consecutive_5xx") for name, made in found.items()}
    assert ejects == {"v1": 7, "v2": 7, "v2-copies": None}
    for each in found.values():
        assert "envoy.transport_sockets.tls" in json.dumps(each)
    path = f"/{uuid.uuid4().hex[:8]}"
    assert len(answers(deployed, path, 5)) == len(USERS)
    wait_until(lambda: len(access_log(deployed.lab, deployed.service, "v2", path)) == 40, "v2 logs each copy")


def test_every_request_is_answered_while_a_policy_comes_and_goes(deploy: Callable[[], ScratchStack]) -> None:
    deployed = deploy()
    deployed.deploy(versions("v1", "v2"))
    streams = [
        through_gateway(deployed.lab, deployed.host, rate=50),
        through_gateway(deployed.lab, deployed.host, rate=30, keep_alive=True),
    ]
    with load(deployed.lab, streams) as counted:
        deployed.deploy(versions("v1", "v2"), trafficPolicy={**LIMITED, **BY_USER})
        deployed.deploy(versions("v1", "v2"))
    assert [stream.lost({"v1"}) for stream in counted] == [0, 0]
