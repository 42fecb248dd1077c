"""Resource options that a program gives the component reach its objects."""

from collections.abc import Callable

import pytest
import yaml

from lab.cluster.layout import CHECKOUT
from lab.kit.scratch import ScratchStack
from tests.mesh.faults import assert_as_wanted, live_and_shadow

# The component under another name, with the transform that docs/environments.md shows.
PROGRAM = f"""
import sys

import pulumi

sys.path.append({str(CHECKOUT)!r})
import settings
from mirrored_service import MirroredService


def change(args):
    if args.type_ == "kubernetes:apps/v1:Deployment":
        props = {{**args.props, "spec": {{**args.props["spec"], "minReadySeconds": 1}}}}
        options = pulumi.ResourceOptions(ignore_changes=["spec.progressDeadlineSeconds"])
        return pulumi.ResourceTransformResult(props, pulumi.ResourceOptions.merge(args.opts, options))


options = pulumi.ResourceOptions(transforms=[change], aliases=[pulumi.Alias(name="nginx")])
MirroredService("renamed", settings.load(), options)
"""


@pytest.fixture
def deployed(deploy: Callable[[], ScratchStack]) -> ScratchStack:
    """A stack that was deployed under the name nginx, and whose program calls it otherwise now."""
    found = deploy()
    found.deploy(live_and_shadow("v1", "v2"))
    directory = found.config_file.parent
    (directory / "program").mkdir()
    (directory / "program" / "__main__.py").write_text(PROGRAM)
    project = yaml.safe_load((directory / "Pulumi.yaml").read_text())
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump({**project, "main": "program"}))
    return found


def test_an_alias_replaces_nothing_and_a_transform_decides_who_has_a_field(deployed: ScratchStack) -> None:
    assert {step["op"] for step in deployed.stack.preview()} <= {"update"}
    deployed.kubectl("patch", "deployment/nginx-v1", "--patch", '{"spec": {"progressDeadlineSeconds": 77}}')
    deployed.stack.up()
    fields = "{.spec.progressDeadlineSeconds} {.spec.minReadySeconds}"
    assert deployed.kubectl("get", "deployment/nginx-v1", f"--output=jsonpath={fields}") == "77 1"
    assert_as_wanted(deployed)
