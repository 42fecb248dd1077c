"""What is made, in which order, what waits and what stays: the plan alone, without Pulumi."""

from typing import Any

import pytest

import mirrored_service
from mirrored_service.plan import Key, Moments, Step, plan
from mirrored_service.reading.service import parse
from tests.services import service_args

CONTAINED = {"mayReach": [], "protects": {"db": {"labels": {"app": "db"}}}, "networkPolicy": {}}
CONTAINMENT = {
    ("ServiceAccount", "nginx-v2"),
    ("Sidecar", "nginx-v2"),
    ("NetworkPolicy", "nginx-v2"),
    ("AuthorizationPolicy", "nginx.istio-project.v2.db"),
}
SHADOWS: dict[str, Any] = {
    "v1": {"image": "shop:1", "weight": 60, "replicas": 2},
    "v2": {"image": "shop:2", "weight": 40, "shadowIsolation": CONTAINED},
    "v3": {"image": "shop:3", "mirrorPercent": 50, "shadowIsolation": CONTAINED},
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
    "leaving": service_args(SHADOWS, keepOnDestroy=True),
    "Gateway API": service_args(
        SHADOWS,
        api="gateway",
        gateway={"tls": {"credentialName": "c"}},
        trafficPolicy={"loadBalancer": {"simple": "RANDOM"}},
        ports=[{"name": "http", "port": 80}, {"name": "grpc", "port": 90}],
        mirrorTo={"host": "a.example", "port": 80, "percent": 5},
    ),
}


def steps(subsets: dict[str, Any] | None = None, **changes: Any) -> dict[Key, Step]:
    return {step.key: step for step in plan(parse(service_args(subsets, **changes)))}


def with_v2(**version: Any) -> dict[str, Any]:
    """v1 and a contained v2, which takes what v1 leaves of the live requests."""
    weight = 100 - version.get("weight", 0)
    v2 = {"image": "shop:2", "shadowIsolation": CONTAINED, **version}
    return {"v1": {"image": "shop:1", "weight": weight}, "v2": v2}


SHADOW, LIVE = with_v2(mirrorPercent=100), with_v2(weight=100)


@pytest.mark.parametrize("name", SERVICES)
def test_every_object_comes_after_those_that_it_waits_for(name: str) -> None:
    made: set[Key] = set()
    for step in plan(parse(SERVICES[name])):
        assert {*step.needs, *step.after} <= made
        made.add(step.key)


@pytest.mark.parametrize("name", SERVICES)
def test_no_two_objects_have_one_name_and_no_two_resources_either(name: str) -> None:
    found = plan(parse(SERVICES[name]))
    assert len({step.key for step in found}) == len(found)
    assert len({(step.manifest["kind"], step.suffix) for step in found}) == len(found)


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_rendered_is_the_plan(name: str) -> None:
    assert mirrored_service.render(SERVICES[name]) == [step.manifest for step in plan(parse(SERVICES[name]))]


def order(found: dict[Key, Step]) -> list[Key]:
    return [key for key in found if key[0] != "ServiceAccount"]


def test_up_makes_what_live_requests_need_then_the_routes_then_what_copies_need() -> None:
    assert order(steps(SHADOW)) == [
        ("Namespace", "istio-project"),
        ("Service", "nginx-versions"),
        ("DestinationRule", "nginx-v1"),
        ("Deployment", "nginx-v1"),
        ("Service", "nginx"),
        ("Gateway", "nginx-gateway"),
        ("VirtualService", "nginx-vs"),
        ("VirtualService", "nginx-mesh"),
        ("Sidecar", "nginx-v2"),
        ("NetworkPolicy", "nginx-v2"),
        ("AuthorizationPolicy", "nginx.istio-project.v2.db"),
        ("Deployment", "nginx-v2"),
        ("DestinationRule", "nginx-v2"),
    ]


def test_a_version_that_becomes_live_gets_no_copies_any_more_before_it_is_let_out_and_started() -> None:
    places = order(steps(LIVE))
    rule, pods = places.index(("DestinationRule", "nginx-v2")), places.index(("Deployment", "nginx-v2"))
    for key in CONTAINMENT - {("ServiceAccount", "nginx-v2")}:
        assert rule < places.index(key) < pods
    assert pods < places.index(("Service", "nginx")) < places.index(("VirtualService", "nginx-vs"))


def level(found: dict[Key, Step], key: Key) -> int:
    """How many objects must be there one after the other before this one. `pulumi destroy` takes all of the
    highest level, then all of the next one: ScheduleDeletes in pulumi/pkg/resource/deploy/step_generator.go."""
    return 1 + max((level(found, need) for need in found[key].needs), default=0)


OTHERS_LIVE = {
    "v1": {"podLabels": {"app": "nginx", "version": "1"}, "weight": 100},
    "v2": {"image": "shop:2", "mirrorPercent": 100, "shadowIsolation": CONTAINED},
}


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize(
    "subsets", [SHADOW, LIVE, with_v2(), OTHERS_LIVE], ids=["shadow", "live", "idle", "others"]
)
def test_destroy_takes_the_routes_first_and_what_contains_a_version_after_its_pods(
    subsets: Any, create: bool
) -> None:
    found = steps(subsets, createNamespace=create, mirrorTo={"host": "a.example", "port": 80, "percent": 5})
    levels = {key: level(found, key) for key in found}
    routes = levels["VirtualService", "nginx-vs"]
    assert routes == levels["VirtualService", "nginx-mesh"] == max(levels.values())
    # Where copies go is of no use without routes; anything else that requests need goes later.
    early = {key for key in found if levels[key] == routes and key[0] != "VirtualService"}
    assert early <= {("DestinationRule", step.key[1]) for step in found.values() if step.after}
    for key in CONTAINMENT:
        assert levels[key] < levels["Deployment", "nginx-v2"]


@pytest.mark.parametrize("subsets", [SHADOW, LIVE, with_v2()], ids=["shadow", "live", "idle"])
def test_destroy_keeps_to_this_order_by_gateway_api_too(subsets: Any) -> None:
    found = steps(subsets, api="gateway")
    levels = {key: level(found, key) for key in found}
    routes = levels["HTTPRoute", "nginx-ingress"]
    assert routes == levels["HTTPRoute", "nginx-mesh"]
    later = {key for key in found if levels[key] >= routes and key[0] != "HTTPRoute"}
    assert later <= {("Service", f"nginx-{version}-copies") for version in ("v1", "v2")}
    for version in ("v1", "v2"):
        pods = levels["Deployment", f"nginx-{version}"]
        assert levels["Service", f"nginx-{version}"] < pods
        is_live = bool(subsets[version].get("weight"))
        assert (levels["Service", f"nginx-{version}-copies"] > pods) is not is_live
    for key in CONTAINMENT:
        assert levels[key] < levels["Deployment", "nginx-v2"]


def test_routes_need_everything_that_a_live_request_needs_and_no_shadow() -> None:
    found = steps(SHADOW, mirrorTo={"host": "a.example", "port": 80, "percent": 5})
    needed = {
        ("Namespace", "istio-project"),
        ("Service", "nginx-versions"),
        ("DestinationRule", "nginx-v1"),
        ("Deployment", "nginx-v1"),
        ("Service", "nginx"),
        ("Gateway", "nginx-gateway"),
        ("ServiceEntry", "nginx-mirror-to"),
        ("DestinationRule", "nginx-mirror-to"),
    }
    for route in ("nginx-vs", "nginx-mesh"):
        assert set(found["VirtualService", route].needs) == needed


def test_rules_need_the_meshs_service() -> None:
    for key, step in steps(SHADOW).items():
        if key[0] == "DestinationRule":
            assert ("Service", "nginx-versions") in step.needs


def test_what_is_not_live_is_made_after_the_routes_and_deleted_without_regard_to_them() -> None:
    found = steps(SHADOW)
    routes = {("VirtualService", "nginx-vs"), ("VirtualService", "nginx-mesh")}
    for key in [*CONTAINMENT, ("Deployment", "nginx-v2"), ("DestinationRule", "nginx-v2")]:
        assert set(found[key].after) == routes
        assert not routes & set(found[key].needs)
    assert not any(step.after for step in steps(LIVE).values() if step.version == "v2")


def test_pods_need_what_contains_them_in_every_role() -> None:
    for subsets in (SHADOW, LIVE, with_v2()):
        assert set(steps(subsets)["Deployment", "nginx-v2"].needs) >= CONTAINMENT


def test_copies_go_to_a_version_after_its_pods_are_there() -> None:
    assert ("Deployment", "nginx-v2") in steps(SHADOW)["DestinationRule", "nginx-v2"].needs


def waits(found: dict[Key, Step]) -> dict[Key, Moments]:
    return {key: step.waits for key, step in found.items() if step.waits}


ROUTES = ("before_update", "after_update")


def test_a_version_is_contained_before_its_pods_start_and_gets_copies_after_they_have_changed() -> None:
    contained = ("after_create", "after_update")
    assert waits(steps(SHADOW)) == {
        ("DestinationRule", "nginx-v1"): ("after_update",),
        ("Deployment", "nginx-v1"): ("before_update",),
        ("VirtualService", "nginx-vs"): ROUTES,
        ("VirtualService", "nginx-mesh"): ROUTES,
        ("Sidecar", "nginx-v2"): contained,
        ("NetworkPolicy", "nginx-v2"): contained,
        ("AuthorizationPolicy", "nginx.istio-project.v2.db"): contained,
        ("Deployment", "nginx-v2"): ("before_create", "before_update", "after_update"),
        ("DestinationRule", "nginx-v2"): ("before_update",),
    }


def test_a_version_that_becomes_live_is_let_out_when_copies_have_stopped_and_starts_when_it_is_out() -> None:
    opened = ("before_update", "after_update")
    found = waits(steps(LIVE))
    assert {key: found[key] for key in found if key[1] in ("nginx-v2", "nginx.istio-project.v2.db")} == {
        ("DestinationRule", "nginx-v2"): ("after_update",),
        ("Sidecar", "nginx-v2"): opened,
        ("NetworkPolicy", "nginx-v2"): opened,
        ("AuthorizationPolicy", "nginx.istio-project.v2.db"): opened,
        ("Deployment", "nginx-v2"): ("before_update",),
    }


def test_creation_of_routes_waits_only_where_callers_may_be_already() -> None:
    assert steps(createNamespace=False)["VirtualService", "nginx-vs"].waits == (*ROUTES, "before_create")


def test_deletion_of_routes_waits_only_where_callers_stay() -> None:
    assert steps(keepOnDestroy=True)["VirtualService", "nginx-mesh"].waits == (*ROUTES, "after_delete")


def test_pods_have_the_time_that_the_version_says() -> None:
    subsets = {
        "v1": {
            "image": "shop:1",
            "weight": 100,
            "rollout": {"deadlineSeconds": 45},
            "stop": {"graceSeconds": 30},
        }
    }
    pods = steps(subsets)["Deployment", "nginx-v1"]
    assert (pods.ready_seconds, pods.gone_seconds) == (45, 90)


def kept(found: dict[Key, Step]) -> set[Key]:
    return {key for key, step in found.items() if step.kept}


def test_the_namespace_stays_always_and_what_answers_stays_when_asked() -> None:
    namespace = {("Namespace", "istio-project")}
    assert kept(steps(SHADOW)) == namespace
    assert kept(steps(SHADOW, keepOnDestroy=True)) == namespace | {
        ("Deployment", "nginx-v1"),
        ("Service", "nginx"),
    }
    assert kept(steps(LIVE, keepOnDestroy=True)) == namespace | {
        ("Deployment", "nginx-v2"),
        ("Service", "nginx"),
        ("ServiceAccount", "nginx-v2"),
    }


def test_only_the_address_of_the_callers_service_stays_as_the_cluster_has_it() -> None:
    assert {key: step.unmanaged for key, step in steps().items() if step.unmanaged} == {
        ("Service", "nginx"): ("spec.clusterIP", "spec.clusterIPs")
    }
