"""What a version's pods have around them, and how far they are confined."""

from typing import Any

import pulumi
import pytest

from mirrored_service.reading.service import parse
from mirrored_service.rendering import pods
from tests.services import service_args

CONFINED = {"allowPrivilegeEscalation": False, "seccompProfile": {"type": "RuntimeDefault"}}
RESTRICTED = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}


def pod(**version: Any) -> dict[str, Any]:
    described = parse(service_args({"v1": {"image": "shop:1", "weight": 100, **version}}))
    found: dict[str, Any] = pods.deployment(described, described.main)["spec"]["template"]["spec"]
    return found


def container(**version: Any) -> dict[str, Any]:
    found: dict[str, Any] = pod(**version)["containers"][0]
    return found


def test_what_is_not_asked_for_is_not_in_the_pod() -> None:
    assert set(pod()) == {"serviceAccountName", "terminationGracePeriodSeconds", "containers"}
    assert not {"env", "volumeMounts"} & set(container())


def test_secrets_come_first_so_that_other_variables_may_use_them() -> None:
    assert container(
        env={"A_URL": "db://app:$(PASSWORD)@db"},
        secretEnv={"PASSWORD": {"secret": "shop-db", "key": "password"}},
    )["env"] == [
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "shop-db", "key": "password"}}},
        {"name": "A_URL", "value": "db://app:$(PASSWORD)@db"},
    ]


def test_a_secret_may_be_the_output_of_another_resource() -> None:
    name = pulumi.Output.from_input("made")
    (variable,) = container(secretEnv={"A": {"secret": name, "key": "a"}})["env"]
    assert variable["valueFrom"]["secretKeyRef"]["name"] is name
    (volume,) = pod(mounts=[{"path": "/a", "configMap": name}])["volumes"]
    assert volume["configMap"]["name"] is name


def test_each_kind_of_mount_is_a_volume_and_where_it_is() -> None:
    surrounded = pod(
        mounts=[
            {"path": "/etc/shop", "configMap": "shop"},
            {"path": "/etc/keys", "secret": "keys", "readOnly": True},
            {"path": "/tmp", "emptyDir": {}},  # noqa: S108  (a path in the pod)
            {"path": "/cache", "emptyDir": {"sizeLimit": "64Mi"}},
            {"path": "/data", "claim": "shop-data", "subPath": "shadow/v2"},
        ]
    )
    assert surrounded["volumes"] == [
        {"name": "mount-0", "configMap": {"name": "shop"}},
        {"name": "mount-1", "secret": {"secretName": "keys"}},
        {"name": "mount-2", "emptyDir": {}},
        {"name": "mount-3", "emptyDir": {"sizeLimit": "64Mi"}},
        {"name": "mount-4", "persistentVolumeClaim": {"claimName": "shop-data"}},
    ]
    assert surrounded["containers"][0]["volumeMounts"] == [
        {"name": "mount-0", "mountPath": "/etc/shop"},
        {"name": "mount-1", "mountPath": "/etc/keys", "readOnly": True},
        {"name": "mount-2", "mountPath": "/tmp"},  # noqa: S108
        {"name": "mount-3", "mountPath": "/cache"},
        {"name": "mount-4", "mountPath": "/data", "subPath": "shadow/v2"},
    ]


def test_two_mounts_of_one_claim_share_its_volume() -> None:
    surrounded = pod(mounts=[{"path": "/a", "claim": "c", "subPath": "a"}, {"path": "/b", "claim": "c"}])
    assert [volume["name"] for volume in surrounded["volumes"]] == ["mount-0"]
    assert {mount["name"] for mount in surrounded["containers"][0]["volumeMounts"]} == {"mount-0"}


def test_identity_and_place_are_as_set() -> None:
    surrounded = pod(
        serviceAccount="shop-shadow",
        imagePullSecrets=["registry"],
        nodeSelector={"disk": "ssd"},
        tolerations=[
            {"operator": "Exists"},
            {"key": "a.example/only", "value": "shadow", "effect": "NoExecute", "tolerationSeconds": 60},
        ],
    )
    assert surrounded["serviceAccountName"] == "shop-shadow"
    assert surrounded["imagePullSecrets"] == [{"name": "registry"}]
    assert surrounded["nodeSelector"] == {"disk": "ssd"}
    assert surrounded["tolerations"] == [
        {"operator": "Exists"},
        {
            "key": "a.example/only",
            "operator": "Equal",
            "value": "shadow",
            "effect": "NoExecute",
            "tolerationSeconds": 60,
        },
    ]


@pytest.mark.parametrize(
    ("version", "of_the_pod", "of_the_container"),
    [
        ({}, None, CONFINED),
        ({"podSecurity": "baseline", "runAsUser": 0}, None, {**CONFINED, "runAsUser": 0}),
        (
            {"podSecurity": "restricted"},
            {"seccompProfile": {"type": "RuntimeDefault"}},
            RESTRICTED,
        ),
        (
            {"podSecurity": "restricted", "runAsUser": 1000},
            {"seccompProfile": {"type": "RuntimeDefault"}},
            {**RESTRICTED, "runAsUser": 1000},
        ),
        ({"podSecurity": "image"}, None, None),
        ({"podSecurity": "image", "runAsUser": 1000}, None, {"runAsUser": 1000}),
    ],
)
def test_a_pod_is_confined_as_far_as_its_image_allows(
    version: Any, of_the_pod: Any, of_the_container: Any
) -> None:
    confined = pod(**version)
    assert confined.get("securityContext") == of_the_pod
    assert confined["containers"][0].get("securityContext") == of_the_container
