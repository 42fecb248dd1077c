"""What contains a version while it is not live, and lets everything through while it is."""

from collections.abc import Callable
from typing import Any

import pytest

from mirrored_service import MirroredService, render
from mirrored_service.description.subset import Subset
from mirrored_service.reading.service import parse
from mirrored_service.rendering import isolation, pods
from tests.recorder import Registered, record
from tests.refusals import problems
from tests.services import service_args

V1 = {"image": "shop:1"}
ISOLATION = {
    "mayReach": ["shadow-db.shop.svc.cluster.local", "*.example.org"],
    "protects": {
        "db": {"labels": {"app": "db"}, "namespace": "data"},
        "queue": {"labels": {"app": "queue", "tier": "back"}},
    },
    "networkPolicy": {"pods": [{"labels": {"app": "shadow-db"}}], "cidrs": ["10.20.0.0/16"]},
}
OBJECTS = {
    ("ServiceAccount", "nginx-v2"),
    ("Sidecar", "nginx-v2"),
    ("AuthorizationPolicy", "nginx-v2-db"),
    ("AuthorizationPolicy", "nginx-v2-queue"),
    ("NetworkPolicy", "nginx-v2"),
}


def shadow(**version: Any) -> dict[str, Any]:
    return {
        "v1": {**V1, "weight": 100},
        "v2": {"image": "shop:2", "mirrorPercent": 100, "shadowIsolation": ISOLATION, **version},
    }


def live(**version: Any) -> dict[str, Any]:
    return {"v1": V1, "v2": {"image": "shop:2", "weight": 100, "shadowIsolation": ISOLATION, **version}}


def rendered(subsets: dict[str, Any], render: Callable[..., dict[str, Any]], *more: Any) -> dict[str, Any]:
    described = parse(service_args(subsets))
    return render(described, described.subsets[1], *more)


def version(subsets: dict[str, Any]) -> Subset:
    return parse(service_args(subsets)).subsets[1]


def sidecar(subsets: dict[str, Any]) -> dict[str, Any]:
    return rendered(subsets, isolation.sidecar, version(subsets).shadow_isolation)


def policy(subsets: dict[str, Any], name: str) -> dict[str, Any]:
    described = version(subsets).shadow_isolation
    assert described is not None
    return rendered(subsets, isolation.authorization_policy, name, described.protects[name])


def network(subsets: dict[str, Any]) -> dict[str, Any]:
    described = version(subsets).shadow_isolation
    assert described is not None
    return rendered(subsets, isolation.network_policy, described.network_policy)


def register(subsets: dict[str, Any], **changes: Any) -> dict[tuple[str, str], Registered]:
    _, registered = record(lambda: MirroredService("nginx", service_args(subsets, **changes)))
    return {(found.type.rsplit(":", 1)[-1], found.name): found for found in registered}


def test_the_sidecar_of_a_shadow_knows_only_the_hosts_that_are_listed() -> None:
    assert sidecar(shadow()) == {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Sidecar",
        "metadata": {
            "name": "nginx-v2",
            "namespace": "istio-project",
            "labels": {
                "app": "nginx",
                "version": "v2",
                "app.kubernetes.io/name": "nginx",
                "app.kubernetes.io/version": "v2",
                "app.kubernetes.io/managed-by": "mirrored-service",
            },
            "annotations": {"pulumi.com/patchForce": "true"},
        },
        "spec": {
            "workloadSelector": {"labels": {"app": "nginx", "version": "v2"}},
            "egress": [{"hosts": ["*/shadow-db.shop.svc.cluster.local", "*/*.example.org"]}],
            "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
        },
    }


def test_an_empty_list_of_hosts_is_no_host_and_not_every_host() -> None:
    nothing = shadow(shadowIsolation={"mayReach": []})
    assert sidecar(nothing)["spec"]["egress"] == [{"hosts": ["~/*"]}]


def test_the_sidecar_of_a_live_version_is_as_open_as_the_mesh() -> None:
    opened = sidecar(live())
    assert opened["spec"]["egress"] == [{"hosts": ["*/*"]}]
    assert "outboundTrafficPolicy" not in opened["spec"]


@pytest.mark.parametrize(("name", "namespace"), [("db", "data"), ("queue", "istio-project")])
def test_a_protected_workload_refuses_the_version_by_its_identity(name: str, namespace: str) -> None:
    found = policy(shadow(), name)
    assert (found["apiVersion"], found["metadata"]["namespace"]) == ("security.istio.io/v1", namespace)
    assert found["spec"] == {
        "selector": {"matchLabels": ISOLATION["protects"][name]["labels"]},  # type: ignore[index]
        "action": "DENY",
        "rules": [{"from": [{"source": {"principals": ["*/ns/istio-project/sa/nginx-v2"]}}]}],
    }


def test_a_protected_workload_refuses_nobody_when_the_version_is_live() -> None:
    opened, closed = policy(live(), "db"), policy(shadow(), "db")
    assert opened["spec"]["rules"] == [{"from": [{"source": {"principals": ["nobody"]}}]}]
    assert {**opened, "spec": {**opened["spec"], "rules": closed["spec"]["rules"]}} == closed


def test_the_network_lets_out_dns_istiod_and_what_is_listed() -> None:
    spec = network(shadow())["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app": "nginx", "version": "v2"}}
    assert spec["policyTypes"] == ["Egress"]
    always, listed = spec["egress"]
    assert [(port["protocol"], port["port"]) for port in always["ports"]] == [
        ("UDP", 53),
        ("TCP", 53),
        ("TCP", 15012),
    ]
    assert listed == {
        "to": [
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "istio-project"}},
                "podSelector": {"matchLabels": {"app": "shadow-db"}},
            },
            {"ipBlock": {"cidr": "10.20.0.0/16"}},
        ]
    }


def test_the_network_lets_out_nothing_else_when_nothing_is_listed() -> None:
    nothing = shadow(shadowIsolation={"mayReach": [], "networkPolicy": {}})
    assert [set(rule) for rule in network(nothing)["spec"]["egress"]] == [{"ports"}]


def test_the_network_lets_out_everything_when_the_version_is_live() -> None:
    assert network(live())["spec"]["egress"] == [{}]


def test_the_objects_are_the_same_in_every_role() -> None:
    idle = shadow(mirrorPercent=0)
    roles = [set(register(subsets)) for subsets in (shadow(), idle, live())]
    assert roles[0] == roles[1] == roles[2]
    assert roles[0] >= OBJECTS


def test_a_shadow_that_gets_no_copies_stays_contained() -> None:
    assert sidecar(shadow(mirrorPercent=0)) == sidecar(shadow())
    assert policy(shadow(mirrorPercent=0), "db") == policy(shadow(), "db")


def test_nothing_is_added_without_isolation() -> None:
    assert not OBJECTS & set(register({"v1": {**V1, "weight": 100}, "v2": {"image": "shop:2"}}))


def test_a_version_that_is_not_live_is_contained_after_the_routes_and_before_its_pods() -> None:
    registered = register(shadow())
    for found in OBJECTS:
        assert registered[found].needs == {"nginx-namespace", "nginx-versions"}
    assert registered["Deployment", "nginx-v2"].needs >= {"nginx-v2", "nginx-v2-db", "nginx-v2-queue"}


def test_a_live_version_is_let_out_before_its_pods_and_the_routes() -> None:
    registered = register(live())
    for found in OBJECTS:
        assert registered[found].needs == {"nginx-namespace", "nginx-versions", "nginx-v2"}
    assert registered["Deployment", "nginx-v2"].needs >= {"nginx-v2", "nginx-v2-db", "nginx-v2-queue"}
    assert "nginx-v2" in registered["VirtualService", "nginx-mesh"].needs


def test_policies_of_other_services_and_versions_have_other_names() -> None:
    def name(service: str, namespace: str, subset: str, workload: str) -> str:
        isolation = {"mayReach": [], "protects": {workload: {"labels": {"app": "db"}, "namespace": "data"}}}
        subsets = {"v0": {**V1, "weight": 100}, subset: {"image": "shop:2", "shadowIsolation": isolation}}
        objects = render(service_args(subsets, name=service, namespace=namespace))
        (found,) = [made["metadata"] for made in objects if made["kind"] == "AuthorizationPolicy"]
        assert found["namespace"] == "data"
        return str(found["name"])

    described = [
        ("shop", "shop", "v2", "db"),
        ("shop", "shop-staging", "v2", "db"),
        ("shop", "shop", "v2", "a-b"),
        ("shop", "shop", "v2-a", "b"),
        ("shop-v2", "shop", "a", "b"),
    ]
    assert len({name(*parts) for parts in described}) == len(described)


def test_two_workloads_that_would_give_one_resource_are_refused() -> None:
    def isolation(workload: str) -> dict[str, Any]:
        return {"mayReach": [], "protects": {workload: {"labels": {"app": "db"}}}}

    subsets = {
        "v1": {**V1, "weight": 100},
        "v2": {"image": "shop:2", "shadowIsolation": isolation("a-b")},
        "v2-a": {"image": "shop:3", "shadowIsolation": isolation("b")},
    }
    assert problems(service_args(subsets)) == (
        "subsets.v2-a.shadowIsolation.protects: the name 'b' is not allowed; allowed: another one, as 'v2-a-b' "
        "is what v2 makes of one of its own",
    )


def test_the_pods_run_as_an_account_of_their_own() -> None:
    pod = rendered(shadow(), pods.deployment)["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "nginx-v2"


def test_the_pods_name_the_default_account_when_they_have_none_of_their_own() -> None:
    """A name that is only left out stays: Kubernetes takes it from the field's old spelling."""
    plain = {"v1": {**V1, "weight": 100}, "v2": {"image": "shop:2"}}
    assert rendered(plain, pods.deployment)["spec"]["template"]["spec"]["serviceAccountName"] == "default"


def test_an_account_that_is_named_is_used_and_not_made() -> None:
    named = shadow(podTemplate={"spec": {"serviceAccountName": "shop-shadow"}})
    assert ("ServiceAccount", "nginx-v2") not in register(named)
    assert rendered(named, pods.deployment)["spec"]["template"]["spec"]["serviceAccountName"] == "shop-shadow"
    (rule,) = policy(named, "db")["spec"]["rules"]
    assert rule["from"] == [{"source": {"principals": ["*/ns/istio-project/sa/shop-shadow"]}}]


def test_a_version_that_is_kept_keeps_its_account() -> None:
    assert register(live(), keepOnDestroy=True)["ServiceAccount", "nginx-v2"].kept
    assert not register(shadow(), keepOnDestroy=True)["ServiceAccount", "nginx-v2"].kept
