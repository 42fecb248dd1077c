"""A stack that was made by an earlier version of the component is taken over by this one: nothing is replaced.

`states/` holds exported states of such stacks: the walkthrough with two pods of v1 and half of the copies.
Positions in source files, times, and what the API server notes of field managers were taken out, and the
provider's version is the one that the lab has; STACK stands for the name of the stack,
which is that of its namespace. Each version that is released adds one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.kit.load import load
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import assert_nothing_lost, from_everywhere
from tests.mesh.faults import version

STATES = sorted((Path(__file__).parent / "states").glob("*.json"))
SUBSETS = {"v1": version("v1", weight=100, replicas=2), "v2": version("v2", mirrorPercent=50)}


def restore(deployed: ScratchStack, state: Path) -> None:
    """Makes the cluster and the stack what they were when the state was exported."""
    text = state.read_text().replace("STACK", deployed.namespace)
    for resource in json.loads(text)["deployment"]["resources"]:
        if resource["type"].startswith("kubernetes:"):
            apply(deployed, resource)
    for name in SUBSETS:
        deployed.kubectl("rollout", "status", f"deployment/nginx-{name}", "--timeout=120s")
    file = deployed.config_file.with_suffix(".state.json")
    file.write_text(text)
    deployed.stack.output("stack", "import", "--file", str(file), "--stack", deployed.stack.name)


def apply(deployed: ScratchStack, resource: Any) -> None:
    """As the provider applied it, under the same name of a field manager. Addresses were the server's choice."""
    manager = f"--field-manager={resource['outputs']['__fieldManager']}"
    inputs = json.dumps(resource["inputs"])
    deployed.lab.kubectl("apply", "--server-side", manager, "--filename=-", input=inputs)


def identities(deployed: ScratchStack) -> dict[str, str]:
    kinds = "deployments,services,gateways.networking.istio.io,virtualservices,destinationrules"
    there = json.loads(deployed.kubectl("get", kinds, "--output=json"))["items"]
    return {f"{made['kind']} {made['metadata']['name']}": made["metadata"]["uid"] for made in there}


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.stem)
def test_nothing_is_replaced_and_nothing_is_lost(deploy: Callable[[], ScratchStack], state: Path) -> None:
    deployed = deploy()
    restore(deployed, state)
    deployed.configure(SUBSETS)
    before = identities(deployed)
    assert len(before) == 9

    steps = deployed.stack.preview()
    assert steps
    assert {step["op"] for step in steps} <= {"update", "create"}
    assert not [step for step in steps if step.get("replaceReasons")]

    streams = from_everywhere(deployed.lab, deployed.namespace, deployed.host)
    with load(deployed.lab, streams) as counted:
        deployed.stack.up()
    assert_nothing_lost(counted, {"v1"})
    after = identities(deployed)
    assert {name: after.get(name) for name in before} == before
    assert deployed.stack.preview() == []
    assert deployed.check().problems == []
