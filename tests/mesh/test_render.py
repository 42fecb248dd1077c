"""What `make render` writes is accepted by the API server, and gives the same mesh as `pulumi up`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.kit.scratch import ScratchStack
from mirrored_service.commands import render
from mirrored_service.commands.kill_switch.errors import CommandError
from tests.mesh.faults import live_and_shadow, wait_until

KINDS = (
    "deployments,services,serviceaccounts,networkpolicies,gateways.networking.istio.io,virtualservices,"
    "destinationrules,serviceentries,sidecars"
)
SUBSETS: dict[str, Any] = live_and_shadow("v1", "v2", shadowIsolation={"mayReach": [], "networkPolicy": {}})
SETTINGS: dict[str, Any] = {
    "labels": {"app.kubernetes.io/part-of": "shop"},
    "annotations": {"example.org/owner": "me"},
    "mirrorTo": {"host": "shop.far.example", "port": 80, "percent": 1},
}
# What the server says of an object, and what each client notes about itself.
_SERVERS = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")
_CLIENTS = ("pulumi.com/", "kubectl.kubernetes.io/", "deployment.kubernetes.io/")


def live_objects(deployed: ScratchStack) -> dict[tuple[str, str], Any]:
    """Everything in the stack's namespace but for pods, without what the server or a client adds."""
    there = json.loads(deployed.kubectl("get", KINDS, "--output=json"))["items"]
    there.append(json.loads(deployed.lab.kubectl("get", "namespace", deployed.namespace, "--output=json")))
    return {(made["kind"], made["metadata"]["name"]): as_wanted(made) for made in there}


def as_wanted(made: Any) -> Any:
    metadata = {key: value for key, value in made["metadata"].items() if key not in _SERVERS}
    annotations = metadata.pop("annotations", {})
    kept = {key: value for key, value in annotations.items() if not key.startswith(_CLIENTS)}
    spec = {
        key: value for key, value in made.get("spec", {}).items() if key not in ("clusterIP", "clusterIPs")
    }
    return {"apiVersion": made["apiVersion"], "metadata": {**metadata, "annotations": kept}, "spec": spec}


@pytest.fixture
def deployed(deploy: Callable[[], ScratchStack], monkeypatch: pytest.MonkeyPatch) -> ScratchStack:
    found = deploy()
    for name, value in found.stack.environment.items():
        monkeypatch.setenv(name, value)
    return found


def test_kubectl_apply_of_what_is_rendered_gives_the_same_mesh_as_pulumi_up(
    deployed: ScratchStack, tmp_path: Path
) -> None:
    deployed.deploy(SUBSETS, **SETTINGS)
    by_pulumi = live_objects(deployed)
    deployed.stack.destroy()

    paths = render.render(deployed.stack.project, deployed.stack.name, tmp_path / "out")
    assert len(paths) == 15
    deployed.lab.kubectl("apply", f"--filename={tmp_path / 'out'}")
    for version in SUBSETS:
        deployed.kubectl("rollout", "status", f"deployment/nginx-{version}", "--timeout=120s")
    by_kubectl = live_objects(deployed)
    assert set(by_kubectl) == set(by_pulumi)
    for name, made in by_pulumi.items():
        assert by_kubectl[name] == made, name
    wait_until(lambda: deployed.check(20).problems == [], "requests and copies go as configured")
    deployed.lab.kubectl("delete", f"--filename={tmp_path / 'out'}")


def test_secrets_of_the_stack_are_written_only_when_asked_for(deployed: ScratchStack, tmp_path: Path) -> None:
    name, stack = "mirrored-service:subsets.v1.env.PASSWORD", deployed.stack
    stack.output("config", "set", "--secret", "--path", name, "hush-hush", "--stack", stack.name)
    with pytest.raises(CommandError, match="holds secrets"):
        render.render(stack.project, stack.name, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    paths = render.render(stack.project, stack.name, tmp_path / "out", show_secrets=True)
    assert [path.name for path in paths if "hush-hush" in path.read_text()] == ["04-deployment-nginx-v1.yaml"]
