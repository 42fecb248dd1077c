"""What a refresh sees: drift of what the program set, and nothing else; what is secret stays so."""

import base64
import json

import pytest

from lab import Lab
from lab.plugins.kubernetes.values import Secret
from tests.standins.conftest import New
from tests.standins.engine import RefusedError
from tests.standins.objects import MISSING_IMAGE, Object, config_map, deployment, virtual_service

SKIP = {"pulumi.com/skipAwait": "true"}


def secret(namespace: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "key", "namespace": namespace},
        "stringData": {"password": "correct horse"},
    }


def test_what_others_add_is_not_drift(lab: Lab, new: New, namespace: str) -> None:
    wanted = deployment(namespace, annotations=SKIP)
    resource = new(wanted)
    resource.create()
    lab.kubectl("-n", namespace, "label", "deployment", "web", "theirs=yes")
    assert resource.refresh() == wanted


def test_a_changed_field_is_drift_and_the_next_update_corrects_it(lab: Lab, new: New, namespace: str) -> None:
    wanted = virtual_service(namespace, 50)
    resource = new(wanted)
    resource.create()
    hacked = json.dumps([{"op": "replace", "path": "/spec/http/0/mirrors/0/percentage/value", "value": 100}])
    lab.kubectl("-n", namespace, "patch", "virtualservice", "web", "--type=json", "-p", hacked)
    inputs = resource.refresh()
    assert inputs == virtual_service(namespace, 100)
    diff = resource.diff(wanted)
    assert list(diff.detailedDiff) == ["spec.http[0].mirrors[0].percentage.value"]
    resource.update(wanted)
    assert resource.refresh() == wanted


def test_an_element_that_someone_adds_to_a_list_is_drift(lab: Lab, new: New, namespace: str) -> None:
    resource = new(virtual_service(namespace, 50))
    resource.create()
    added = json.dumps([{"op": "add", "path": "/spec/hosts/-", "value": "more.example"}])
    lab.kubectl("-n", namespace, "patch", "virtualservice", "web", "--type=json", "-p", added)
    inputs = resource.refresh()
    assert inputs is not None
    assert inputs["spec"]["hosts"] == ["standins.example", "more.example"]


def test_an_object_that_is_gone_is_gone(lab: Lab, new: New, namespace: str) -> None:
    resource = new(config_map(namespace))
    resource.create()
    lab.kubectl("-n", namespace, "delete", "configmap", "settings")
    assert resource.refresh() is None


def test_a_refresh_tells_what_is_not_ready(new: New, namespace: str) -> None:
    resource = new(deployment(namespace, image=MISSING_IMAGE))
    resource.timeout = 1
    with pytest.raises(RefusedError):
        resource.create()
    with pytest.raises(RefusedError, match="failed to initialize") as unready:
        resource.refresh()
    assert "Minimum number of live Pods was not attained" in unready.value.reasons


def test_the_data_of_a_secret_is_secret_everywhere(new: New, namespace: str) -> None:
    resource = new(secret(namespace))
    state = resource.create()
    encoded = base64.b64encode(b"correct horse").decode()
    assert state["data"] == Secret({"password": encoded})
    assert state["__inputs"]["stringData"] == Secret({"password": "correct horse"})
    assert not resource.diff(secret(namespace)).detailedDiff
    refreshed = resource.refresh()
    assert refreshed is not None
    assert isinstance(refreshed["data"], Secret)
    assert not resource.diff(secret(namespace)).detailedDiff


def test_a_secret_value_stays_secret_in_any_object(new: New, namespace: str) -> None:
    wanted = config_map(namespace)
    wanted["data"] = {"open": "1", "token": Secret("hidden")}
    resource = new(wanted)
    state = resource.create()
    assert state["data"] == {"open": "1", "token": Secret("hidden")}
    refreshed = resource.refresh()
    assert refreshed is not None
    assert refreshed["data"]["open"] == "1"


def test_an_import_leaves_out_what_the_cluster_wrote(lab: Lab, new: New, namespace: str) -> None:
    lab.kubectl("-n", namespace, "create", "deployment", "web", "--image=lab.local/curl:1")
    resource = new(deployment(namespace))
    inputs = resource.import_as(f"{namespace}/web")
    assert "status" not in inputs
    assert set(inputs["metadata"]) == {"name", "namespace", "labels"}
    assert not resource.diff(inputs).detailedDiff
