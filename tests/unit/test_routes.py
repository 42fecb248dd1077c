"""Routes of the user's own: each answered alike whether its requests are copied or not."""

from typing import Any

import pytest

from mirrored_service.plan import plan
from mirrored_service.reading.service import parse
from mirrored_service.rendering import routes
from tests.services import service_args

HOST = "nginx-versions.istio-project.svc.cluster.local"
LIVE = [{"destination": {"host": HOST, "subset": "v1", "port": {"number": 80}}, "weight": 100}]
MIRRORS = [
    {
        "destination": {"host": HOST, "subset": "v2-copies", "port": {"number": 80}},
        "percentage": {"value": 100},
    }
]
GET, POST = {"method": {"exact": "GET"}}, {"method": {"exact": "POST"}}
CART: dict[str, Any] = {"uri": {"prefix": "/cart/"}}
EVERYTHING = {"methods": ["*"]}
GETS = {"methods": ["GET"]}


def ingress(*own: Any, **changes: Any) -> list[Any]:
    described = parse(service_args(routes=list(own), **changes))
    found: list[Any] = routes.ingress_virtual_service(described)["spec"]["http"]
    return found


def mesh(*own: Any, **changes: Any) -> list[Any]:
    described = parse(service_args(routes=list(own), **changes))
    found: list[Any] = routes.mesh_virtual_service(described)["spec"]["http"]
    return found


def test_each_route_is_there_for_what_is_copied_and_then_as_it_is() -> None:
    held = {"timeout": "3s", "retries": {"attempts": 2}, "rewrite": {"uri": "/"}, "name": "cart"}
    assert ingress({"match": [CART], **held}, {"timeout": "10s"}, mirrorMatch=GETS) == [
        {"match": [{**CART, **GET}], **held, "route": LIVE, "mirrors": MIRRORS},
        {"match": [CART], **held, "route": LIVE},
        {"match": [GET], "timeout": "10s", "route": LIVE, "mirrors": MIRRORS},
        {"timeout": "10s", "route": LIVE},
    ]


def test_callers_inside_the_mesh_get_the_same() -> None:
    own: Any = ({"match": [CART], "timeout": "3s"}, {})
    assert mesh(*own) == ingress(*own)


def test_without_copies_the_routes_are_the_users_with_destinations() -> None:
    own = ({"match": [CART], "timeout": "3s"}, {"timeout": "10s"})
    alone = {"v1": {"image": "shop:1", "weight": 100}}
    assert ingress(*own, subsets=alone) == [{**route, "route": LIVE} for route in own]


def test_where_every_request_is_copied_one_route_will_do() -> None:
    assert ingress({"match": [CART]}, {}, mirrorMatch=EVERYTHING) == [
        {"match": [CART], "route": LIVE, "mirrors": MIRRORS},
        {"route": LIVE, "mirrors": MIRRORS},
    ]
    assert ingress({"match": [{**CART, **GET}]}, mirrorMatch=GETS) == [
        {"match": [{**CART, **GET}], "route": LIVE, "mirrors": MIRRORS}
    ]


def test_a_match_of_which_everything_is_copied_is_not_there_twice() -> None:
    assert ingress({"match": [{**CART, **GET}, {"uri": {"prefix": "/a"}}]}, mirrorMatch=GETS) == [
        {"match": [{**CART, **GET}, {"uri": {"prefix": "/a"}, **GET}], "route": LIVE, "mirrors": MIRRORS},
        {"match": [{"uri": {"prefix": "/a"}}], "route": LIVE},
    ]


def test_a_route_that_is_not_to_be_copied_is_not() -> None:
    own = ({"match": [CART], "mirror": False}, {"mirror": True})
    assert ingress(*own, mirrorMatch=EVERYTHING) == [
        {"match": [CART], "route": LIVE},
        {"route": LIVE, "mirrors": MIRRORS},
    ]


def test_a_route_of_which_nothing_is_copied_stays_as_it_is() -> None:
    assert ingress({"match": [{**CART, **POST}]}, mirrorMatch=GETS) == [
        {"match": [{**CART, **POST}], "route": LIVE}
    ]


@pytest.mark.parametrize("answer", [{"redirect": {"uri": "/new"}}, {"directResponse": {"status": 503}}])
def test_what_the_proxy_answers_has_no_destination_and_no_copies(answer: Any) -> None:
    assert ingress({"match": [CART], **answer}, {}, mirrorMatch=EVERYTHING)[0] == {"match": [CART], **answer}


def test_what_is_for_callers_inside_the_mesh_only_is_there_only() -> None:
    inside = {"match": [{"gateways": ["mesh"]}]}
    assert ingress({"match": [CART]}, inside, mirrorMatch=EVERYTHING) == [
        {"match": [CART], "route": LIVE, "mirrors": MIRRORS}
    ]
    assert mesh({"match": [CART]}, inside, mirrorMatch=EVERYTHING) == [
        {"match": [CART], "route": LIVE, "mirrors": MIRRORS},
        {"route": LIVE, "mirrors": MIRRORS},
    ]


def test_one_match_of_a_route_may_be_for_them_only() -> None:
    own = {"match": [CART, {"uri": {"exact": "/in"}, "gateways": ["mesh"]}]}
    assert ingress(own, mirrorMatch=EVERYTHING)[0]["match"] == [CART]
    assert mesh(own, mirrorMatch=EVERYTHING)[0]["match"] == [CART, {"uri": {"exact": "/in"}}]


def test_without_hosts_no_gateway_and_no_route_for_one_is_made() -> None:
    inside = parse(service_args(hosts=None, gateway=None))
    entered = parse(service_args())
    gone = {step.key for step in plan(entered)} - {step.key for step in plan(inside)}
    assert gone == {("Gateway", "nginx-gateway"), ("VirtualService", "nginx-vs")}
    assert routes.mesh_virtual_service(inside) == routes.mesh_virtual_service(entered)
    assert inside.urls() == []
    assert parse(service_args(hosts=[], gateway={})) == inside


def test_a_delegate_has_neither_hosts_nor_gateways_and_the_same_routes() -> None:
    described = parse(service_args(hosts=None, gateway={"delegate": True}))
    delegate = routes.ingress_virtual_service(described)
    entered = routes.ingress_virtual_service(parse(service_args()))
    assert delegate["metadata"] == entered["metadata"]
    assert delegate["spec"] == {"http": entered["spec"]["http"]}
    assert routes.mesh_virtual_service(described) == routes.mesh_virtual_service(parse(service_args()))
    kinds = [step.key[0] for step in plan(described)]
    assert "Gateway" not in kinds
    assert kinds.count("VirtualService") == 2
    assert described.urls() == []


def test_the_resource_of_a_delegate_is_that_of_the_route_with_hosts() -> None:
    steps = [{step.suffix: step.key for step in plan(parse(args))} for args in _ways_in()]
    assert all(found["ingress"] == ("VirtualService", "nginx-vs") for found in steps)


def _ways_in() -> list[Any]:
    return [
        service_args(),
        service_args(gateway={"existing": "a/b"}),
        service_args(hosts=None, gateway={"delegate": True}),
    ]
