"""Which change replaces an object, in which order, and which property is named."""

import copy
from typing import Any

from pulumi.runtime.proto import provider_pb2

from lab.plugins.kubernetes.values import UNKNOWN
from tests.standins.conftest import New
from tests.standins.objects import Object, config_map, deployment, service, virtual_service

SKIP = {"pulumi.com/skipAwait": "true"}
KINDS = provider_pb2.PropertyDiff.Kind


def described(diff: Any) -> dict[str, str]:
    return {path: KINDS.Name(change.kind) for path, change in diff.detailedDiff.items()}


def nothing(diff: Any) -> bool:
    return bool(diff.changes == provider_pb2.DiffResponse.DIFF_NONE and not diff.detailedDiff)


def unnamed(obj: Object) -> Object:
    return {**obj, "metadata": {k: v for k, v in obj["metadata"].items() if k != "name"}}


def test_the_same_inputs_are_no_change(new: New, namespace: str) -> None:
    for wanted in (
        deployment(namespace, annotations=SKIP),
        service(namespace, annotations=SKIP),
        virtual_service(namespace, 50),
    ):
        resource = new(wanted)
        resource.create()
        assert nothing(resource.diff(wanted)), wanted["kind"]


def test_values_that_the_server_rewrites_are_no_change(new: New, namespace: str) -> None:
    wanted = deployment(namespace, annotations=SKIP)
    container = wanted["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {}}
    container["env"] = []
    resource = new(wanted)
    resource.create()
    assert nothing(resource.diff(wanted))


def test_a_changed_percentage_is_exactly_one_property(new: New, namespace: str) -> None:
    resource = new(virtual_service(namespace, 100))
    resource.create()
    diff = resource.diff(virtual_service(namespace, 12.5))
    assert described(diff) == {"spec.http[0].mirrors[0].percentage.value": "UPDATE"}
    assert not diff.replaces


def test_additions_and_removals_name_the_innermost_property(new: New, namespace: str) -> None:
    resource = new(virtual_service(namespace, 100))
    resource.create()
    wanted = virtual_service(namespace, 100)
    del wanted["spec"]["http"][0]["mirrors"]
    wanted["metadata"]["annotations"] = {"example.org/note": "x"}
    wanted["spec"]["http"][0]["timeout"] = "2s"
    assert described(resource.diff(wanted)) == {
        "metadata.annotations": "ADD",
        "spec.http[0].mirrors": "DELETE",
        "spec.http[0].timeout": "ADD",
    }


def test_a_new_image_updates_a_deployment_in_place(new: New, namespace: str) -> None:
    resource = new(deployment(namespace, annotations=SKIP))
    resource.create()
    diff = resource.diff(deployment(namespace, image="lab.local/nginx-v1:1", annotations=SKIP))
    assert described(diff) == {"spec.template.spec.containers[0].image": "UPDATE"}
    assert not diff.replaces


def test_another_selector_replaces_a_deployment_the_old_one_first(new: New, namespace: str) -> None:
    resource = new(deployment(namespace, annotations=SKIP))
    resource.create()
    diff = resource.diff(deployment(namespace, app="other", annotations=SKIP))
    assert described(diff)["spec.selector.matchLabels.app"] == "UPDATE_REPLACE"
    assert list(diff.replaces) == ["spec.selector.matchLabels.app"]
    assert diff.deleteBeforeReplace


def test_an_object_with_a_made_up_name_is_replaced_by_a_second_one(new: New, namespace: str) -> None:
    resource = new(unnamed(config_map(namespace, a="1")))
    resource.create()
    diff = resource.diff(unnamed(config_map(namespace, a="2")))
    assert described(diff) == {"data.a": "UPDATE_REPLACE"}
    assert not diff.deleteBeforeReplace


def test_another_name_or_namespace_replaces_and_both_can_exist(new: New, namespace: str) -> None:
    resource = new(config_map(namespace))
    resource.create()
    renamed = copy.deepcopy(config_map(namespace))
    renamed["metadata"]["name"] = "others"
    moved = config_map("elsewhere")
    assert list(resource.diff(renamed).replaces) == ["metadata.name"]
    assert list(resource.diff(moved).replaces) == ["metadata.namespace"]
    assert not resource.diff(moved).deleteBeforeReplace


def test_a_value_that_is_not_known_yet_is_a_change(new: New, namespace: str) -> None:
    resource = new(deployment(namespace, annotations=SKIP))
    resource.create()
    wanted = deployment(namespace, annotations=SKIP)
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = UNKNOWN
    assert described(resource.diff(wanted)) == {"spec.template.spec.containers[0].image": "UPDATE"}
