"""What is written in Kubernetes' and Istio's own words is checked at every depth before anything is changed."""

from typing import Any

import pulumi
import pytest

from mirrored_service.description import openapi
from mirrored_service.reading import known_fields
from mirrored_service.reading.fields import Problems


def checked(raw: Any, kind: str, **options: bool) -> tuple[Any, list[str]]:
    problems = Problems()
    return known_fields.checked(problems, ("here",), raw, kind, **options), problems.lines


def container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "shop", **fields}]}}


@pytest.mark.parametrize(
    ("raw", "kind", "line"),
    [
        (
            container(livenesProbe={}),
            openapi.POD_TEMPLATE,
            "here.spec.containers[0].livenesProbe: unknown, did you mean livenessProbe?",
        ),
        (
            container(securityContext={"capabilities": {"dorp": ["ALL"]}}),
            openapi.POD_TEMPLATE,
            "here.spec.containers[0].securityContext.capabilities.dorp: unknown, did you mean drop?",
        ),
        (
            {"spec": {"terminationGracePeriodSeconds": "30"}},
            openapi.POD_TEMPLATE,
            "here.spec.terminationGracePeriodSeconds: a string is not allowed; allowed: a whole number",
        ),
        (
            {"metadata": {"annotations": {"prometheus.io/port": 9090}}},
            openapi.POD_TEMPLATE,
            'here.metadata.annotations["prometheus.io/port"]: a number is not allowed; allowed: a string',
        ),
        (
            {"spec": {"volumes": [{"name": "a", "emptyDir": {"sizeLimit": "much"}}]}},
            openapi.POD_TEMPLATE,
            "here.spec.volumes[0].emptyDir.sizeLimit: a string is not allowed; allowed: a quantity, such as",
        ),
        ({"spec": {"containers": {}}}, openapi.POD_TEMPLATE, "here.spec.containers: an empty mapping is not"),
        (
            {"retries": {"atempts": 2}},
            openapi.ROUTE,
            "here.retries.atempts: unknown, did you mean attempts?",
        ),
        (
            {"match": [{"uri": {"prefx": "/"}}]},
            openapi.ROUTE,
            "here.match[0].uri.prefx: unknown, did you mean prefix?",
        ),
        (
            {"loadBalancer": {"simple": "RUOND_ROBIN"}},
            openapi.TRAFFIC_POLICY,
            "here.loadBalancer.simple: a string is not allowed; allowed: UNSPECIFIED or LEAST_CONN",
        ),
        (
            container(livenessProbe={"httpGet": {"port": 0.5}}),
            openapi.POD_TEMPLATE,
            "here.spec.containers[0].livenessProbe.httpGet.port: a number is not allowed",
        ),
        ({"maxReplicas": 2.5}, openapi.AUTOSCALER, "here.maxReplicas: a number is not allowed"),
        ({"minReplicas": 2}, openapi.AUTOSCALER, "here.maxReplicas: missing"),
        (
            {"maxUnavailable": True},
            openapi.DISRUPTION_BUDGET,
            "here.maxUnavailable: a boolean is not allowed",
        ),
    ],
)
def test_a_mistake_at_any_depth_is_named_by_its_path(raw: Any, kind: str, line: str) -> None:
    _, lines = checked(raw, kind)
    assert [found for found in lines if found.startswith(line)], lines


def test_what_the_api_server_takes_is_taken_as_it_is() -> None:
    raw = {
        "metadata": {"annotations": {"anything.example/goes": "here"}, "labels": {"team": "shop"}},
        "spec": {
            "containers": [
                {
                    "name": "shop",
                    "ports": [{"containerPort": 8080}],
                    "livenessProbe": {"httpGet": {"port": "app", "path": "/"}, "periodSeconds": 5},
                    "resources": {"limits": {"cpu": 2, "memory": "1Gi"}},
                }
            ],
            "volumes": [{"name": "scratch", "emptyDir": {}}],
        },
    }
    assert checked(raw, openapi.POD_TEMPLATE) == (raw, [])


def test_whole_numbers_of_other_languages_are_whole_again() -> None:
    found, _ = checked({"maxReplicas": 5.0, "minReplicas": 2.0}, openapi.AUTOSCALER, partial=True)
    assert repr(found) == "{'maxReplicas': 5, 'minReplicas': 2}"


def test_no_value_is_ever_shown() -> None:
    _, lines = checked(
        container(image=["hunter2"], env="hunter2", args=[{"hunter2": 1}]), openapi.POD_TEMPLATE
    )
    assert len(lines) == 3
    assert "hunter2" not in " ".join(lines)


def test_an_output_of_another_resource_is_taken_wherever_a_value_may_be() -> None:
    known_later = pulumi.Output.from_input("registry.example/shop:1")
    found, lines = checked(container(image=known_later), openapi.POD_TEMPLATE)
    assert lines == []
    assert found["spec"]["containers"][0]["image"] is known_later


def test_null_takes_away_from_what_it_is_merged_over_and_is_nothing_elsewhere() -> None:
    raw = {"spec": {"containers": [{"name": "a", "readinessProbe": None}]}}
    assert checked(raw, openapi.POD_TEMPLATE, partial=True) == (raw, [])
    _, lines = checked(raw, openapi.POD_TEMPLATE)
    assert "here.spec.containers[0].readinessProbe: null is not allowed; allowed: a mapping" in lines


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ({"spec": {"containers": [{"image": "a"}]}}, "here.spec.containers[0].name: missing"),
        (
            container(ports=[{"containerPort": 1, "protocol": "TCP"}, {"containerPort": 1}]),
            "here.spec.containers[0].ports[1]: is there before; allowed: each containerPort and protocol once",
        ),
        (
            container(env=[{"name": pulumi.Output.from_input("A")}]),
            "here.spec.containers[0].env[0].name: an output is not allowed; allowed: a plain value, which tells "
            "it from the others",
        ),
        (
            {"spec": {"containers": [None]}},
            "here.spec.containers[0]: null is not allowed; allowed: a mapping",
        ),
        ({"spec": pulumi.Output.from_input({})}, "here.spec: an output is not allowed; allowed: a mapping"),
    ],
)
@pytest.mark.parametrize("partial", [True, False])
def test_members_of_a_list_can_be_told_apart(raw: Any, line: str, partial: bool) -> None:
    assert checked(raw, openapi.POD_TEMPLATE, partial=partial)[1] == [line]


def test_what_is_needed_may_be_in_what_it_is_merged_over() -> None:
    written = container(livenessProbe={"httpGet": {"path": "/"}}, volumeMounts=[{"mountPath": "/a"}])
    under = container(livenessProbe={"httpGet": {"port": 80}})
    problems = Problems()
    known_fields.check_whole(problems, ("here",), written, under, {"$ref": openapi.POD_TEMPLATE})
    assert problems.lines == ["here.spec.containers[0].volumeMounts[0].name: missing"]
