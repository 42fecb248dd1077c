"""Programs of one's own: options reach the objects, and how a service leaves its program."""

from collections.abc import Callable

import pytest
import yaml

from lab.cluster.layout import CHECKOUT
from lab.kit.scratch import ScratchStack
from tests.mesh.faults import assert_as_wanted, live_and_shadow, version

# The component under another name, with the transform that docs/environments.md shows.
PROGRAM = f"""
import sys

import pulumi

sys.path.append({str(CHECKOUT)!r})
import settings
from mirrored_service import MirroredService


def change(args):
    if args.type_ == "kubernetes:apps/v1:Deployment":
        props = {{**args.props, "spec": {{**args.props["spec"], "revisionHistoryLimit": 3}}}}
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
    becomes(found, PROGRAM)
    return found


def becomes(deployed: ScratchStack, program: str) -> None:
    """The stack has this program from now on."""
    directory = deployed.config_file.parent
    (directory / "program").mkdir(exist_ok=True)
    (directory / "program" / "__main__.py").write_text(program)
    project = yaml.safe_load((directory / "Pulumi.yaml").read_text())
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump({**project, "main": "program"}))


def test_an_alias_replaces_nothing_and_a_transform_decides_who_has_a_field(deployed: ScratchStack) -> None:
    assert {step["op"] for step in deployed.stack.preview()} <= {"update"}
    deployed.kubectl("patch", "deployment/nginx-v1", "--patch", '{"spec": {"progressDeadlineSeconds": 77}}')
    deployed.stack.up()
    fields = "{.spec.progressDeadlineSeconds} {.spec.revisionHistoryLimit}"
    assert deployed.kubectl("get", "deployment/nginx-v1", f"--output=jsonpath={fields}") == "77 3"
    assert_as_wanted(deployed)


def test_a_service_that_is_to_be_kept_leaves_its_program_only_by_the_ways_that_pulumi_then_names(
    deploy: Callable[[], ScratchStack],
) -> None:
    kept = deploy()
    kept.deploy({"v1": version("v1", weight=100)}, keepOnDestroy=True)
    with_it, without = PROGRAM.replace("renamed", "nginx"), "import pulumi"
    becomes(kept, without)
    refused = kept.stack.change("up")
    assert refused.returncode != 0
    assert "nginx must stay in the program until `pulumi destroy --run-program`" in refused.stdout
    becomes(kept, with_it)
    component = (
        f"urn:pulumi:{kept.stack.name}::mirrored-service::mirrored-service:index:MirroredService::nginx"
    )
    kept.stack.destroy("--run-program", "--refresh=false", f"--target={component}", "--target-dependents")
    becomes(kept, without)
    kept.stack.up()
    left = kept.kubectl("get", "deployments,services,virtualservices,destinationrules", "--output=name")
    assert sorted(left.split()) == ["deployment.apps/nginx-v1", "service/nginx"]
    becomes(kept, with_it)
    kept.deploy(keepOnDestroy=False)
    becomes(kept, without)
    kept.stack.up()
    assert kept.kubectl("get", "deployments", "--output=name") == ""
