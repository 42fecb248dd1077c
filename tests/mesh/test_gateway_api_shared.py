"""Other teams' HTTPRoutes on the same host, older and younger than ours: the longest path wins, and a preview
warns where what is copied changes that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import yaml
from requests.adapters import HTTPAdapter

from lab import Lab
from lab.kit.gateways import BY_GATEWAY_API
from lab.kit.scratch import ScratchStack
from mirrored_service import warnings
from tests.mesh.faults import version
from tests.mesh.test_shared_hosts import AT_ONCE, GRID, HEADERS, Asked, Shared

pytestmark = pytest.mark.thorough

Match = dict[str, Any]


def path(kind: str, value: str) -> Match:
    return {"path": {"type": kind, "value": value}}


def marked(team: str) -> Match:
    return {"headers": [{"name": "x-team", "value": team}]}


TEAMS: dict[str, list[Match]] = {
    "older": [path("Exact", "/exact-older"), path("PathPrefix", "/older")],
    "younger": [path("Exact", "/exact"), path("PathPrefix", "/api")],
}
OWN: dict[str, list[dict[str, Any]]] = {
    "everything": [{}],
    "paths": [
        {"match": [{"uri": {"prefix": "/cart/"}}, {"uri": {"exact": "/cart"}}], "timeout": "5s"},
        {
            "match": [
                {"uri": {"prefix": "/api/own/"}},
                {"uri": {"exact": "/api/own"}},
                {"uri": {"exact": "/"}},
            ]
        },
    ],
    "rest not copied": [{"match": [{"uri": {"exact": "/cart"}}]}, {"mirror": False}],
}
COPIES: list[tuple[float, dict[str, Any]]] = [
    (100, {}),
    (250, {"methods": ["POST", "DELETE"]}),
    (37, {"paths": ["/cart/*"]}),
    (100, {"methods": ["*"], "headers": {"x-debug": "*"}}),
    (100, {"methods": ["*"]}),
]


class SharedByGatewayApi(Shared):
    """Our service on the lab's ingress gateway, where others have routes for our host."""

    def __init__(self, lab: Lab, deployed: ScratchStack) -> None:
        self.lab, self.deployed = lab, deployed
        self.hosts = (deployed.host, f"taken.{deployed.host}")
        self.namespace = f"{deployed.namespace}-web"
        lab.kubectl("create", "namespace", self.namespace)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http://", HTTPAdapter(pool_maxsize=AT_ONCE))
        self.threads = ThreadPoolExecutor(AT_ONCE)

    def of_team(self, team: str, *matches: Match) -> None:
        """A team's route, which answers with where to go: so that no team needs pods."""
        time.sleep(1.1)
        away = {"type": "RequestRedirect", "requestRedirect": {"hostname": f"{team}.example"}}
        made = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": team, "namespace": self.namespace},
            "spec": {
                "parentRefs": [{"name": "ingress", "namespace": "istio-system"}],
                "hostnames": list(self.hosts),
                "rules": [{"matches": list(matches), "filters": [away]}],
            },
        }
        self.lab.kubectl("apply", "--filename=-", input=yaml.safe_dump(made))
        time.sleep(1.1)

    def deploy(self, percent: float, **settings: Any) -> None:
        subsets = {"v1": version("v1", weight=100), "v2": version("v2", mirrorPercent=percent)}
        self.deployed.deploy(subsets, **{**BY_GATEWAY_API, "hosts": list(self.hosts), **settings})

    def _ask(self, asked: Asked) -> str:
        headers = {"Host": self.hosts[asked.taken], **HEADERS[asked.headers]}
        url = self.lab.gateway_url + asked.path
        answer = self.session.request(asked.method, url, headers=headers, timeout=10, allow_redirects=False)
        if answer.status_code == 302:
            return answer.headers["location"].split("/")[2].split(".")[0]
        return "us" if answer.status_code == 200 else str(answer.status_code)

    def warned(self) -> bool:
        return any("more specific than their route" in line for line in warnings.of(self.deployed.service))


@pytest.fixture(scope="module")
def shared(lab: Lab, deploy: Callable[[], ScratchStack]) -> Iterator[SharedByGatewayApi]:
    found = SharedByGatewayApi(lab, deploy())
    found.of_team("older", *TEAMS["older"])
    found.deploy(0)
    found.of_team("younger", *TEAMS["younger"])
    yield found
    found.threads.shutdown()
    lab.kubectl("delete", "namespace", found.namespace, "--wait=false")


@pytest.mark.parametrize("name", OWN)
def test_who_answers_is_the_same_whatever_is_copied(shared: SharedByGatewayApi, name: str) -> None:
    shared.deploy(0, routes=OWN[name])
    wanted = shared.settled()
    assert set(wanted.values()) >= {"us", "older", "younger"}
    for percent, match in COPIES:
        with shared.nobody_else_answers(wanted):
            shared.deploy(percent, routes=OWN[name], mirrorMatch=match)
    with shared.nobody_else_answers(wanted):
        shared.deploy(0, routes=OWN[name])


def test_a_preview_warns_where_copies_take_requests_and_they_do(shared: SharedByGatewayApi) -> None:
    shared.deploy(0)
    shared.of_team("marked", marked("younger"))
    without = shared.settled()
    for match, whose in (({}, {"marked"}), ({"paths": ["/api/*"]}, {"younger"})):
        shared.deploy(100, mirrorMatch=match)
        assert shared.warned()
        found = shared.settled()
        taken = {asked for asked in GRID if found[asked] != without[asked]}
        assert {found[asked] for asked in taken} == {"us"}
        assert {without[asked] for asked in taken} == whose
        assert {asked.method for asked in taken} == {"GET", "HEAD"}
    shared.deploy(100, mirrorMatch={"methods": ["*"]})
    assert not shared.warned()
    assert shared.settled() == without
