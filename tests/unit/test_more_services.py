"""moreServices: further Services that lead to the live version, as the callers' one does."""

from typing import Any

import pytest

from mirrored_service import warnings
from mirrored_service.description.service import Service
from mirrored_service.plan import Step, plan
from mirrored_service.reading.service import parse
from mirrored_service.rendering import routes
from mirrored_service.rendering import service as services
from tests.refusals import NOT, PORT, V1, problems
from tests.services import service_args

PORTS: list[dict[str, Any]] = [
    {"name": "http", "port": 80, "targetPort": 8080},
    {"name": "metrics", "port": 9090, "appProtocol": "tcp"},
]
V2_LIVE = {"v1": {"image": "shop:1"}, "v2": {"image": "shop:2", "weight": 100}}


def service(more: Any, subsets: dict[str, Any] | None = None, **changes: Any) -> Service:
    return parse(service_args(subsets, moreServices=more, **changes))


def made(more: Any, subsets: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The one Service that is made of these."""
    described = service(more, subsets, **changes)
    (each,) = described.more_services
    return services.more_service(described, each)


def ports(*given: dict[str, Any], **changes: Any) -> Any:
    return made({"old": {"ports": list(given)}}, **changes)["spec"]["ports"]


def test_it_leads_to_the_live_version_with_the_services_ports() -> None:
    assert made({"old-shop": {}}, ports=PORTS) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "old-shop",
            "namespace": "istio-project",
            "labels": {
                "app": "nginx",
                "app.kubernetes.io/name": "nginx",
                "app.kubernetes.io/managed-by": "mirrored-service",
            },
            "annotations": {"pulumi.com/patchForce": "true", "pulumi.com/skipAwait": "true"},
        },
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": "nginx", "version": "v1"},
            "ports": [
                {"name": "http", "port": 80, "appProtocol": "http", "targetPort": "app"},
                {"name": "metrics", "port": 9090, "appProtocol": "tcp", "targetPort": "metrics"},
            ],
        },
    }


def test_its_selector_is_the_callers_one_in_every_role() -> None:
    for subsets in (None, V2_LIVE):
        described = service({"old": {}}, subsets)
        selector = services.callers_service(described)["spec"]["selector"]
        assert made({"old": {}}, subsets)["spec"]["selector"] == selector


def test_everything_else_is_kubernetes_own_words() -> None:
    spec = {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",
        "loadBalancerSourceRanges": ["10.0.0.0/8"],
    }
    annotations = {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"}
    found = made({"shop-external": {**spec, "annotations": annotations}})
    assert {**found["spec"], **spec} == found["spec"]
    assert found["metadata"]["annotations"] == {
        **annotations,
        "pulumi.com/patchForce": "true",
        "pulumi.com/skipAwait": "true",
    }


@pytest.mark.parametrize(
    ("entry", "target"),
    [
        ({"name": "http", "port": 8000}, "app"),
        ({"name": "web", "port": 80}, "app"),
        ({"name": "metrics", "port": 1}, "metrics"),
        ({"name": "old", "port": 1, "targetPort": "http"}, "app"),
        ({"name": "old", "port": 1, "targetPort": 9113}, 9113),
        ({"name": "old", "port": 1, "targetPort": "exporter"}, "exporter"),
    ],
)
def test_a_port_leads_to_the_services_port_of_its_name_or_number_or_where_it_says(
    entry: dict[str, Any], target: Any
) -> None:
    assert ports(entry, ports=PORTS)[0]["targetPort"] == target


def test_where_the_service_has_one_port_every_port_leads_there() -> None:
    (found,) = ports({"port": 8000})
    assert found == {"port": 8000, "appProtocol": "http", "targetPort": "app"}


def test_pods_that_others_run_are_found_by_number() -> None:
    v1 = {"podLabels": {"app": "nginx", "version": "1"}, "weight": 100}
    found = made({"old": {}}, {"v1": v1}, ports=PORTS)["spec"]["ports"]
    assert [port["targetPort"] for port in found] == [8080, 9090]


def step(more: Any, **changes: Any) -> tuple[Step, list[Step]]:
    steps = plan(service(more, **changes))
    return next(found for found in steps if found.suffix.startswith("more-")), list(steps)


def test_it_is_made_like_the_callers_service_and_the_routes_come_after_it() -> None:
    for keep in (True, False):
        found, steps = step({"old": {}}, keepOnDestroy=keep)
        callers = next(each for each in steps if each.suffix == "callers")
        assert (found.suffix, found.needs, found.kept) == ("more-old", callers.needs, callers.kept)
        routed = [each for each in steps if each.key[0] == "VirtualService"]
        assert routed
        assert all(found.key in each.needs for each in routed)


def test_an_address_is_the_clusters_unless_it_is_given() -> None:
    assert step({"old": {}})[0].unmanaged == ("spec.clusterIP", "spec.clusterIPs")
    assert step({"old": {"clusterIP": "10.96.0.9"}})[0].unmanaged == ("spec.clusterIPs",)


def hosts(more: Any, **changes: Any) -> list[str]:
    found: list[str] = routes.mesh_virtual_service(service(more, **changes))["spec"]["hosts"]
    return [host.split(".")[0] for host in found]


TWO = [{"name": "http", "port": 80}, {"name": "http2", "port": 81}]


@pytest.mark.parametrize(
    ("entries", "of", "routed"),
    [
        (None, PORTS, True),
        ([{"name": "http", "port": 8000}], PORTS, True),
        ([{"name": "http", "port": 80}, {"name": "http-x", "port": 1, "targetPort": 9113}], PORTS, False),
        ([{"name": "http", "port": 80}, {"name": "x", "port": 1, "targetPort": 9113}], PORTS, False),
        ([{"name": "http", "port": 80}, {"name": "tcp-x", "port": 1, "targetPort": 9113}], PORTS, True),
        ([{"name": "metrics", "port": 9090}], PORTS, False),
        (None, TWO, True),
        ([{"name": "http2", "port": 81}], TWO, True),
        ([{"name": "http2", "port": 82}], TWO, False),
    ],
)
def test_callers_inside_the_mesh_are_routed_where_its_ports_are_those_of_the_service(
    entries: Any, of: Any, routed: bool
) -> None:
    more = {"old": {"ports": entries} if entries else {}}
    assert hosts(more, ports=of) == ["nginx", *(["old"] if routed else [])]
    said = [line for line in warnings.of(service(more, ports=of)) if line.startswith("moreServices.old")]
    unrouted_http = not routed and entries != [{"name": "metrics", "port": 9090}]
    assert bool(said) == unrouted_http


REFUSED: list[tuple[str, Any, str]] = [
    ("a list", ["old"], f"moreServices: a list {NOT} Services by name"),
    (
        "a name that is none",
        {"Old": {}},
        f"moreServices: the name 'Old' {NOT} a DNS label that starts with a letter: a-z, 0-9 and '-', at most 63",
    ),
    (
        "the service's name",
        {"nginx": {}},
        f"moreServices: the name 'nginx' {NOT} none of the service's own Services",
    ),
    (
        "the name of the mesh's Service",
        {"nginx-versions": {}},
        f"moreServices: the name 'nginx-versions' {NOT} none of the service's own Services",
    ),
    ("no mapping", {"old": 80}, f"moreServices.old: a number {NOT} Kubernetes' ServiceSpec"),
    ("a misspelt field", {"old": {"tpye": "x"}}, "moreServices.old.tpye: unknown, did you mean type?"),
    (
        "a selector",
        {"old": {"selector": {"app": "shop"}}},
        f"moreServices.old.selector: a mapping {NOT} no selector, as it always is that of the live version",
    ),
    (
        "another name",
        {"old": {"externalName": "a.example"}},
        f"moreServices.old.externalName: a string {NOT} no other name, as the Service leads to the live version",
    ),
    (
        "the type for another name",
        {"old": {"type": "ExternalName"}},
        f"moreServices.old.type: 'ExternalName' {NOT} ClusterIP, NodePort or LoadBalancer",
    ),
    (
        "pods that are not ready",
        {"old": {"publishNotReadyAddresses": True}},
        f"moreServices.old.publishNotReadyAddresses: a boolean {NOT} false, or requests would go to pods that "
        "cannot take them",
    ),
    (
        "no address",
        {"old": {"clusterIP": "None"}},
        f"moreServices.old.clusterIP: 'None' {NOT} an address, or nothing, as callers of a Service without one "
        "keep the addresses of pods that were live",
    ),
    (
        "no address among several",
        {"old": {"clusterIPs": ["None"]}},
        "moreServices.old.clusterIP: 'None' is not",
    ),
    (
        "a port of the sidecar",
        {"old": {"ports": [{"port": 15021}]}},
        f"moreServices.old.ports[0].port: 15021 {NOT} {PORT}",
    ),
    ("no port", {"old": {"ports": []}}, "moreServices.old.ports: an empty list is not allowed"),
    (
        "a port without a number",
        {"old": {"ports": [{"name": "a"}]}},
        "moreServices.old.ports[0].port: missing",
    ),
    (
        "an annotation of Pulumi",
        {"old": {"annotations": {"pulumi.com/skipAwait": "false"}}},
        f"moreServices.old.annotations: the name 'pulumi.com/skipAwait' {NOT} none of Pulumi's, which the "
        "component sets",
    ),
    (
        "a number as annotation",
        {"old": {"annotations": {"a": 1}}},
        f"moreServices.old.annotations.a: 1 {NOT} a string (put numbers in quotes)",
    ),
]


@pytest.mark.parametrize(("more", "line"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_would_lead_elsewhere_is_refused(more: Any, line: str) -> None:
    (found,) = problems(service_args(moreServices=more))
    assert found.startswith(line)


def test_a_port_that_could_lead_to_several_is_refused() -> None:
    more = {"old": {"ports": [{"name": "web", "port": 8000}]}}
    (line,) = problems(service_args({"v1": V1}, moreServices=more, ports=PORTS))
    assert line == (
        "moreServices.old.ports[0].targetPort: missing; allowed: the name of one of the service's ports (http, "
        "metrics), or a number or name of a port of its pods"
    )
