"""A program that knows nothing of our Python constructs the component as a package, through Pulumi's engine.

The program is written in Python too, as the lab runs no other language; but it uses the package as programs in
other languages do: it names the component's type, and the engine starts the package and passes the arguments on.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.kit.check import check
from lab.kit.load import load
from lab.kit.stack import Stack
from lab.kit.under_load import assert_nothing_lost, from_everywhere
from mirrored_service.reading.service import parse
from tests.mesh.faults import live_and_shadow, version, wait_until

PROGRAM = """
import json, pulumi

class MirroredService(pulumi.ComponentResource):
    host: pulumi.Output[str]
    urls: pulumi.Output[list]
    liveVersions: pulumi.Output[list]
    shadowVersions: pulumi.Output[list]
    mirrorTarget: pulumi.Output[dict]

    def __init__(self, name, args):
        outputs = ("host", "urls", "liveVersions", "shadowVersions", "mirrorTarget")
        inputs = {**args, **dict.fromkeys(outputs)}
        super().__init__("mirrored-service:index:MirroredService", name, inputs, remote=True)

service = MirroredService("nginx", json.loads(pulumi.Config().require("args")))
for output in ("host", "urls", "liveVersions", "shadowVersions", "mirrorTarget"):
    pulumi.export(output, getattr(service, output))
"""
V1 = {"v1": version("v1", weight=100)}


class Consumer:
    """A project of somebody else's, with one stack that uses the package."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.lab = lab
        self.namespace = f"test-{uuid.uuid4().hex[:6]}"
        self.host = f"{self.namespace}.example"
        (directory / "__main__.py").write_text(PROGRAM)
        project = {
            "name": "consumer",
            "runtime": {"name": "python", "options": {"virtualenv": str(CHECKOUT / ".venv")}},
            "options": {"refresh": "always"},
            "plugins": {"providers": [{"name": "mirrored-service", "path": str(CHECKOUT / "components")}]},
        }
        (directory / "Pulumi.yaml").write_text(json.dumps(project))
        self.stack = Stack(lab, self.namespace, directory)
        self.stack.select()

    def deploy(self, subsets: dict[str, Any], **changes: Any) -> str:
        """What `pulumi up` prints."""
        self.configure(subsets, **changes)
        return self.stack.up()

    def configure(self, subsets: dict[str, Any], **changes: Any) -> None:
        named = {"name": "nginx", "namespace": self.namespace, "hosts": [self.host]}
        self.args: Any = {**named, "subsets": subsets, **changes}
        self.stack.output("config", "set", "args", json.dumps(self.args), "--stack", self.stack.name)

    def is_as_configured(self) -> bool:
        return check(self.lab, parse(self.args), 20).problems == []


@pytest.fixture(scope="module")
def consumer(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    found = Consumer(lab, tmp_path_factory.mktemp("consumer"))
    yield found
    found.stack.destroy()
    found.stack.output("stack", "rm", found.stack.name, "--yes")
    lab.kubectl("delete", "namespace", found.namespace, "--wait=false")


def test_it_is_constructed_changed_with_the_same_waits_and_loses_nothing(consumer: Consumer) -> None:
    consumer.deploy(V1)
    streams = from_everywhere(consumer.lab, consumer.namespace, consumer.host)
    with load(consumer.lab, streams) as counted:
        consumer.deploy(live_and_shadow("v1", "v2"))
        wait_until(consumer.is_as_configured, "requests and copies go as configured")
        printed = consumer.deploy(live_and_shadow("v3", "v2"))
        assert "for the proxies to learn of v3" in printed
        assert "for the proxies to forget v1" in printed
    assert_nothing_lost(counted, {"v1", "v3"})
    wait_until(consumer.is_as_configured, "requests and copies go as configured")
    assert consumer.stack.preview() == []


def test_outputs_are_those_of_the_component(consumer: Consumer) -> None:
    host = f"nginx.{consumer.namespace}.svc.cluster.local"
    assert consumer.stack.outputs() == {
        "host": host,
        "urls": [f"http://{consumer.host}/"],
        "liveVersions": ["v3"],
        "shadowVersions": ["v2"],
        "mirrorTarget": {"host": host, "port": 80, "protocol": "http"},
    }


def test_a_mistake_is_refused_in_the_same_words_and_changes_nothing(consumer: Consumer) -> None:
    consumer.configure({"v2": version("v2", weight=120)})
    refused = consumer.stack.change("preview")
    assert refused.returncode != 0
    assert "subsets.v2.weight: 120.0 is not allowed" in refused.stdout + refused.stderr
    consumer.deploy(live_and_shadow("v3", "v2"))


def test_what_the_package_says_of_itself_is_the_schema_that_is_kept(consumer: Consumer) -> None:
    told = json.loads(consumer.stack.output("package", "get-schema", str(CHECKOUT / "components")))
    kept = json.loads((CHECKOUT / "components" / "schema.json").read_text())
    assert told["resources"] == kept["resources"]
    assert told["types"] == kept["types"]


def test_destroying_the_stack_leaves_the_namespace_with_nothing_of_its_own(consumer: Consumer) -> None:
    consumer.stack.destroy()
    kinds = "deployments,services,virtualservices,destinationrules,gateways.networking.istio.io"
    place = f"--namespace={consumer.namespace}"
    assert consumer.lab.kubectl("get", kinds, place, "--output=name") == ""
    assert consumer.lab.kubectl("get", "namespace", consumer.namespace, "--output=name") != ""
