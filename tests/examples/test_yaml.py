"""The example in YAML on the lab: its own text, with images and a namespace that the lab has."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.kit.scratch import end_pods
from lab.kit.stack import Stack
from tests.mesh.callers import Caller
from tests.mesh.faults import wait_until

EXAMPLE = CHECKOUT / "examples" / "yaml" / "Pulumi.yaml"


@dataclass
class Shop:
    """The example as a stack."""

    lab: Lab
    stack: Stack
    namespace: str

    def copied(self, path: str) -> bool:
        lines = self.lab.kubectl(
            "logs", f"--namespace={self.namespace}", "--selector=version=v2", "--container=shop", "--tail=-1"
        ).splitlines()
        return any(json.loads(line)["path"].startswith(path) for line in lines if line.startswith("{"))


def program(namespace: str) -> dict[str, Any]:
    """What a reader changes before the first `up`: where, under which host, and which images."""
    text = EXAMPLE.read_text().replace("../../components", str(CHECKOUT / "components"))
    project: dict[str, Any] = yaml.safe_load(text)
    properties = project["resources"]["shop"]["properties"]
    properties.update(namespace=namespace, hosts=[f"{namespace}.example"])
    for version, subset in properties["subsets"].items():
        subset["image"] = f"lab.local/nginx-{version}:1"
    return project


@pytest.fixture(scope="module")
def shop(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    name, directory = f"test-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("yaml")
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump(program(name)))
    found = Shop(lab, Stack(lab, name, directory), name)
    found.stack.select()
    found.stack.up()
    yield found
    end_pods(lab, name)
    found.stack.destroy()
    found.stack.output("stack", "rm", name, "--yes")


def test_the_live_version_answers_and_the_shadow_gets_copies(shop: Shop) -> None:
    path = f"/{uuid.uuid4().hex[:6]}-"
    caller = Caller(shop.lab, shop.namespace, "caller", sidecar=True)
    # One of ten is copied, by chance: that none of 200 is, happens once in 10^9 times.
    assert caller.answers(f"http://shop{path}", 200) == {"nginx v1": 200}
    wait_until(lambda: shop.copied(path), "the shadow logs copies")


def test_outputs_reach_the_program(shop: Shop) -> None:
    assert shop.stack.outputs() == {
        "urls": [f"https://{shop.namespace}.example/"],
        "shadowVersions": ["v2"],
    }


def test_nothing_is_left_to_change(shop: Shop) -> None:
    assert shop.stack.preview() == []
