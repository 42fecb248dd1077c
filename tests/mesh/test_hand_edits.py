"""What people and controllers change by hand: no `up` is held up by it, and the config wins."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from lab.kit.scratch import ScratchStack
from tests.mesh.faults import assert_as_wanted, live_and_shadow

GATEWAY = "gateway.networking.istio.io/nginx-gateway"  # Gateway API has a kind of that name too
ROUTES = ("virtualservice/nginx-vs", "virtualservice/nginx-mesh")
# What somebody may make of our routes, as the value of spec.http.
SHAPES: dict[str, Any] = {
    "maintenance": [{"directResponse": {"status": 503}}],
    "redirect": [{"redirect": {"authority": "other.example"}}],
    "no subset": [{"route": [{"destination": {"host": "nginx"}}]}],
    "a rewrite before ours": [
        {"match": [{"uri": {"prefix": "/a"}}], "redirect": {"uri": "/b"}},
        {"route": [{"destination": {"host": "nginx"}}]},
    ],
    "one mirror, the older way": [
        {"route": [{"destination": {"host": "nginx"}}], "mirror": {"host": "nginx-versions", "subset": "v2"}}
    ],
}


@pytest.fixture(scope="module")
def deployed(deploy: Callable[[], ScratchStack]) -> ScratchStack:
    found = deploy()
    found.deploy(live_and_shadow("v1", "v2"))
    return found


def patch(deployed: ScratchStack, what: str, change: Any) -> None:
    deployed.kubectl("patch", what, "--type=merge", f"--patch={json.dumps(change)}")


def spec(deployed: ScratchStack, what: str) -> Any:
    return json.loads(deployed.kubectl("get", what, "--output=json"))["spec"]


@pytest.mark.parametrize("shape", SHAPES)
def test_routes_of_any_shape_are_made_ours_again(deployed: ScratchStack, shape: str) -> None:
    for route in ROUTES:
        patch(deployed, route, {"spec": {"http": SHAPES[shape]}})
    deployed.stack.up()
    assert_as_wanted(deployed)


def test_a_stack_whose_state_has_taken_in_the_edit_is_mended_too(deployed: ScratchStack) -> None:
    wanted = spec(deployed, ROUTES[0])["http"]
    patch(deployed, ROUTES[0], {"spec": {"http": SHAPES["maintenance"]}})
    assert deployed.stack.change("refresh").returncode == 0
    patch(deployed, ROUTES[0], {"spec": {"http": wanted}})
    deployed.stack.up()
    assert_as_wanted(deployed)


def test_what_is_added_to_routes_is_said_and_taken_back_as_the_docs_say(deployed: ScratchStack) -> None:
    wanted = spec(deployed, ROUTES[0])
    additions = [
        {"op": "add", "path": "/spec/http/0/timeout", "value": "5s"},
        {"op": "add", "path": "/spec/http/-", "value": {"directResponse": {"status": 503}}},
    ]
    deployed.kubectl("patch", ROUTES[0], "--type=json", f"--patch={json.dumps(additions)}")
    warning = "nginx-vs: somebody added spec.http[0].timeout, spec.http[2] by hand"
    for command in ("preview", "up"):
        said = deployed.stack.change(command).stdout
        assert warning in said
        assert "nginx-mesh: somebody" not in said
    deployed.kubectl("label", ROUTES[0], "app-")
    deployed.stack.up()
    assert spec(deployed, ROUTES[0]) == wanted
    assert "somebody added" not in deployed.stack.change("up").stdout
    assert_as_wanted(deployed)


EDITS: dict[str, list[tuple[str, ...]]] = {
    "scaled": [("scale", "deployment/nginx-v1", "--replicas=2")],
    "image": [("set", "image", "deployment/nginx-v1", "nginx=lab.local/nginx-v3:1")],
    "variable": [("set", "env", "deployment/nginx-v1", "ADDED=1")],
    "selector": [("set", "selector", "service/nginx", "app=nginx,version=v2")],
    "labels": [
        ("label", "deployment/nginx-v1", "version=edited", "--overwrite"),
        ("label", "service/nginx", "app=edited", "--overwrite"),
        ("label", "destinationrule/nginx-v1", "app=edited", "--overwrite"),
    ],
    "annotation": [("annotate", GATEWAY, "pulumi.com/patchForce=false", "--overwrite")],
}


@pytest.mark.parametrize("edit", EDITS)
def test_no_edit_holds_up_an_up_and_the_config_wins(deployed: ScratchStack, edit: str) -> None:
    for command in EDITS[edit]:
        deployed.kubectl(*command)
    deployed.stack.up()
    assert_as_wanted(deployed)


def test_who_applies_our_objects_from_a_file_holds_up_nothing(deployed: ScratchStack) -> None:
    names = (
        "deployment/nginx-v1",
        "service/nginx",
        "destinationrule/nginx-v1",
        GATEWAY,
        *ROUTES,
    )
    found = [json.loads(deployed.kubectl("get", name, "--output=json")) for name in names]
    found[0]["spec"]["replicas"] = 2
    for made in found:
        for key in ("managedFields", "resourceVersion", "uid", "creationTimestamp"):
            made["metadata"].pop(key, None)
        made["metadata"]["labels"]["app.kubernetes.io/name"] = "edited"
    deployed.lab.kubectl("apply", "--filename=-", input=yaml.safe_dump_all(found))
    deployed.stack.up()
    assert_as_wanted(deployed)
    assert spec(deployed, "deployment/nginx-v1")["replicas"] == 1


def test_a_version_that_was_scaled_by_hand_is_promoted_and_rolled_back(deployed: ScratchStack) -> None:
    deployed.kubectl("scale", "deployment/nginx-v1", "deployment/nginx-v2", "--replicas=2")
    for live, shadow in (("v2", "v1"), ("v1", "v2")):
        deployed.deploy(live_and_shadow(live, shadow))
        assert_as_wanted(deployed)


def test_the_namespace_stays_when_the_stack_gives_it_up(deployed: ScratchStack) -> None:
    deployed.deploy(live_and_shadow("v1", "v2"), createNamespace=False)
    assert_as_wanted(deployed)
    deployed.deploy(live_and_shadow("v1", "v2"))
    assert_as_wanted(deployed)
