"""The walkthrough's objects, one by one, and what other arguments change in them."""

from typing import Any

import pytest

from mirrored_service.description.service import Service
from mirrored_service.reading.service import parse
from mirrored_service.rendering import entry, pods, routes
from mirrored_service.rendering import service as services
from mirrored_service.rendering import subset as versions
from tests.services import service_args

VERSIONS_HOST = "nginx-versions.istio-project.svc.cluster.local"
LIMITS = {
    "tcp": {"maxConnections": 128},
    "http": {"http1MaxPendingRequests": 64, "http2MaxRequests": 64, "h2UpgradePolicy": "UPGRADE"},
}
CONFINED = {"allowPrivilegeEscalation": False, "seccompProfile": {"type": "RuntimeDefault"}}
FORCED = {"pulumi.com/patchForce": "true"}
RECOMMENDED = {
    "app.kubernetes.io/name": "nginx",
    "app.kubernetes.io/managed-by": "mirrored-service",
}
LABELS = {"app": "nginx", **RECOMMENDED}
NOT_AWAITED = {"pulumi.com/skipAwait": "true"}
PORT = {"number": 80}
LIVE_V1 = [{"destination": {"host": VERSIONS_HOST, "subset": "v1", "port": PORT}, "weight": 100}]


def service(subsets: dict[str, Any] | None = None, **changes: Any) -> Service:
    return parse(service_args(subsets, **changes))


def mirror(subset: str, percent: float) -> dict[str, Any]:
    destination = {"host": VERSIONS_HOST, "subset": f"{subset}-copies", "port": PORT}
    return {"destination": destination, "percentage": {"value": percent}}


def http(subsets: dict[str, Any] | None = None, **changes: Any) -> list[dict[str, Any]]:
    spec = routes.ingress_virtual_service(service(subsets, **changes))["spec"]
    found: list[dict[str, Any]] = spec["http"]
    return found


def version_labels(version: str) -> dict[str, str]:
    return {**LABELS, "version": version, "app.kubernetes.io/version": version}


def container(**subset: Any) -> dict[str, Any]:
    described = service({"v1": {"image": "shop:1", "weight": 100, **subset}})
    pod = pods.deployment(described, described.main)["spec"]["template"]["spec"]
    found: dict[str, Any] = pod["containers"][0]
    return found


def test_the_namespace_injects_sidecars() -> None:
    assert services.namespace(service()) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "istio-project",
            "labels": {"istio-injection": "enabled", **RECOMMENDED},
            "annotations": FORCED,
        },
    }


def test_how_long_a_new_pod_must_be_ready_is_said_only_where_it_is_not_what_kubernetes_does() -> None:
    def spec(**rollout: int) -> dict[str, Any]:
        version = {"image": "a:1", "weight": 100, "rollout": rollout}
        made = service({"v1": version})
        found: dict[str, Any] = pods.deployment(made, made.main)["spec"]
        return found

    assert spec(minReadySeconds=5)["minReadySeconds"] == 5
    assert "minReadySeconds" not in spec(minReadySeconds=0)


def test_a_version_is_a_deployment_that_is_fit_for_production() -> None:
    labels = {"app": "nginx", "version": "v1"}
    assert pods.deployment(service(), service().main) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "nginx-v1",
            "namespace": "istio-project",
            "labels": version_labels("v1"),
            "annotations": {**FORCED, "pulumi.com/deletionPropagationPolicy": "background"},
        },
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "progressDeadlineSeconds": 300,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": "default",
                    "terminationGracePeriodSeconds": 45,
                    "containers": [
                        {
                            "name": "nginx",
                            "image": "lab.local/nginx-v1:1",
                            "ports": [{"name": "app", "containerPort": 80}],
                            "readinessProbe": {
                                "httpGet": {"path": "/", "port": "app"},
                                "periodSeconds": 2,
                                "timeoutSeconds": 1,
                                "failureThreshold": 3,
                            },
                            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
                            "securityContext": CONFINED,
                            "lifecycle": {"preStop": {"sleep": {"seconds": 15}}},
                        }
                    ],
                },
            },
        },
    }


def test_callers_reach_only_the_live_version() -> None:
    assert services.callers_service(service()) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "nginx",
            "namespace": "istio-project",
            "labels": LABELS,
            "annotations": {**FORCED, **NOT_AWAITED},
        },
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": "nginx", "version": "v1"},
            "ports": [{"name": "http", "appProtocol": "http", "port": 80, "targetPort": "app"}],
        },
    }


def test_the_mesh_reaches_every_version_and_nobody_waits_for_it() -> None:
    manifest = services.mesh_service(service())
    assert manifest["metadata"]["name"] == "nginx-versions"
    assert manifest["metadata"]["annotations"] == {**FORCED, **NOT_AWAITED}
    assert manifest["spec"]["selector"] == {"app": "nginx"}


def test_pods_are_found_by_the_name_of_their_port_so_that_old_and_new_ones_may_listen_on_different_ones() -> (
    None
):
    described = service(
        {
            "v1": {"image": "shop:1", "weight": 100, "containerPort": 8080},
            "v2": {"image": "shop:2", "containerPort": 9090},
        }
    )
    for made in (services.callers_service(described), services.mesh_service(described)):
        assert made["spec"]["ports"][0]["targetPort"] == "app"
    for version, port in zip(described.subsets, (8080, 9090), strict=True):
        pod = pods.deployment(described, version)["spec"]["template"]["spec"]
        assert pod["containers"][0]["ports"] == [{"name": "app", "containerPort": port}]


def rule(version: str, *subsets: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {
            "name": f"nginx-{version}",
            "namespace": "istio-project",
            "labels": version_labels(version),
            "annotations": FORCED,
        },
        "spec": {"host": VERSIONS_HOST, "subsets": list(subsets)},
    }


def test_each_version_has_a_destination_rule_of_its_own_that_limits_copies_and_nothing_else() -> None:
    described = service()
    v1, v2 = (versions.destination_rule(described, subset) for subset in described.subsets)
    assert v1 == rule("v1", {"name": "v1", "labels": {"version": "v1"}})
    assert v2 == rule(
        "v2",
        {"name": "v2", "labels": {"version": "v2"}},
        {
            "name": "v2-copies",
            "labels": {"version": "v2"},
            "trafficPolicy": {"connectionPool": LIMITS},
        },
    )


@pytest.mark.parametrize(
    ("role", "copies"), [({"weight": 50}, False), ({"mirrorPercent": 1}, True), ({}, True)]
)
def test_copies_have_nowhere_to_go_while_a_version_is_live(role: dict[str, Any], copies: bool) -> None:
    weight = 100 - role.get("weight", 0)
    described = service({"v1": {"image": "shop:1", "weight": weight}, "v2": {"image": "shop:2", **role}})
    subsets = versions.destination_rule(described, described.subsets[1])["spec"]["subsets"]
    assert [subset["name"] for subset in subsets] == ["v2", *(["v2-copies"] if copies else [])]
    assert all(subset["labels"] == {"version": "v2"} for subset in subsets)


def test_what_contains_a_version_outlives_its_pods() -> None:
    contained = {"image": "shop:1", "weight": 100, "shadowIsolation": {"mayReach": []}}
    made = pods.deployment(service({"v1": contained}), service({"v1": contained}).main)
    assert made["metadata"]["annotations"]["pulumi.com/deletionPropagationPolicy"] == "foreground"


def test_the_gateway_opens_port_80_of_the_ingress_gateway() -> None:
    assert entry.gateway(service()) == {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {
            "name": "nginx-gateway",
            "namespace": "istio-project",
            "labels": LABELS,
            "annotations": FORCED,
        },
        "spec": {
            "selector": {"istio": "ingressgateway"},
            "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
        },
    }


def test_requests_through_the_gateway_go_to_v1_and_those_that_only_read_are_copied_to_v2() -> None:
    assert routes.ingress_virtual_service(service()) == {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {
            "name": "nginx-vs",
            "namespace": "istio-project",
            "labels": LABELS,
            "annotations": FORCED,
        },
        "spec": {
            "hosts": ["*"],
            "gateways": ["nginx-gateway"],
            "http": [
                {
                    "match": [{"method": {"exact": method}} for method in ("GET", "HEAD", "OPTIONS")],
                    "route": LIVE_V1,
                    "mirrors": [mirror("v2", 100)],
                },
                {"route": LIVE_V1},
            ],
        },
    }


def test_a_version_logs_what_comes_in_with_the_providers_that_are_named() -> None:
    described = service(accessLog={"providers": ["mirrored-service-json", "envoy"]})
    labels = {"app": "nginx", "version": "v1"}
    assert versions.telemetry(described, described.main) == {
        "apiVersion": "telemetry.istio.io/v1",
        "kind": "Telemetry",
        "metadata": {
            "name": "nginx-v1",
            "namespace": "istio-project",
            "labels": version_labels("v1"),
            "annotations": FORCED,
        },
        "spec": {
            "selector": {"matchLabels": labels},
            "accessLogging": [
                {
                    "match": {"mode": "SERVER"},
                    "providers": [{"name": "mirrored-service-json"}, {"name": "envoy"}],
                }
            ],
        },
    }


def test_callers_inside_the_mesh_get_the_same_routes() -> None:
    manifest = routes.mesh_virtual_service(service())
    assert manifest["metadata"]["name"] == "nginx-mesh"
    assert manifest["spec"]["hosts"] == ["nginx.istio-project.svc.cluster.local"]
    assert manifest["spec"]["gateways"] == ["mesh"]
    assert manifest["spec"]["http"] == http()


def test_without_a_shadow_there_is_one_route_and_no_mirror() -> None:
    assert http({"v1": {"image": "shop:1", "weight": 100}}) == [{"route": LIVE_V1}]


def test_at_zero_percent_nothing_names_the_shadow_but_it_stays_deployed() -> None:
    subsets = {"v1": {"image": "shop:1", "weight": 100}, "v2": {"image": "shop:2", "mirrorPercent": 0}}
    assert http(subsets) == [{"route": LIVE_V1}]
    assert [subset.name for subset in service(subsets).subsets] == ["v1", "v2"]


def test_all_methods_are_copied_when_asked_for() -> None:
    assert http(mirrorMatch={"methods": ["*"]}) == [{"route": LIVE_V1, "mirrors": [mirror("v2", 100)]}]


def test_above_100_percent_a_request_is_copied_more_than_once() -> None:
    subsets = {"v1": {"image": "shop:1", "weight": 100}, "v2": {"image": "shop:2", "mirrorPercent": 250}}
    assert http(subsets)[0]["mirrors"] == [mirror("v2", 100), mirror("v2", 100), mirror("v2", 50)]


def test_two_shadows_get_a_mirror_each() -> None:
    subsets = {
        "v1": {"image": "shop:1", "weight": 100},
        "v2": {"image": "shop:2", "mirrorPercent": 100},
        "v3": {"image": "shop:3", "mirrorPercent": 0.5},
    }
    assert http(subsets)[0]["mirrors"] == [mirror("v2", 100), mirror("v3", 0.5)]


def test_a_split_sends_callers_without_a_sidecar_to_the_larger_part() -> None:
    described = service({"v1": {"image": "shop:1", "weight": 10}, "v2": {"image": "shop:2", "weight": 90}})
    weights = {
        route["destination"]["subset"]: route["weight"]
        for route in routes.ingress_virtual_service(described)["spec"]["http"][0]["route"]
    }
    assert weights == {"v1": 10, "v2": 90}
    assert services.callers_service(described)["spec"]["selector"] == {"app": "nginx", "version": "v2"}


def test_promotion_renames_no_object_and_keeps_every_selector() -> None:
    before = service()
    after = service(
        {"v1": {"image": "lab.local/nginx-v1:1"}, "v2": {"image": "lab.local/nginx-v2:1", "weight": 100}}
    )
    for old, new in zip(before.subsets, after.subsets, strict=True):
        assert pods.deployment(before, old) == pods.deployment(after, new)
        (was, *_), (is_now, *_) = (
            versions.destination_rule(described, subset)["spec"]["subsets"]
            for described, subset in ((before, old), (after, new))
        )
        assert was == is_now
    assert services.mesh_service(before) == services.mesh_service(after)


def test_the_order_in_which_versions_are_written_changes_nothing() -> None:
    subsets = {"v1": {"image": "a", "weight": 50}, "v2": {"image": "b", "weight": 50}}
    backwards = dict(reversed(subsets.items()))
    assert http(subsets) == http(backwards)
    assert service(subsets).main == service(backwards).main


def test_an_existing_gateway_is_named_in_the_route() -> None:
    described = service(gateway={"existing": "istio-system/shared"})
    assert routes.ingress_virtual_service(described)["spec"]["gateways"] == ["istio-system/shared"]


@pytest.mark.parametrize("protocol", ["http2", "grpc"])
def test_ports_tell_the_mesh_the_protocol(protocol: str) -> None:
    described = service(ports=[{"name": protocol, "port": 9000}], mirrorMatch={"methods": ["*"]})
    assert services.callers_service(described)["spec"]["ports"] == [
        {"name": protocol, "appProtocol": protocol, "port": 9000, "targetPort": "app"}
    ]


def test_a_container_takes_what_its_subset_says() -> None:
    assert container(
        containerPort=8080,
        env={"B": "2", "A": "1"},
        resources={"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
        stop={"delaySeconds": 0},
    ) == {
        "name": "nginx",
        "image": "shop:1",
        "ports": [{"name": "app", "containerPort": 8080}],
        "readinessProbe": {
            "httpGet": {"path": "/", "port": "app"},
            "periodSeconds": 2,
            "timeoutSeconds": 1,
            "failureThreshold": 3,
        },
        "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
        "securityContext": CONFINED,
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    }


def test_a_grpc_pod_is_probed_by_a_connection() -> None:
    described = service(ports=[{"name": "grpc", "port": 80}], mirrorMatch={"methods": ["*"]})
    pod = pods.deployment(described, described.main)["spec"]["template"]["spec"]
    assert pod["containers"][0]["readinessProbe"]["tcpSocket"] == {"port": "app"}
