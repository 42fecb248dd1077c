"""Which requests are copied, and how much the copies may take up: as routes and as limits."""

import re
from typing import Any

import pytest

from mirrored_service.reading.service import parse
from mirrored_service.rendering import routes
from mirrored_service.rendering import subset as versions
from tests.services import service_args


def copied(**match: Any) -> list[dict[str, Any]]:
    """The match of the route with mirrors."""
    http = routes.mesh_virtual_service(parse(service_args(mirrorMatch=match)))["spec"]["http"]
    with_mirrors, rest = http
    assert "mirrors" in with_mirrors
    # Apart from match and mirrors the two are the same: same versions, same weights.
    assert {**rest, "match": with_mirrors["match"], "mirrors": with_mirrors["mirrors"]} == with_mirrors
    assert "match" not in rest
    found: list[dict[str, Any]] = with_mirrors["match"]
    return found


LIVE = {"app": "shop", "release": "live"}


def copies_policy(version: dict[str, Any], **settings: Any) -> dict[str, Any]:
    answering = {"image": "b", "weight": 100} if "image" in version else {"podLabels": LIVE, "weight": 100}
    described = parse(service_args({"v0": answering, "v1": version}, **settings))
    live, copies = versions.destination_rule(described, described.subsets[1])["spec"]["subsets"]
    # Live requests have no limits, and keep their protocol.
    assert live == {"name": "v1", "labels": version.get("podLabels", {"version": "v1"})}
    found: dict[str, Any] = copies["trafficPolicy"]
    return found


def copies_subset(**limits: Any) -> dict[str, Any]:
    return copies_policy({"image": "a", "mirrorLimits": limits})


GET = {"method": {"exact": "GET"}}
POST = {"method": {"exact": "POST"}}


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"methods": ["POST"]}, [POST]),
        ({"methods": ["*"], "paths": ["/cart"]}, [{"uri": {"exact": "/cart"}}]),
        ({"methods": ["*"], "paths": ["/cart/*"]}, [{"uri": {"prefix": "/cart/"}}]),
        ({"methods": ["*"], "paths": ["/*"]}, [{"uri": {"prefix": "/"}}]),
        ({"methods": ["*"], "headers": {"X-Debug": "1"}}, [{"headers": {"x-debug": {"exact": "1"}}}]),
        ({"methods": ["*"], "headers": {"x-debug": "*"}}, [{"headers": {"x-debug": {}}}]),
        (
            {"methods": ["GET", "POST"], "paths": ["/a", "/b*"], "headers": {"x": "1", "y": "*"}},
            [
                {**method, "uri": path, "headers": {"x": {"exact": "1"}, "y": {}}}
                for method in (GET, POST)
                for path in ({"exact": "/a"}, {"prefix": "/b"})
            ],
        ),
    ],
)
def test_a_request_is_copied_when_all_kinds_match_together(match: Any, expected: Any) -> None:
    assert copied(**match) == expected


def test_large_bodies_are_left_out_by_their_content_length() -> None:
    sized = {"content-length": {"regex": "[0-9]{1,1}|[0-0][0-9]{1}|10"}}
    unsized: dict[str, Any] = {"content-length": {}}
    assert copied(methods=["POST", "GET"], paths=["/a"], headers={"x": "*"}, maxBodyBytes=10) == [
        {**POST, "uri": {"exact": "/a"}, "headers": {"x": {}, **sized}},
        {**GET, "uri": {"exact": "/a"}, "headers": {"x": {}, **sized}},
        {**GET, "uri": {"exact": "/a"}, "headers": {"x": {}}, "withoutHeaders": unsized},
    ]


def test_of_every_method_those_without_a_body_need_no_size() -> None:
    sized, *unsized = copied(methods=["*"], maxBodyBytes=0)
    assert sized == {"headers": {"content-length": {"regex": "0"}}}
    assert [each["method"]["exact"] for each in unsized] == ["DELETE", "GET", "HEAD", "OPTIONS", "TRACE"]


def test_a_method_with_a_body_needs_a_size() -> None:
    assert all("headers" in each for each in copied(methods=["POST", "PUT"], maxBodyBytes=5))


@pytest.mark.parametrize("most", [0, 1, 9, 10, 19, 100, 101, 999, 1000, 1099, 2050])
def test_the_expression_for_a_size_takes_all_numbers_up_to_it_and_none_above(most: int) -> None:
    (entry, *_) = copied(methods=["POST"], maxBodyBytes=most)
    expression = re.compile(entry["headers"]["content-length"]["regex"])
    taken = [number for number in range(12_000) if expression.fullmatch(str(number))]
    assert taken == list(range(most + 1))


def test_paths_that_another_one_stands_for_are_left_out() -> None:
    paths = ["/a/b", "/a*", "/a/*", "/c", "/c", "/a"]
    uris = [entry["uri"] for entry in copied(methods=["GET"], paths=paths)]
    assert uris == [{"prefix": "/a"}, {"exact": "/c"}]
    assert [entry["uri"] for entry in copied(methods=["GET"], paths=["/0*", "/*"])] == [{"prefix": "/"}]


def test_methods_stay_safe_when_only_paths_are_given() -> None:
    assert [entry["method"]["exact"] for entry in copied(paths=["/a"])] == ["GET", "HEAD", "OPTIONS"]


def test_the_route_without_copies_has_the_same_weights() -> None:
    halves = {
        "v1": {"image": "a", "weight": 30},
        "v2": {"image": "b", "weight": 70},
        "v3": {"image": "c", "mirrorPercent": 1},
    }
    described = parse(service_args(halves, mirrorMatch={"paths": ["/a"]}))
    with_mirrors, rest = routes.ingress_virtual_service(described)["spec"]["http"]
    assert with_mirrors["route"] == rest["route"]
    assert [target["weight"] for target in rest["route"]] == [30, 70]


def test_copies_have_limits_that_protect_the_proxies() -> None:
    assert copies_subset() == {
        "connectionPool": {
            "tcp": {"maxConnections": 128},
            "http": {"http1MaxPendingRequests": 64, "http2MaxRequests": 64, "h2UpgradePolicy": "UPGRADE"},
        }
    }


def test_whoever_lets_more_copies_wait_gets_the_connections_that_it_takes() -> None:
    assert copies_subset(requests=1000)["connectionPool"] == {
        "tcp": {"maxConnections": 1064},
        "http": {"http1MaxPendingRequests": 1000, "http2MaxRequests": 1000, "h2UpgradePolicy": "UPGRADE"},
    }


def test_limits_are_as_set() -> None:
    limits = {"connections": 2, "pendingRequests": 3.0, "requests": 4, "requestsPerConnection": 5}
    assert copies_subset(**limits, http2=False) == {
        "connectionPool": {
            "tcp": {"maxConnections": 2},
            "http": {
                "http1MaxPendingRequests": 3,
                "http2MaxRequests": 4,
                "maxRequestsPerConnection": 5,
                "h2UpgradePolicy": "DO_NOT_UPGRADE",
            },
        }
    }


@pytest.mark.parametrize(
    ("version", "settings"),
    [
        ({"image": "a"}, {"createNamespace": False}),
        ({"image": "a"}, {"ports": [{"name": "http2", "port": 80}]}),
        ({"podLabels": {"app": "shop", "release": "stable"}}, {}),
    ],
    ids=["namespace of others", "HTTP/2 already", "pods of others"],
)
def test_copies_keep_their_protocol_where_sidecars_are_not_ours_to_promise(
    version: dict[str, Any], settings: dict[str, Any]
) -> None:
    assert "h2UpgradePolicy" not in copies_policy(version, **settings)["connectionPool"]["http"]
    asked = copies_policy({**version, "mirrorLimits": {"http2": True}}, **settings)
    assert asked["connectionPool"]["http"]["h2UpgradePolicy"] == "UPGRADE"


def test_pods_are_left_out_only_when_asked_for() -> None:
    assert "outlierDetection" not in copies_subset()
    assert copies_subset(outlierDetection={})["outlierDetection"] == {
        "consecutive5xxErrors": 5,
        "interval": "10s",
        "baseEjectionTime": "30s",
        "maxEjectionPercent": 100,
    }
    assert copies_subset(
        outlierDetection={
            "consecutiveErrors": 1,
            "intervalSeconds": 2,
            "ejectionSeconds": 3,
            "maxEjectionPercent": 4,
        }
    )["outlierDetection"] == {
        "consecutive5xxErrors": 1,
        "interval": "2s",
        "baseEjectionTime": "3s",
        "maxEjectionPercent": 4,
    }
