"""Values on the wire, secrets, names, field owners: what the stand-in keeps and how."""

import os
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import struct_pb2

from lab.plugins.kubernetes.errors import BadKubeconfigError
from lab.plugins.kubernetes.kubeconfig import load, server
from lab.plugins.kubernetes.ownership import forces, keep_ignored, take_over
from lab.plugins.kubernetes.servicer import Provider
from lab.plugins.kubernetes.state import AUTONAMED, State, full_name, with_name, with_value, without
from lab.plugins.kubernetes.values import (
    UNKNOWN,
    Secret,
    decode,
    encode,
    has_secret,
    has_unknown,
    mark_secrets,
    plain,
)

Object = dict[str, Any]
SEALED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hidden"}


def entry(manager: str, operation: str, fields: Object, **more: Any) -> Object:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def owned(*entries: Object) -> Object:
    return {"metadata": {"name": "a", "resourceVersion": "7", "managedFields": list(entries)}}


def test_values_survive_the_wire() -> None:
    message = struct_pb2.Struct()
    message.update({"whole": 3, "part": 0.5, "on": True, "none": None, "list": [1, "a"], "sealed": SEALED})
    message["later"] = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    values = decode(message)
    assert values == {
        "whole": 3,
        "part": 0.5,
        "on": True,
        "none": None,
        "list": [1, "a"],
        "sealed": Secret("hidden"),
        "later": UNKNOWN,
    }
    assert isinstance(values["whole"], int)
    assert encode(values) == message


def test_what_is_hidden_or_unknown_inside_is_found() -> None:
    assert has_unknown({"a": [Secret({"b": UNKNOWN})]})
    assert not has_unknown({"a": [1]})
    assert has_secret({"a": [{"b": Secret(1)}]})
    assert plain({"a": [Secret({"b": Secret(1)})]}) == {"a": [{"b": 1}]}


def test_secrets_are_marked_where_the_inputs_have_them() -> None:
    marked = mark_secrets({"a": {"b": 1, "c": 2}, "d": [1, 2]}, {"a": {"b": Secret(0)}, "d": [0, Secret(0)]})
    assert marked == {"a": {"b": Secret(1), "c": 2}, "d": Secret([1, 2])}


def test_the_state_keeps_inputs_manager_and_first_api_version() -> None:
    inputs = {"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "b"}}
    live = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "Yg=="}}
    written = State(inputs, live, "pulumi-kubernetes-1", "v1").write(inputs)
    assert written["data"] == Secret({"a": "Yg=="})
    assert written["__inputs"]["stringData"] == Secret({"a": "b"})
    assert State.read(written) == State(inputs, live, "pulumi-kubernetes-1", "v1")


def test_a_name_is_the_programs_or_the_old_one_or_a_new_one() -> None:
    assert with_name({"metadata": {"name": "a"}}, {}, lambda: "b") == {"metadata": {"name": "a"}}
    first = with_name({"metadata": {"labels": {}}}, {}, lambda: "b-1")
    assert first == {"metadata": {"labels": {}, "name": "b-1", "annotations": {AUTONAMED: "true"}}}
    assert with_name({}, first, lambda: "b-2")["metadata"]["name"] == "b-1"
    assert with_name({"metadata": UNKNOWN}, {}, lambda: "b")["metadata"] is UNKNOWN
    assert full_name({"metadata": {"name": "a", "namespace": "b"}}) == "b/a"


def test_paths_can_be_cut_out_and_set() -> None:
    assert without({"a": {"b": 1, "c": 2}}, ("a", "b")) == {"a": {"c": 2}}
    assert without({"a": 1}, ("b", "c")) == {"a": 1}
    assert with_value({"a": {"b": 1}}, ("a", "b"), 2) == {"a": {"b": 2}}
    assert with_value({"a": [1]}, ("a", 0), 2) == {"a": [1]}


def test_what_was_created_and_edited_by_hand_is_taken_over() -> None:
    live = owned(
        entry("pulumi-kubernetes", "Update", {"f:data": {"f:a": {}}}),
        entry("kubectl-edit", "Update", {"f:data": {"f:b": {}}}),
        entry("ours", "Apply", {"f:data": {"f:c": {}}}),
        entry("other", "Apply", {"f:data": {"f:d": {}}}),
        entry("pulumi-kubernetes", "Update", {"f:status": {}}, subresource="status"),
    )
    fields, version = take_over(live, "ours")
    assert {e["manager"]: e["fieldsV1"] for e in fields["value"] if "subresource" not in e} == {
        "other": {"f:data": {"f:d": {}}},
        "ours": {"f:data": {"f:a": {}, "f:b": {}, "f:c": {}}},
    }
    assert version["value"] == "7"


def test_nothing_is_taken_over_from_other_controllers() -> None:
    assert take_over(owned(entry("other", "Update", {"f:a": {}}), entry("ours", "Apply", {})), "ours") == []


def test_force_is_only_used_when_asked_for() -> None:
    theirs = owned(entry("other", "Apply", {"f:a": {}}))
    asked = {"metadata": {"annotations": {"pulumi.com/patchForce": "true"}}}
    fresh = owned(entry("pulumi-kubernetes", "Update", {}))
    assert not forces({}, theirs, force_all=False, preview=False)
    assert forces(asked, theirs, force_all=False, preview=False)
    assert forces({}, theirs, force_all=True, preview=False)
    assert forces({}, fresh, force_all=False, preview=True)
    assert not forces({}, fresh, force_all=False, preview=False)


def test_ignored_fields_are_left_to_others_or_keep_their_value() -> None:
    live = owned(entry("other", "Apply", {"f:spec": {"f:http": {}}}), entry("ours", "Apply", {}))
    live["spec"] = {"http": ["theirs"], "hosts": ["live"]}
    inputs = {"spec": {"http": ["ours"], "hosts": ["ours"]}}
    assert keep_ignored(inputs, live, "ours", ["spec.http", "spec.hosts"]) == {"spec": {"hosts": ["live"]}}


def test_the_server_of_a_kubeconfig_is_the_contexts() -> None:
    text = """
        current-context: a
        contexts: [{name: a, context: {cluster: one}}, {name: b, context: {cluster: two}}]
        clusters: [{name: one, cluster: {server: "https://one"}}, {name: two, cluster: {server: "https://two"}}]
    """
    assert server(text, "") == "https://one"
    assert server(text, "b") == "https://two"
    assert server("", "") == ""
    with pytest.raises(BadKubeconfigError, match="has no context 'c'"):
        server(text, "c")


def test_certificates_inside_a_kubeconfig_become_files_in_memory() -> None:
    text = """
        current-context: a
        contexts: [{name: a, context: {cluster: one, user: me, namespace: shop}}]
        clusters: [{name: one, cluster: {server: "https://one/", certificate-authority-data: Y2E=}}]
        users: [{name: me, user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}}]
    """
    access = load(text, "")
    assert (access.server, access.namespace, access.token) == ("https://one", "shop", "")
    assert access.certificate is not None
    files = [str(access.verify), *access.certificate]
    assert [Path(file).read_text() for file in files] == ["ca", "cert", "key"]
    for descriptor in access.descriptors:
        os.close(descriptor)


def test_files_beside_a_kubeconfig_are_found_from_there(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("letmein\n")
    (tmp_path / "config").write_text("""
        current-context: a
        contexts: [{name: a, context: {cluster: one, user: me}}]
        clusters: [{name: one, cluster: {server: "https://one", certificate-authority: ca.pem}}]
        users: [{name: me, user: {tokenFile: token}}]
    """)
    access = load(str(tmp_path / "config"), "")
    assert (access.verify, access.token, access.namespace) == (str(tmp_path / "ca.pem"), "letmein", "default")


def test_credentials_from_a_program_are_refused() -> None:
    text = """
        current-context: a
        contexts: [{name: a, context: {cluster: one, user: me}}]
        clusters: [{name: one, cluster: {server: "https://one"}}]
        users: [{name: me, user: {exec: {command: aws}}}]
    """
    with pytest.raises(BadKubeconfigError, match="install the official Kubernetes provider"):
        load(text, "")


def test_every_method_of_the_protocol_that_the_engine_uses_is_answered() -> None:
    answered = {name for name in vars(Provider) if name[0].isupper()}
    assert answered >= {
        "Check",
        "Diff",
        "Create",
        "Read",
        "Update",
        "Delete",
        "Configure",
        "Cancel",
        "Invoke",
    }
