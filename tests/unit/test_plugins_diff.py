"""What the stand-in for the Kubernetes provider calls a change, and which change replaces."""

from typing import Any

import pytest

from lab.plugins.kubernetes.diff import changes, normalised, prune, quantity, refreshed_inputs
from lab.plugins.kubernetes.paths import covers, lookup, parse_path, path_text
from lab.plugins.kubernetes.rules import replaces, replacing_paths
from lab.plugins.kubernetes.values import UNKNOWN

Object = dict[str, Any]


def config_map(**fields: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, **fields}


def deployment(spec: Any) -> Object:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": spec}


def listed(live: Object, old: Object, new: Object, *ignored: str) -> list[tuple[str, str, bool]]:
    return sorted((c.text, c.kind, c.replaces) for c in changes(live, old, new, ignored))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("spec.http[0].mirrors", ("spec", "http", 0, "mirrors")),
        (
            'metadata.annotations["pulumi.com/skipAwait"]',
            ("metadata", "annotations", "pulumi.com/skipAwait"),
        ),
        ('data["a\\"b"]', ("data", 'a"b')),
        ('["a.b"].c', ("a.b", "c")),
        ("data.with/slash", ("data", "with/slash")),
    ],
)
def test_a_path_is_written_and_read(text: str, path: tuple[str | int, ...]) -> None:
    assert path_text(path) == text
    assert parse_path(text) == path


def test_a_path_covers_itself_and_what_is_below_it() -> None:
    assert covers(parse_path("spec.http"), parse_path("spec.http[0].route"))
    assert covers(parse_path("spec.http[*].timeout"), parse_path("spec.http[3].timeout"))
    assert not covers(parse_path("spec.http[0]"), parse_path("spec.http"))
    assert not covers(parse_path("spec.http"), parse_path("spec.hosts"))


def test_what_is_at_a_path_can_be_looked_up() -> None:
    assert lookup({"a": [{"b": None}]}, ("a", 0, "b")) == (True, None)
    assert lookup({"a": [{"b": None}]}, ("a", 1, "b")) == (False, None)


def test_a_change_is_named_by_its_innermost_property() -> None:
    old, new = deployment({"a": [{"b": 1, "c": 2}]}), deployment({"a": [{"b": 1, "c": 3}]})
    assert listed(old, old, new) == [("spec.a[0].c", "UPDATE", False)]


def test_elements_at_the_end_of_a_list_come_and_go() -> None:
    one, two = deployment({"a": [1]}), deployment({"a": [1, 2]})
    assert listed(one, one, two) == [("spec.a[1]", "ADD", False)]
    assert listed(two, two, one) == [("spec.a[1]", "DELETE", False)]


def test_what_the_program_never_set_is_no_change() -> None:
    inputs = deployment({"replicas": 1})
    live = {**deployment({"replicas": 1, "paused": False}), "status": {"replicas": 1}}
    assert listed(live, inputs, inputs) == []


def test_drift_is_a_change() -> None:
    inputs = deployment({"replicas": 1})
    assert listed(deployment({"replicas": 5}), inputs, inputs) == [("spec.replicas", "UPDATE", False)]


def test_a_field_that_the_server_did_not_keep_is_a_change() -> None:
    inputs = deployment({"replicas": 1, "percentag": 50})
    assert listed(deployment({"replicas": 1}), inputs, inputs) == [("spec.percentag", "ADD", False)]


def test_an_empty_value_that_the_server_did_not_keep_is_no_change() -> None:
    inputs = deployment({"replicas": 1, "env": [], "labels": {}, "note": "", "none": None})
    assert listed(deployment({"replicas": 1}), inputs, inputs) == []


def test_an_empty_object_that_is_new_is_a_change() -> None:
    old, new = deployment({"volume": {}}), deployment({"volume": {"emptyDir": {}}})
    assert listed(old, old, new) == [("spec.volume.emptyDir", "ADD", False)]


def test_a_number_and_a_truth_value_differ() -> None:
    assert listed(deployment({"a": 1}), deployment({"a": 1}), deployment({"a": True})) == [
        ("spec.a", "UPDATE", False)
    ]


def test_ignored_changes_are_left_out() -> None:
    old, new = deployment({"http": [1], "hosts": ["a"]}), deployment({"http": [2], "hosts": ["b"]})
    assert listed(old, old, new, "spec.http") == [("spec.hosts[0]", "UPDATE", False)]


def test_an_unknown_value_is_a_change() -> None:
    assert listed(deployment({"a": 1}), deployment({"a": 1}), deployment({"a": UNKNOWN})) == [
        ("spec.a", "UPDATE", False)
    ]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("0.5", "500m", True),
        ("1024Mi", "1Gi", True),
        (1, "1", True),
        ("1k", "1000", True),
        ("1G", "1Gi", False),
        ("100m", "100M", False),
    ],
)
def test_quantities_are_compared_by_their_amount(left: Any, right: Any, same: bool) -> None:
    assert (quantity(left) == quantity(right)) is same
    inputs = deployment({"resources": {"limits": {"cpu": left}}})
    live = deployment({"resources": {"limits": {"cpu": right}}})
    assert (listed(live, inputs, inputs) == []) is same


def test_quantities_elsewhere_are_just_text() -> None:
    inputs, live = config_map(data={"a": "1024Mi"}), config_map(data={"a": "1Gi"})
    assert listed(live, inputs, inputs) == [("data.a", "UPDATE", True)]
    assert quantity("soon") is None


def test_a_secrets_string_data_is_compared_with_what_the_server_made_of_it() -> None:
    def secret(**fields: Any) -> Object:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, **fields}

    inputs = secret(stringData={"password": "correct horse"})
    live = secret(data={"password": "Y29ycmVjdCBob3JzZQ=="})
    assert listed(live, inputs, inputs) == []
    changed = secret(stringData={"password": "battery staple"})
    assert listed(live, inputs, changed) == [("stringData.password", "UPDATE", True)]


def test_what_the_server_writes_into_metadata_is_not_compared() -> None:
    noisy = {"name": "a", "uid": "1", "resourceVersion": "2", "generation": 3, "managedFields": []}
    assert normalised({"metadata": noisy}) == {"metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("api_version", "kind", "path", "value", "expected"),
    [
        ("apps/v1", "Deployment", "spec.selector.matchLabels.app", "b", True),
        ("apps/v1", "Deployment", "spec.selector", {"matchLabels": {}}, True),
        ("apps/v1", "Deployment", "spec.template.spec.containers[0].image", "b", False),
        ("apps/v1", "Deployment", "spec", {"replicas": 1}, False),
        ("apps/v1", "Deployment", "spec", {"selector": {}}, True),
        ("apps/v1", "StatefulSet", "spec.serviceName", "b", True),
        ("v1", "Service", "spec.clusterIP", "None", True),
        ("v1", "Service", "spec.type", "LoadBalancer", False),
        ("v1", "Service", "spec.selector.version", "v2", False),
        ("v1", "Namespace", "metadata.name", "b", True),
        ("v1", "Namespace", "metadata.labels", {"a": "b"}, False),
        ("v1", "ConfigMap", "data.a", "b", True),
        ("v1", "Secret", "stringData.a", "b", True),
        ("v1", "Pod", "spec.containers[1].image", "b", True),
        ("v1", "Pod", "spec.containers[1]", {"name": "b", "image": "c"}, True),
        ("v1", "Pod", "spec.containers[0].name", "b", False),
        ("batch/v1", "Job", "spec.template.spec.restartPolicy", "Never", True),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "roleRef.name", "b", True),
        ("networking.istio.io/v1", "VirtualService", "spec.http[0].route", [], False),
        ("networking.istio.io/v1", "VirtualService", "metadata.namespace", "b", True),
    ],
)
def test_some_changes_replace(api_version: str, kind: str, path: str, value: Any, expected: bool) -> None:
    rules = replacing_paths({"apiVersion": api_version, "kind": kind})
    assert replaces(parse_path(path), value, rules) is expected


def test_pruning_keeps_the_shape_of_the_inputs() -> None:
    live = {"a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 4, "g": 5}, {"f": 6}]}
    assert prune(live, {"b": {"c": 0}, "e": [{"f": 0}], "x": 0}) == {"b": {"c": 2}, "e": [{"f": 4}]}


def test_refreshed_inputs_show_new_elements_and_keep_empty_values() -> None:
    live = {"a": [{"b": 1, "default": 2}, {"b": 3}], "kept": 4}
    inputs = {"a": [{"b": 0}], "labels": {}, "gone": 5}
    assert refreshed_inputs(live, inputs) == {"a": [{"b": 1}, {"b": 3}], "labels": {}}
