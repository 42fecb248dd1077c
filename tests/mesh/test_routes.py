"""Routes of the user's own, a host of several teams with a root VirtualService, and no host at all: under load
through changes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from lab import Lab
from lab.kit import gateways, templates
from lab.kit.changes import Change, changes
from lab.kit.check import access_log
from lab.kit.client_pods import run_load_pod
from lab.kit.load import Stream, from_pod, load, of_paths, through_gateway
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import assert_nothing_lost
from tests.mesh.faults import live_and_shadow, version, wait_until

V1_V2 = live_and_shadow("v1", "v2")
ROUTES: list[dict[str, Any]] = [
    {
        "match": [{"uri": {"prefix": "/old/"}}],
        "rewrite": {"uri": "/new/"},
        "headers": {"request": {"set": {"x-from": "old"}}, "response": {"set": {"x-route": "old"}}},
        "timeout": "5s",
    },
    {"match": [{"uri": {"exact": "/quiet"}}], "mirror": False},
    {"match": [{"uri": {"prefix": "/gone/"}}], "redirect": {"prefixRewrite": "/new/", "redirectCode": 308}},
    {
        "corsPolicy": {"allowOrigins": [{"exact": "https://a.example"}], "allowMethods": ["GET"]},
        "retries": {"attempts": 3, "retryOn": "5xx", "perTryTimeout": "2s"},
        "timeout": "10s",
    },
]
# Of three teams: the owner's, whose API is answered here, one with a delegate of its own, and ours.
ROOT = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: root, namespace: {name}-web}}
spec:
  hosts: ["{host}"]
  gateways: [front]
  http:
    - match: [{{uri: {{prefix: /api/}}}}]
      directResponse: {{status: 200, body: {{string: "nginx api -"}}}}
    - match: [{{uri: {{prefix: /search}}}}]
      delegate: {{name: search, namespace: {name}-web}}
    - delegate: {{name: nginx-vs, namespace: {name}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: search, namespace: {name}-web}}
spec:
  http: [{{directResponse: {{status: 200, body: {{string: "nginx search -"}}}}}}]
"""


class Entered:
    """Our service behind a gateway of others, and load on it."""

    def __init__(self, lab: Lab, deployed: ScratchStack) -> None:
        self.lab, self.deployed = lab, deployed
        self.names = {"name": deployed.namespace, "host": deployed.host}
        front = gateways.of_others(f"{deployed.namespace}-web", "front", deployed.host)
        lab.kubectl("apply", "--filename=-", input=front)
        self.hosts = {
            "hosts": [deployed.host],
            "gateway": {"existing": f"{deployed.namespace}-web/front", "ownsHosts": True},
        }
        self.deploy(V1_V2, **self.hosts)
        pod = run_load_pod(lab, deployed.namespace)
        self.inside = from_pod(deployed.namespace, pod, "http://nginx/load")
        self.outside: list[Stream] = [
            through_gateway(lab, deployed.host, rate=50),
            of_paths(lab, deployed.host, ["/old/load", "/quiet", "/load?a=1"], rate=30),
        ]
        self.others = {
            "api": of_paths(lab, deployed.host, ["/api/", "/api/1"], rate=16),
            "search": of_paths(lab, deployed.host, ["/search", "/search?q=1"], rate=17),
        }

    def deploy(self, subsets: dict[str, Any], **settings: Any) -> None:
        self.deployed.deploy(subsets, **{"routes": ROUTES, **settings})

    def ask(self, path: str, **headers: str) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            url, host = self.lab.gateway_url + path, self.deployed.host
            return session.get(url, headers={"Host": host, **headers}, timeout=10, allow_redirects=False)

    def is_asked(self) -> bool:
        """Does a pod of ours answer what enters? Else it may be another service that takes every host."""
        answering = self.ask("/").text.split()[-1:]
        return any(f"pod/{name}" in self._pods() for name in answering)

    def _pods(self) -> list[str]:
        return self.deployed.kubectl("get", "pods", "--output=name").split()

    def logged(self, name: str, path: str) -> int:
        """How many requests for the path a version got."""
        logged = access_log(self.lab, self.deployed.service, name, path)
        return sum(line["path"] == path for line in logged)

    def add_root(self) -> None:
        self.lab.kubectl("apply", "--filename=-", input=ROOT.format(**self.names))


@pytest.fixture(scope="module")
def entered(lab: Lab, deploy: Callable[[], ScratchStack]) -> Iterator[Entered]:
    found = Entered(lab, deploy())
    yield found
    lab.kubectl("delete", "namespace", f"{found.deployed.namespace}-web", "--wait=false")


def test_a_copy_gets_what_the_route_makes_of_its_request(entered: Entered) -> None:
    entered.deploy(V1_V2, **entered.hosts)
    run = uuid.uuid4().hex[:6]
    wait_until(lambda: entered.ask(f"/old/{run}").headers.get("x-route") == "old", "the route is used")
    before = entered.logged("v1", f"/new/{run}")
    assert before == entered.logged("v1", f"/new/{run}") > 0
    wait_until(lambda: entered.logged("v2", f"/new/{run}") > 0, "the copy is logged")
    assert [entered.logged(name, f"/old/{run}") for name in ("v1", "v2")] == [0, 0]


def test_a_route_may_be_kept_from_copies_or_answer_itself(entered: Entered) -> None:
    assert entered.ask("/quiet").text.startswith("nginx v1")
    moved = entered.ask("/gone/1")
    assert (moved.status_code, moved.headers["Location"].endswith("/new/1")) == (308, True)
    shared = entered.ask("/cors", Origin="https://a.example")
    assert shared.headers["Access-Control-Allow-Origin"] == "https://a.example"
    wait_until(lambda: entered.logged("v2", "/cors") == 1, "a copy of what came later is logged")
    assert entered.logged("v2", "/quiet") == 0


def test_a_request_that_is_retried_is_copied_once(entered: Entered) -> None:
    # A server that answers every request with 500, though it passes its probe.
    fails = version("v1", weight=100, containerPort=81, **templates.probed())
    failing = {"v1": fails, "v2": V1_V2["v2"]}
    entered.deploy(failing, **entered.hosts)
    wait_until(lambda: entered.ask("/fails").status_code == 500, "the live version fails")
    path = f"/retried-{uuid.uuid4().hex[:6]}"
    assert entered.ask(path).status_code == 500
    wait_until(lambda: entered.logged("v1", path) == 4, "one request and three retries are logged")
    wait_until(lambda: entered.logged("v2", path) > 0, "the copy is logged")
    assert entered.logged("v2", path) == 1


def test_hosts_are_taken_away_and_given_back_and_callers_in_the_mesh_lose_nothing(entered: Entered) -> None:
    entered.deploy(V1_V2, **entered.hosts)
    wait_until(lambda: entered.ask("/").status_code == 200, "the live version answers")
    assert entered.is_asked()
    with load(entered.lab, [entered.inside]) as counted:
        entered.deploy(V1_V2, hosts=[], gateway={})
        wait_until(lambda: not entered.is_asked(), "no request enters any more")
        assert entered.deployed.stack.outputs()["urls"] == []
        left = entered.deployed.kubectl(
            "get", "virtualservices,gateways.networking.istio.io", "--output=name"
        )
        assert left.split() == ["virtualservice.networking.istio.io/nginx-mesh"]
        entered.deploy(live_and_shadow("v2", "v3"), hosts=[], gateway={})
        entered.deploy(live_and_shadow("v2", "v3"), **entered.hosts)
    assert_nothing_lost(counted, {"v1", "v2"})
    wait_until(lambda: entered.ask("/").text.startswith("nginx v2"), "requests enter again")


def test_a_service_becomes_a_delegate_and_loses_nothing(entered: Entered) -> None:
    entered.deploy(V1_V2, **entered.hosts)
    wait_until(lambda: entered.ask("/").text.startswith("nginx v1"), "the live version answers")
    with load(entered.lab, [*entered.outside, entered.inside]) as counted:
        entered.add_root()
        entered.deploy(V1_V2, hosts=[], gateway={"delegate": True})
    assert_nothing_lost(counted, {"v1"})
    wait_until(lambda: entered.ask("/api/").text.startswith("nginx api"), "the root is asked")


QUICK = ("a shadow added", "promote", "replace v2 by v3 in one go")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, id=change.name, marks=() if change.name in QUICK else pytest.mark.thorough)
        for change in changes()
    ],
)
def test_three_teams_share_a_host_through_changes_of_one(entered: Entered, change: Change) -> None:
    delegate: dict[str, Any] = {"hosts": [], "gateway": {"delegate": True}}
    entered.add_root()
    entered.deploy(change.before, **delegate)
    wait_until(lambda: entered.ask("/search").text.startswith("nginx search"), "the root is asked")
    ours = [*entered.outside, entered.inside]
    with load(entered.lab, [*ours, *entered.others.values()]) as counted:
        entered.deploy(change.after, **delegate)
    assert_nothing_lost(counted[: len(ours)], change.answering())
    for team, stream in zip(entered.others, counted[len(ours) :], strict=True):
        assert_nothing_lost([stream], {team})
