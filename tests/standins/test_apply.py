"""Creating and changing objects: server-side apply, dry runs, conflicts, objects that exist."""

import json
from typing import Any

import pytest

from lab import Lab, LabError
from lab.plugins.kubernetes.values import UNKNOWN
from tests.standins.conftest import Live, New
from tests.standins.engine import RefusedError, Resource, connected
from tests.standins.objects import Object, config_map, deployment, virtual_service


def owners(obj: Object, operation: str) -> list[str]:
    return [e["manager"] for e in obj["metadata"]["managedFields"] if e["operation"] == operation]


def apply_as(lab: Lab, manager: str, obj: Object) -> None:
    """What another controller does."""
    flags = ("--server-side", "--force-conflicts", f"--field-manager={manager}")
    lab.kubectl("apply", *flags, "-f", "-", input=json.dumps(obj))


def labelled(obj: Object, **labels: str) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "labels": labels}}


def only_labels(obj: Object) -> Object:
    return {key: obj[key] for key in ("apiVersion", "kind", "metadata")}


def test_an_update_is_a_server_side_apply_under_the_objects_own_field_manager(
    new: New, live: Live, namespace: str
) -> None:
    resource = new(labelled(config_map(namespace), stage="one"))
    resource.create()
    resource.update(labelled(config_map(namespace), stage="two"))
    obj = live("configmap", "settings")
    manager = resource.state["__fieldManager"]
    assert obj["metadata"]["labels"] == {"stage": "two"}
    assert manager.startswith("pulumi-kubernetes-")
    assert owners(obj, "Apply") == [manager]
    assert owners(obj, "Update") == []


def test_a_field_that_the_program_no_longer_sets_is_removed(new: New, live: Live, namespace: str) -> None:
    resource = new(labelled(config_map(namespace), stage="one", old="yes"))
    resource.create()
    resource.update(labelled(config_map(namespace), stage="one"))
    assert live("configmap", "settings")["metadata"]["labels"] == {"stage": "one"}


def test_a_field_of_another_controller_survives_an_update(
    lab: Lab, new: New, live: Live, namespace: str
) -> None:
    resource = new(labelled(config_map(namespace), stage="one"))
    resource.create()
    apply_as(lab, "other", only_labels(labelled(config_map(namespace), theirs="yes")))
    resource.update(labelled(config_map(namespace), stage="two"))
    assert live("configmap", "settings")["metadata"]["labels"] == {"stage": "two", "theirs": "yes"}


def test_a_conflict_is_an_error_that_tells_about_patch_force(lab: Lab, new: New, namespace: str) -> None:
    resource = new(labelled(config_map(namespace), stage="one"))
    resource.create()
    apply_as(lab, "other", only_labels(labelled(config_map(namespace), stage="theirs")))
    wanted = labelled(config_map(namespace), stage="two")
    with pytest.raises(RefusedError, match=r'conflict with "other".*labels.stage.*patchForce') as refused:
        resource.update(wanted)
    assert refused.value.kept is not None
    assert refused.value.kept["metadata"]["labels"] == {"stage": "theirs"}


def test_patch_force_takes_a_field_over(lab: Lab, new: New, live: Live, namespace: str) -> None:
    resource = new(labelled(config_map(namespace), stage="one"))
    resource.create()
    apply_as(lab, "other", only_labels(labelled(config_map(namespace), stage="theirs")))
    wanted = labelled(config_map(namespace), stage="two")
    wanted["metadata"]["annotations"] = {"pulumi.com/patchForce": "true"}
    resource.update(wanted)
    assert live("configmap", "settings")["metadata"]["labels"] == {"stage": "two"}


def test_what_was_edited_by_hand_is_taken_over_without_force(
    lab: Lab, new: New, live: Live, namespace: str
) -> None:
    resource = new(labelled(config_map(namespace), stage="one"))
    resource.create()
    lab.kubectl("-n", namespace, "label", "--overwrite", "configmap", "settings", "stage=by-hand")
    resource.update(labelled(config_map(namespace), stage="two"))
    assert live("configmap", "settings")["metadata"]["labels"] == {"stage": "two"}


def test_ignored_changes_leave_the_field_to_its_owner(lab: Lab, new: New, live: Live, namespace: str) -> None:
    resource = new(virtual_service(namespace, 50))
    resource.create()
    apply_as(lab, "canary", virtual_service(namespace, 10))
    wanted = labelled(virtual_service(namespace, 50), stage="two")
    resource.update(wanted, ignored=("spec.http",))
    obj = live("virtualservice", "web")
    assert obj["metadata"]["labels"] == {"stage": "two"}
    assert obj["spec"]["http"][0]["mirrors"][0]["percentage"]["value"] == 10


def test_a_preview_shows_the_servers_defaults_and_changes_nothing(lab: Lab, new: New, namespace: str) -> None:
    shown = new(deployment(namespace)).preview()
    assert shown["spec"]["strategy"]["type"] == "RollingUpdate"
    with pytest.raises(LabError, match="not found"):
        lab.kubectl("-n", namespace, "get", "deployment", "web")


def test_a_preview_of_an_update_changes_nothing(new: New, live: Live, namespace: str) -> None:
    resource = new(labelled(config_map(namespace), stage="one"))
    resource.create()
    shown = resource.update(labelled(config_map(namespace), stage="two"), preview=True)
    assert shown["metadata"]["labels"] == {"stage": "two"}
    assert live("configmap", "settings")["metadata"]["labels"] == {"stage": "one"}


def test_a_preview_shows_what_an_admission_webhook_refuses(new: New, namespace: str) -> None:
    wanted = virtual_service(namespace, 50)
    wanted["spec"]["http"][0]["timeout"] = "soon"
    with pytest.raises(RefusedError, match="timeout"):
        new(wanted).preview()


def test_a_preview_tolerates_what_is_not_known_yet(new: New, namespace: str) -> None:
    wanted = config_map(namespace)
    wanted["data"]["a"] = UNKNOWN
    assert new(wanted).preview()["data"]["a"] is UNKNOWN


def test_a_preview_tolerates_a_namespace_and_a_kind_that_do_not_exist_yet(new: New) -> None:
    assert new(config_map("not-there-yet")).preview()["data"] == {"a": "1"}
    gadget = {"apiVersion": "example.org/v1", "kind": "Gadget", "metadata": {"name": "one"}}
    assert new(gadget).preview()["kind"] == "Gadget"


def test_what_the_stand_in_does_not_know_is_refused_before_anything_is_made(
    lab: Lab, new: New, namespace: str
) -> None:
    wanted = config_map(namespace)
    wanted["metadata"]["annotations"] = {"pulumi.com/waitFor": "jsonpath={.data.a}"}
    with pytest.raises(RefusedError, match="not supported by the lab's stand-in"):
        new(wanted).create()
    with pytest.raises(LabError, match="not found"):
        lab.kubectl("-n", namespace, "get", "configmap", "settings")


def test_the_providers_namespace_is_for_objects_that_name_none_and_live_in_one(lab: Lab) -> None:
    kubeconfig = lab.kubeconfig.read_text()
    with connected(kubeconfig, namespace="shop") as client:
        inside = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
        outside = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}
        assert Resource(client, inside).check()["metadata"] == {"name": "a", "namespace": "shop"}
        assert Resource(client, outside).check()["metadata"] == {"name": "a"}


def test_a_patch_resource_is_refused(client: Any, namespace: str) -> None:
    resource = Resource(client, config_map(namespace), kind="ConfigMapPatch")
    with pytest.raises(RefusedError, match="ConfigMapPatch is not supported"):
        resource.check()


def test_creation_refuses_an_object_that_exists(lab: Lab, new: New, live: Live, namespace: str) -> None:
    lab.kubectl("-n", namespace, "create", "configmap", "settings", "--from-literal=a=theirs")
    with pytest.raises(RefusedError, match=r"already exists.*pulumi import"):
        new(config_map(namespace)).create()
    assert live("configmap", "settings")["data"] == {"a": "theirs"}


def test_an_object_that_exists_can_be_imported(lab: Lab, new: New, live: Live, namespace: str) -> None:
    lab.kubectl("-n", namespace, "create", "configmap", "settings", "--from-literal=a=theirs")
    resource = new(config_map(namespace))
    inputs = resource.import_as(f"{namespace}/settings")
    assert inputs == config_map(namespace, a="theirs")
    resource.update(labelled(inputs, stage="ours"))
    assert live("configmap", "settings")["metadata"]["labels"] == {"stage": "ours"}


def test_an_object_without_a_name_gets_one_and_keeps_it(new: New, namespace: str) -> None:
    wanted = config_map(namespace)
    del wanted["metadata"]["name"]
    resource = new(wanted)
    name = resource.create()["metadata"]["name"]
    assert name.startswith("test-")
    assert resource.check()["metadata"]["name"] == name
