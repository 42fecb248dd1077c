"""The list of a service's objects is what the component registers, so what is rendered is what `up` applies."""

from typing import Any

import pytest

from mirrored_service import MirroredService, inventory, model
from tests.recorder import Registered, record
from tests.services import service_args

SHADOWS: dict[str, Any] = {
    "v1": {"image": "shop:1", "weight": 60, "replicas": 2},
    "v2": {"image": "shop:2", "weight": 40},
    "v3": {
        "image": "shop:3",
        "mirrorPercent": 50,
        "shadowIsolation": {
            "mayReach": [],
            "protects": {"db": {"labels": {"app": "db"}}},
            "networkPolicy": {},
        },
    },
    "v4": {"image": "shop:4"},
}
OTHERS: dict[str, Any] = {
    "v1": {"podLabels": {"app": "nginx", "version": "1"}, "weight": 100},
    "v2": {"image": "shop:2", "mirrorPercent": 100},
}
SERVICES: dict[str, Any] = {
    "the walkthrough": service_args(),
    "shadows": service_args(SHADOWS, gateway={"tls": {"credentialName": "c"}}),
    "others' pods, gateway and namespace": service_args(
        OTHERS, createNamespace=False, gateway={"existing": "a/b"}
    ),
    "access logs": service_args(accessLog={"providers": ["mirrored-service-json"]}),
    "another environment": service_args(mirrorTo={"host": "a.example", "port": 80, "percent": 5}),
}


def registered(args: Any) -> list[Registered]:
    _, found = record(lambda: MirroredService("nginx", args))
    return [thing for thing in found if thing.type.startswith("kubernetes:")]


@pytest.mark.parametrize("name", SERVICES)
def test_every_object_that_is_registered_is_listed_as_it_is_registered(name: str) -> None:
    listed = inventory.objects(model.parse(SERVICES[name]))
    by_name = {(made["kind"], made["metadata"]["name"]): made for made in listed}
    assert len(by_name) == len(listed)
    found = {
        (thing.inputs["kind"], thing.inputs["metadata"]["name"]): thing.inputs
        for thing in registered(SERVICES[name])
    }
    assert by_name == found


@pytest.mark.parametrize("name", SERVICES)
def test_every_object_comes_after_those_that_it_waits_for(name: str) -> None:
    things = registered(SERVICES[name])
    place = {
        (made["kind"], made["metadata"]["name"]): number
        for number, made in enumerate(inventory.objects(model.parse(SERVICES[name])))
    }

    def where(thing: Registered) -> int:
        return place[thing.inputs["kind"], thing.inputs["metadata"]["name"]]

    for thing in things:
        # Resource names are unique for each kind only: of two kinds, the one that is registered first is meant.
        for need in thing.needs:
            earlier = [where(other) for other in things if other.name == need and other is not thing]
            assert min(earlier) < where(thing), (thing.name, need)
