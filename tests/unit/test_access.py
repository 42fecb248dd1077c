"""The permissions in deploy/ are for the kinds that the component makes, all of them and no others."""

from typing import Any

from lab.cluster.audit import Asked
from mirrored_service import MirroredService
from mirrored_service.commands.adopt import gathering
from mirrored_service.commands.doctor import reading
from mirrored_service.commands.kubectl import RESOURCES
from mirrored_service.commands.status import command
from tests.access import roles
from tests.recorder import Registered, record
from tests.services import service_args

WRITING = {"create", "patch", "delete"}
# A namespace is never deleted: everything in it would go, whoever made it.
NAMESPACES = {Asked("", "namespaces", verb) for verb in ("get", "list", "watch", "create", "patch")}
CONTAINED: dict[str, Any] = {
    "v1": {"image": "shop:1", "weight": 100, "autoscaling": {"maxReplicas": 2}},
    "v2": {
        "image": "shop:2",
        "mirrorPercent": 100,
        "shadowIsolation": {
            "mayReach": [],
            "protects": {"database": {"labels": {"app": "db"}}},
            "networkPolicy": {},
        },
    },
}


# What makes more kinds of objects.
OPTIONAL: dict[str, Any] = {
    "disruptionBudget": {"maxUnavailable": 1},
    "accessLog": {"providers": ["mirrored-service-json"]},
    "mirrorHeaders": {"remove": ["cookie"]},
    "answerDigests": {"key": "000102030405060708090a0b0c0d0e0f"},
    "mirrorTo": {"host": "shop.far.example", "port": 80, "percent": 1},
}


def registered(**settings: Any) -> list[Registered]:
    args = service_args(CONTAINED, **OPTIONAL, **settings)
    return record(lambda: MirroredService("nginx", args))[1]


def resources(**settings: Any) -> set[tuple[str, str]]:
    """API group and plural name of every kind that the component makes."""
    made = [
        (found.inputs["apiVersion"], found.inputs["kind"].lower())
        for api in ("istio", "gateway")
        for found in registered(api=api, **settings)
        if found.inputs
    ]
    return {
        (version.rpartition("/")[0], kind[:-1] + "ies" if kind.endswith(("cy", "ry")) else kind + "s")
        for version, kind in made
    }


def written(permissions: set[Asked]) -> set[tuple[str, str]]:
    """What may be written."""
    return {(asked.group, asked.resource) for asked in permissions if asked.verb in WRITING}


def kubectl_name(asked: Asked) -> str:
    return ".".join(part for part in (asked.resource, asked.group) if part)


def test_the_role_is_for_the_kinds_that_are_made_in_a_namespace_that_exists() -> None:
    assert written(roles("rbac.yaml")["mirrored-service"]) == resources(createNamespace=False)


def test_the_cluster_role_has_the_permissions_of_the_role_and_those_to_make_namespaces() -> None:
    everywhere = roles("rbac-create-namespace.yaml")["mirrored-service"]
    assert everywhere == roles("rbac.yaml")["mirrored-service"] | NAMESPACES
    assert written(everywhere) == resources()


def test_who_may_only_protect_a_workload_may_write_nothing_else() -> None:
    policies = ("security.istio.io", "authorizationpolicies")
    assert written(roles("rbac.yaml")["mirrored-service-protects"]) == {policies}


def test_doctor_status_and_adopt_may_list_what_they_read_and_change_nothing() -> None:
    found = roles("rbac-doctor.yaml")
    here = {kubectl_name(asked) for asked in found["mirrored-service-doctor"] if asked.verb == "list"}
    read = {*reading.OF_NAMESPACE, *command.KINDS, "Event", *gathering.OF_NAMESPACE}
    assert here == {RESOURCES[kind] for kind in read}
    mesh = {kubectl_name(asked) for asked in found["mirrored-service-doctor-mesh"]}
    assert mesh == {RESOURCES[kind] for kind in (*reading.OF_MESH, "Deployment", "ConfigMap")}
    everywhere = {kubectl_name(asked) for asked in found["mirrored-service-doctor-everywhere"]}
    of_cluster = {RESOURCES["MutatingWebhookConfiguration"], RESOURCES["Namespace"]}
    assert everywhere == {RESOURCES[kind] for kind in (*reading.OF_ALL, *gathering.OF_ALL)} | of_cluster
    verbs = {(asked.resource, asked.verb) for permissions in found.values() for asked in permissions}
    assert {verb for resource, verb in verbs if resource != "pods/exec"} == {"get", "list"}


def test_no_role_has_a_wildcard_or_reads_secrets() -> None:
    for file in ("rbac.yaml", "rbac-create-namespace.yaml", "rbac-kill-switch.yaml", "rbac-doctor.yaml"):
        for permissions in roles(file).values():
            for asked in permissions:
                assert "*" not in (asked.group, asked.resource, asked.verb)
                assert asked.resource != "secrets"
