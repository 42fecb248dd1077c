"""examples/shared_host: a delegate of the host's owner, who keeps all other paths."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.kit import gateways
from lab.kit.scratch import write_project
from lab.kit.stack import Stack
from tests.mesh.faults import wait_until

pytestmark = pytest.mark.thorough

PROGRAM = CHECKOUT / "examples" / "shared_host"


class Example:
    """The example as a stack of its own, and the owner's part in a namespace of its own."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.lab, self.name = lab, f"test-{uuid.uuid4().hex[:6]}"
        self.namespace = f"{self.name}-cart"
        gateway = gateways.of_others(self.name, "public", f"{self.name}.example")
        lab.kubectl("apply", "--filename=-", input=gateway)
        root = yaml.safe_load((PROGRAM / "root.yaml").read_text())
        root["metadata"]["namespace"] = self.name
        root["spec"].update(hosts=[f"{self.name}.example"], gateways=["public"])
        root["spec"]["http"][0]["delegate"]["namespace"] = self.namespace
        lab.kubectl("apply", "--filename=-", input=yaml.safe_dump(root))
        write_project(directory, PROGRAM)
        values = {"registry": "lab.local", "namespace": self.namespace}
        config = {f"shared-host:{key}": value for key, value in values.items()}
        (directory / f"Pulumi.{self.name}.yaml").write_text(yaml.safe_dump({"config": config}))
        self.stack = Stack(lab, self.name, directory)
        self.stack.select()

    def remove(self) -> None:
        self.stack.destroy()
        self.stack.output("stack", "rm", self.name, "--yes")
        self.lab.kubectl("delete", "namespace", self.name, self.namespace, "--wait=false")

    def ask(self, path: str, method: str = "GET") -> requests.Response:
        headers = {"Host": f"{self.name}.example"}
        url = self.lab.gateway_url + path
        return requests.request(method, url, headers=headers, timeout=10, allow_redirects=False)

    def logged(self, version: str, path: str) -> int:
        pods = (f"--selector=app=cart,version={version}", "--container=cart", "--tail=-1")
        text = self.lab.kubectl("logs", f"--namespace={self.namespace}", *pods)
        return sum(json.loads(line)["path"] == path for line in text.splitlines() if line.startswith("{"))


@pytest.fixture(scope="module")
def example(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    found = Example(lab, tmp_path_factory.mktemp("shared_host"))
    found.stack.up()
    yield found
    found.remove()


def test_its_paths_are_its_own_and_mirrored_and_all_others_the_owners(example: Example) -> None:
    wait_until(lambda: example.ask("/cart/1").text.startswith("nginx v1"), "the delegate is used")
    for method in ("GET", "POST"):
        assert example.ask("/cart/2", method).text.startswith("nginx v1")
        assert example.ask("/else", method).text == "the shop's own pages"
    assert example.ask("/cart").headers["Location"].endswith("/cart/")
    wait_until(lambda: example.logged("v2", "/2") == 1, "the copy of the GET is logged, with its new path")
    assert example.logged("v1", "/2") == 2


def test_nothing_is_left_to_change(example: Example) -> None:
    assert example.stack.preview() == []
