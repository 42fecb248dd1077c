"""What is legal but odd is said in one line each, and shown as a warning."""

from typing import Any

import pulumi
import pytest

from mirrored_service import MirroredService, warnings
from mirrored_service.reading.service import parse
from tests.recorder import record
from tests.services import service_args

LIVE = {"image": "shop:1", "weight": 100, "replicas": 2}
SHADOW = {"image": "shop:2", "mirrorPercent": 100}


def said(subsets: dict[str, Any], **changes: Any) -> list[str]:
    return warnings.of(parse(service_args(subsets, **{"hosts": ["shop.example.org"], **changes})))


def test_nothing_is_said_of_a_service_that_is_not_odd() -> None:
    assert said({"v1": LIVE, "v2": SHADOW}) == []


def test_a_live_version_with_one_pod() -> None:
    halves = {**LIVE, "weight": 50}
    assert said({"v1": {**halves, "replicas": 1}, "v2": halves, "v3": SHADOW}) == [
        "subsets.v1.replicas: one pod answers all of its live requests, and they fail when its node does; 2 or "
        "more"
    ]


def test_a_version_that_gets_neither_requests_nor_copies() -> None:
    assert said({"v1": LIVE, "v2": {"image": "shop:2"}}) == [
        "subsets: none has a mirrorPercent, so nothing is copied; give one to the version to try out"
    ]


def test_between_two_rollouts_nothing_is_said() -> None:
    assert said({"v1": LIVE}) == []


def test_any_host_with_a_route_of_the_mesh() -> None:
    assert said({"v1": LIVE, "v2": SHADOW}, hosts=["*"]) == [
        'hosts: "*" takes whatever enters the gateway and no other service claims, while callers in the mesh are '
        "routed under nginx.istio-project.svc.cluster.local only; list the host names of this service"
    ]


@pytest.mark.parametrize(
    ("percent", "rate", "warned"),
    [(0.02, 1, True), (0.03, 1, False), (0.0001, 277, True), (0.0001, 278, False), (0.0001, 0, False)],
)
def test_less_than_one_copy_an_hour(percent: float, rate: float, warned: bool) -> None:
    subsets = {"v1": LIVE, "v2": {**SHADOW, "mirrorPercent": percent}}
    assert bool(said(subsets, expectedRequestsPerSecond=rate)) == warned


def test_the_least_useful_percentage_is_named() -> None:
    assert said({"v1": LIVE, "v2": {**SHADOW, "mirrorPercent": 0.001}}, expectedRequestsPerSecond=5) == [
        "subsets.v2.mirrorPercent: 0.001 % of 5 requests/s copies less than one request an hour; 0.0056 or more"
    ]


UPLOADS = (
    "mirrorMatch: a large upload waits, the live request included, for a shadow that does not read it; "
    "maxBodyBytes, such as 1000000"
)


@pytest.mark.parametrize(
    ("match", "protocol", "warned"),
    [
        ({"methods": ["POST"]}, "http", True),
        ({"methods": ["*"]}, "http2", True),
        ({"methods": ["*"], "maxBodyBytes": 1000}, "http", False),
        ({"methods": ["GET", "DELETE"]}, "http", False),
        ({"methods": ["*"]}, "grpc", False),
    ],
)
def test_uploads_of_any_size_are_copied(match: Any, protocol: str, warned: bool) -> None:
    lines = said({"v1": LIVE, "v2": SHADOW}, mirrorMatch=match, ports=[{"name": protocol, "port": 80}])
    assert lines == ([UPLOADS] if warned else [])


@pytest.mark.parametrize("preview", [True, False])
def test_the_component_shows_each_line_once(preview: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, Any]] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda line, resource: shown.append((line, resource)))
    component, _ = record(lambda: MirroredService("nginx", service_args()), preview)
    expected = warnings.of(parse(service_args()))
    assert shown == [(line, component) for line in expected]
    assert len(expected) == 2


TAKES = "mirrorMatch: while some requests of every path are copied, Istio puts their route before routes of "
CART = {"match": [{"uri": {"prefix": "/cart/"}}]}
POSTS = {"match": [{"method": {"exact": "POST"}}]}


def taking(**changes: Any) -> bool:
    """Is it said that copies may take requests from other VirtualServices?"""
    versions = changes.pop("subsets", {"v1": LIVE, "v2": SHADOW})
    lines = said(versions, **{"gateway": {}, **changes})
    return any(line.startswith(TAKES) for line in lines)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mirrorMatch": {"methods": ["*"], "paths": ["/cart/*"]}},
        {"mirrorMatch": {"methods": ["*"], "headers": {"x-debug": "*"}}},
        {"mirrorMatch": {"methods": ["*"], "maxBodyBytes": 1000}},
        {"routes": [CART, {"timeout": "3s"}]},
        {"routes": [CART, {"match": [{"uri": {"prefix": "/"}}]}]},
        {"routes": [{"match": [{"port": 80}]}, {}]},
        {"gateway": {"existing": "a/b"}},
    ],
    ids=str,
)
def test_copies_that_may_take_requests_of_others(changes: dict[str, Any]) -> None:
    assert taking(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"gateway": {"ownsHosts": True}},
        {"hosts": None},
        {"hosts": None, "gateway": {"delegate": True}},
        {"mirrorMatch": {"methods": ["*"]}},
        {"subsets": {"v1": LIVE, "v2": {"image": "shop:2"}}},
        {"routes": [CART]},
        {"routes": [POSTS, {"match": [{"uri": {"prefix": "/"}}], "mirror": False}]},
        {"routes": [CART, {"directResponse": {"status": 404}}]},
        {"routes": [CART, {"match": [{"gateways": ["mesh"]}]}]},
    ],
    ids=str,
)
def test_copies_that_take_nothing_from_others(changes: dict[str, Any]) -> None:
    assert not taking(**changes)


def test_paths_that_callers_in_the_mesh_get_no_answer_for() -> None:
    routes = [
        line for line in said({"v1": LIVE, "v2": SHADOW}, routes=[CART, POSTS]) if line.startswith("routes: ")
    ]
    assert routes == [
        "routes: none is for every path, so callers inside the mesh get 404 for all others; a last one "
        "without match, "
        'or with match [{gateways: ["mesh"]}] for those callers only'
    ]
    inside = [CART, {"match": [{"gateways": ["mesh"]}]}]
    assert said({"v1": LIVE, "v2": SHADOW}, routes=inside) == []


def test_by_gateway_api_copies_of_some_requests_may_take_those_of_others() -> None:
    line = "mirrorMatch: while some requests are copied, the rule for them is more specific"

    def said(**settings: Any) -> bool:
        found = warnings.of(parse(service_args(api="gateway", gateway=None, **settings)))
        assert not any("Istio puts their route" in each for each in found)
        return any(each.startswith(line) for each in found)

    assert said()
    assert not said(mirrorMatch={"methods": ["*"]})
    assert not said(hosts=[])
    assert not said(subsets={"v1": {"image": "shop:1", "weight": 100}})
    owned = service_args(api="gateway", gateway={"ownsHosts": True})
    assert not any(each.startswith(line) for each in warnings.of(parse(owned)))
