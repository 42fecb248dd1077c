"""Other teams' routes on the same host and gateway: a copy never changes who answers, or a preview says so."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from typing import Any, NamedTuple

import pytest
import requests
from requests.adapters import HTTPAdapter

from lab import Lab
from lab.kit import gateways
from lab.kit.check import access_log
from lab.kit.scratch import ScratchStack
from mirrored_service import warnings
from tests.mesh.faults import version, wait_until
from tests.mesh.meanwhile import meanwhile

pytestmark = pytest.mark.thorough

# Each route answers with who it is of, so that no team needs pods.
TEAM = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {team}, namespace: {name}-web}}
spec:
  hosts: [{hosts}]
  gateways: [front]
  http:
"""
ROUTE = """
    - match: [{match}]
      headers: {{response: {{set: {{x-who: {team}}}}}}}
      directResponse: {{status: 200}}
"""
MATCHES = {
    "older": [
        "{uri: {exact: /exact-older}}",
        "{uri: {prefix: /older/}}",
        "{headers: {x-team: {exact: older}}}",
    ],
    "younger": ["{uri: {exact: /exact}}", "{uri: {prefix: /api/}}", "{headers: {x-team: {exact: younger}}}"],
    "rest": ["{uri: {prefix: /}}"],  # of the second host only
}
METHODS = ("GET", "HEAD", "POST", "DELETE")
PATHS = (
    "/",
    "/exact",
    "/exact/",
    "/exact-older",
    "/older/own/1",
    "/api/",
    "/api/1",
    "/api/own/1",
    "/cart",
    "/cart/1",
)
HEADERS: tuple[dict[str, str], ...] = ({}, {"x-team": "older"}, {"x-team": "younger"}, {"x-debug": "1"})
AT_ONCE = 8


class Asked(NamedTuple):
    taken: bool  # under the host whose rest an older route answers
    method: str
    path: str
    headers: int  # which of HEADERS


GRID = [Asked(*each) for each in product((False, True), METHODS, PATHS, range(len(HEADERS)))]
Answers = dict[Asked, str]

# Paths of ours, of which some are inside those of others.
OWN_PATHS: list[dict[str, Any]] = [
    {"match": [{"uri": {"prefix": "/cart"}}], "timeout": "5s"},
    {"match": [{"uri": {"prefix": "/api/own/"}}, {"uri": {"prefix": "/older/own/"}}]},
    {"match": [{"uri": {"exact": "/exact"}}, {"uri": {"exact": "/"}}]},
]
REST_NOT_COPIED: list[dict[str, Any]] = [*OWN_PATHS, {"mirror": False}]
EVERYTHING: dict[str, Any] = {"methods": ["*"]}
ELSEWHERE = {"host": "nobody.example", "port": 80, "percent": 100}
# Routes, and with each what is copied: percentage, mirrorMatch, and more.
COPIES: dict[str, tuple[list[dict[str, Any]], list[tuple[float, dict[str, Any], dict[str, Any]]]]] = {
    "everything": ([{}], [(37, EVERYTHING, {}), (100, EVERYTHING, {}), (250, EVERYTHING, {})]),
    "paths": (
        OWN_PATHS,
        [
            (100, {}, {}),
            (250, {"methods": ["POST", "DELETE"]}, {}),
            (37, {"paths": ["/cart/*", "/api/*"]}, {}),
            (100, {"methods": ["*"], "headers": {"x-debug": "*"}}, {}),
            (100, {"methods": ["*"], "maxBodyBytes": 10}, {}),
            (100, EVERYTHING, {}),
            (0, {"methods": ["GET"]}, {"mirrorTo": ELSEWHERE}),
        ],
    ),
    "rest not copied": (REST_NOT_COPIED, [(100, {}, {}), (250, {"methods": ["GET"], "paths": ["/*"]}, {})]),
}


class Shared:
    """Our service behind a host of others, who have routes for it too."""

    def __init__(self, lab: Lab, deployed: ScratchStack) -> None:
        self.lab, self.deployed = lab, deployed
        self.hosts = (deployed.host, f"taken.{deployed.host}")
        self.names = {"name": deployed.namespace, "host": self.hosts[0], "taken": self.hosts[1]}
        front = gateways.of_others(f"{deployed.namespace}-web", "front", *self.hosts)
        lab.kubectl("apply", "--filename=-", input=front)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http://", HTTPAdapter(pool_maxsize=AT_ONCE))
        self.threads = ThreadPoolExecutor(AT_ONCE)

    def add(self, team: str) -> None:
        """Another team's routes, a second younger than what was there before, as Istio counts in seconds."""
        time.sleep(1.1)
        routes = "".join(ROUTE.format(match=match, team=team) for match in MATCHES[team])
        hosts = ", ".join(self.hosts[1:] if team == "rest" else self.hosts)
        self.lab.kubectl(
            "apply", "--filename=-", input=TEAM.format(team=team, hosts=hosts, **self.names) + routes
        )
        time.sleep(1.1)

    def deploy(self, percent: float, **settings: Any) -> None:
        subsets = {"v1": version("v1", weight=100), "v2": version("v2", mirrorPercent=percent)}
        gateway = {"existing": f"{self.deployed.namespace}-web/front"}
        self.deployed.deploy(subsets, **{"gateway": gateway, "hosts": list(self.hosts), **settings})

    def answers(self) -> Answers:
        """Who answers each request of the grid."""
        return dict(zip(GRID, self.threads.map(self._ask, GRID), strict=True))

    def _ask(self, asked: Asked) -> str:
        headers = {"Host": self.hosts[asked.taken], **HEADERS[asked.headers]}
        body = "x" if asked.method == "POST" else None
        url = self.lab.gateway_url + asked.path
        answer = self.session.request(asked.method, url, headers=headers, data=body, timeout=10)
        us = "us" if answer.status_code == 200 else str(answer.status_code)
        return answer.headers.get("x-who", us)

    def settled(self) -> Answers:
        """The answers, when the gateway knows what was written last."""
        found = self.answers()
        wait_until(lambda: self._unchanged(found), "answers stay as they are")
        return self.answers()

    def _unchanged(self, before: Answers) -> bool:
        time.sleep(0.5)
        found = self.answers()
        unchanged = found == before
        before.update(found)
        return unchanged

    @contextmanager
    def nobody_else_answers(self, wanted: Answers) -> Iterator[None]:
        """Asks again and again during the block, and a while after it."""
        odd: list[tuple[Asked, str, str]] = []

        def ask() -> None:
            found = self.answers()
            odd.extend(
                (asked, found[asked], wanted[asked]) for asked in GRID if found[asked] != wanted[asked]
            )

        with meanwhile(ask):
            yield
            time.sleep(1.5)
        assert odd == []

    def warned(self) -> bool:
        return any(line.startswith("mirrorMatch: while some") for line in warnings.of(self.deployed.service))

    def copied(self) -> Counter[str]:
        """How many copies of requests for each path v2 has got, ever."""
        return Counter(line["path"] for line in access_log(self.lab, self.deployed.service, "v2", "/"))


@pytest.fixture(scope="module")
def shared(lab: Lab, deploy: Callable[[], ScratchStack]) -> Iterator[Shared]:
    found = Shared(lab, deploy())
    found.add("rest")
    found.add("older")
    found.deploy(0, routes=OWN_PATHS)
    found.add("younger")
    yield found
    found.threads.shutdown()
    lab.kubectl("delete", "namespace", f"{found.deployed.namespace}-web", "--wait=false")


@pytest.mark.parametrize("name", COPIES)
def test_who_answers_is_the_same_whatever_is_copied(shared: Shared, name: str) -> None:
    own, copies = COPIES[name]
    shared.deploy(0, routes=own)
    wanted = shared.settled()
    assert set(wanted.values()) >= {"us", "older", "younger", "rest"}
    for percent, match, more in copies:
        with shared.nobody_else_answers(wanted):
            shared.deploy(percent, routes=own, mirrorMatch=match, **more)
            assert not shared.warned()
    with shared.nobody_else_answers(wanted):
        shared.deploy(0, routes=own)


def test_requests_of_ours_are_copied_and_no_others(shared: Shared) -> None:
    shared.deploy(0, routes=OWN_PATHS)
    before = shared.copied()
    shared.deploy(100, routes=OWN_PATHS, mirrorMatch=EVERYTHING)
    wanted = shared.settled()
    assert shared.answers() == wanted
    ours = {asked.path for asked in GRID if wanted[asked] == "us"}
    assert {"/cart", "/exact"} <= ours < set(PATHS)
    wait_until(lambda: set(shared.copied() - before) == ours, "copies are logged")


def test_a_preview_warns_where_copies_take_requests_and_they_do(shared: Shared) -> None:
    shared.deploy(0, routes=[{}])
    without = shared.settled()
    shared.deploy(100, routes=[{}], mirrorMatch={"methods": ["GET"]})
    assert shared.warned()
    assert "this service answers what was theirs" in shared.deployed.stack.change("preview").stdout
    found = shared.settled()
    taken = {asked for asked in GRID if found[asked] != without[asked]}
    assert {found[asked] for asked in taken} == {"us"}
    assert {without[asked] for asked in taken} == {"younger", "rest"}
    assert {asked.method for asked in taken} == {"GET"}
    assert Asked(False, "GET", "/api/1", 0) in taken
    # Every request that an older route of the rest answered, and every path of a younger one.
    assert Asked(True, "GET", "/cart", 0) in taken
