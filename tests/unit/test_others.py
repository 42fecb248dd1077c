"""Versions whose pods others run: what is built around them, and what cannot work."""

from typing import Any

import pytest

from mirrored_service import MirroredService, warnings
from mirrored_service.description.service import Service
from mirrored_service.reading.service import parse
from mirrored_service.rendering import routes
from mirrored_service.rendering import service as services
from mirrored_service.rendering import subset as versions
from tests.recorder import record
from tests.refusals import NOT, V1, problems
from tests.services import service_args

# As Helm labels pods, and no version of which has a label "version".
STABLE = {"app.kubernetes.io/name": "shop", "app.kubernetes.io/instance": "shop-stable"}
NEXT = {"app.kubernetes.io/name": "shop", "app.kubernetes.io/instance": "shop-next"}
BOTH: dict[str, Any] = {
    "v1": {"podLabels": STABLE, "weight": 100, "containerPort": 8080},
    "v2": {"podLabels": NEXT, "mirrorPercent": 50, "containerPort": 8080},
}
# A live version that others run, and a shadow that the component runs.
MIXED: dict[str, Any] = {
    "old": {"podLabels": {"app": "nginx", "version": "1.8"}, "weight": 100},
    "v2": {"image": "shop:2", "mirrorPercent": 100},
}
NOTHING = "nothing next to podLabels, as others run these pods"


def service(subsets: dict[str, Any]) -> Service:
    return parse(service_args(subsets, createNamespace=False))


def registered(subsets: dict[str, Any]) -> set[tuple[str, str]]:
    _, found = record(lambda: MirroredService("nginx", service_args(subsets, createNamespace=False)))
    return {(thing.type.rsplit(":", 1)[-1], thing.name) for thing in found}


def test_no_pods_are_made_and_everything_around_them_is() -> None:
    assert registered(BOTH) == {
        ("MirroredService", "nginx"),
        ("Service", "nginx-callers"),
        ("Service", "nginx-versions"),
        ("DestinationRule", "nginx-v1"),
        ("DestinationRule", "nginx-v2"),
        ("Gateway", "nginx-gateway"),
        ("VirtualService", "nginx-ingress"),
        ("VirtualService", "nginx-mesh"),
    }


def test_pulumi_waits_for_the_callers_service_where_nobody_waited_for_the_pods() -> None:
    annotations = services.callers_service(service(MIXED))["metadata"]["annotations"]
    assert "pulumi.com/skipAwait" not in annotations


def test_callers_reach_the_live_version_by_all_of_its_labels() -> None:
    spec = services.callers_service(service(BOTH))["spec"]
    assert spec["selector"] == STABLE
    assert spec["ports"][0]["targetPort"] == 8080


def test_the_mesh_reaches_every_version_by_what_they_have_in_common() -> None:
    spec = services.mesh_service(service(BOTH))["spec"]
    assert spec["selector"] == {"app.kubernetes.io/name": "shop"}
    assert spec["ports"][0]["targetPort"] == 8080


def test_the_mesh_tells_versions_apart_by_all_of_their_labels() -> None:
    described = service(BOTH)
    rules = [versions.destination_rule(described, subset)["spec"] for subset in described.subsets]
    assert [[subset["labels"] for subset in rule["subsets"]] for rule in rules] == [
        [STABLE],
        [NEXT] * 2,
    ]
    assert {rule["host"] for rule in rules} == {described.versions_host}


def test_access_logs_are_those_of_the_pods_that_others_run() -> None:
    described = parse(service_args(BOTH, accessLog={"providers": ["json"]}))
    selected = [versions.telemetry(described, subset)["spec"]["selector"] for subset in described.subsets]
    assert selected == [{"matchLabels": STABLE}, {"matchLabels": NEXT}]


def test_pods_of_others_and_pods_of_ours_go_together() -> None:
    described = service(MIXED)
    assert ("Deployment", "nginx-v2") in registered(MIXED)
    assert ("Deployment", "nginx-old") not in registered(MIXED)
    assert services.callers_service(described)["spec"]["selector"] == {"app": "nginx", "version": "1.8"}
    assert services.mesh_service(described)["spec"]["selector"] == {"app": "nginx"}


def test_the_routes_are_those_of_versions_that_the_component_runs() -> None:
    ours = {"v1": {"image": "a", "weight": 100}, "v2": {"image": "b", "mirrorPercent": 50}}
    assert routes.mesh_virtual_service(service(BOTH)) == routes.mesh_virtual_service(service(ours))


def test_nobody_is_warned_of_the_number_of_pods_that_others_run() -> None:
    assert not [line for line in warnings.of(service(BOTH)) if "replicas" in line]


REFUSED: list[tuple[str, Any, str]] = [
    (
        "an image next to labels",
        {"v1": {**V1, "podLabels": STABLE}},
        f"subsets.v1.image: a string {NOT} {NOTHING}",
    ),
    (
        "variables for pods of others",
        {"v1": {"podLabels": STABLE, "weight": 100, "env": {"A": "secret"}}},
        f"subsets.v1.env: a mapping {NOT} {NOTHING}",
    ),
    (
        "no labels",
        {"v1": {"podLabels": {}, "weight": 100}},
        f"subsets.v1.podLabels: an empty mapping {NOT} labels of pods that others run, at least one",
    ),
    (
        "a label's value that is none",
        {"v1": {"podLabels": {"app": "a b"}, "weight": 100}},
        f"subsets.v1.podLabels.app: 'a b' {NOT} the value of a Kubernetes label, at most 63 characters",
    ),
    (
        "labels with nothing in common with ours",
        {"v1": {"podLabels": STABLE, "weight": 100}, "v2": {"image": "shop:2"}},
        "subsets.v1.podLabels: app.kubernetes.io/instance=shop-stable, app.kubernetes.io/name=shop "
        f"{NOT} labels of which all versions have at least one alike, as one Service leads to them all (v2: "
        "app=nginx, version=v2)",
    ),
    (
        "labels that our pods have too",
        {"v1": {"podLabels": {"app": "nginx"}, "weight": 100}, "v2": {"image": "shop:2"}},
        f"subsets.v1.podLabels: app=nginx {NOT} labels of which one has another value than for v2: app=nginx, "
        "version=v2, so that no pod is taken for one of both versions",
    ),
    (
        "labels that go beyond ours",
        {
            "v1": {"image": "a", "weight": 100},
            "x": {"podLabels": {"app": "nginx", "version": "v1", "b": "c"}},
        },
        f"subsets.x.podLabels: app=nginx, b=c, version=v1 {NOT} labels of which one has another value than for "
        "v1: app=nginx, version=v1, so that no pod is taken for one of both versions",
    ),
    (
        "labels of which pods may have both",
        {
            "v1": {"podLabels": {"app": "nginx", "track": "stable"}, "weight": 100},
            "v2": {"podLabels": {"app": "nginx", "release": "2"}},
        },
        f"subsets.v2.podLabels: app=nginx, release=2 {NOT} labels of which one has another value than for v1: "
        "app=nginx, track=stable, so that no pod is taken for one of both versions",
    ),
    (
        "labels of which pods may have ours too",
        {
            "v1": {"podLabels": {"app": "nginx", "release": "1"}, "weight": 100},
            "v2": {"image": "shop:2"},
        },
        f"subsets.v1.podLabels: app=nginx, release=1 {NOT} labels of which one has another value than for v2: "
        "app=nginx, version=v2, so that no pod is taken for one of both versions",
    ),
    (
        "ports that a Service cannot find by number",
        {
            "v1": {"podLabels": {"app": "nginx", "version": "1"}, "weight": 100, "containerPort": 8080},
            "v2": {"image": "shop:2", "containerPort": 9090},
        },
        "subsets: different container ports (v1 8080, v2 9090) are not allowed; allowed: one containerPort for "
        "all versions next to podLabels, as a Service finds it by number",
    ),
]


@pytest.mark.parametrize(
    ("subsets", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_it_refuses(subsets: Any, message: str) -> None:
    assert problems(service_args(subsets)) == (message,)
