"""examples/two_services: two mirrored services in one stack do not get in each other's way."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.kit import gateways
from lab.kit.scratch import end_pods, write_project
from lab.kit.stack import Stack
from tests.mesh.faults import wait_until

PROGRAM = CHECKOUT / "examples" / "two_services"


class Example:
    """The example as a stack of its own; its config is in `directory`, not in the tree."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.lab, self.name = lab, f"test-{uuid.uuid4().hex[:6]}"
        self.gateway = gateways.of_others(self.name, "shared", f"*.{self.name}.example")
        lab.kubectl("apply", "--filename=-", input=self.gateway)
        write_project(directory, PROGRAM)
        values = {
            "domain": f"{self.name}.example",
            "registry": "lab.local",
            "gateway": f"{self.name}/shared",
            "namespace": f"{self.name}-",
        }
        config = {f"two-services:{key}": value for key, value in values.items()}
        (directory / f"Pulumi.{self.name}.yaml").write_text(yaml.safe_dump({"config": config}))
        self.stack = Stack(lab, self.name, directory)
        self.stack.select()

    def remove(self) -> None:
        end_pods(self.lab, *(f"{self.name}-{service}" for service in ("shop", "search")))
        self.stack.destroy()
        self.stack.output("stack", "rm", self.name, "--yes")
        self.lab.kubectl("delete", "--filename=-", input=self.gateway)

    def ask(self, service: str, path: str) -> str:
        """Who answers: the first two words."""
        url, host = self.lab.gateway_url + path, f"{service}.{self.name}.example"
        answer = requests.get(url, headers={"Host": host}, timeout=10)
        return " ".join(answer.text.split()[:2])

    def logged(self, service: str, version: str, path: str) -> int:
        text = self.lab.kubectl(
            "logs",
            f"--namespace={self.name}-{service}",
            f"--selector=app={service},version={version}",
            f"--container={service}",
            "--tail=-1",
        )
        return sum(json.loads(line)["path"] == path for line in text.splitlines() if line.startswith("{"))

    def is_logged(self, service: str, version: str, path: str) -> bool:
        return self.logged(service, version, path) > 0

    def is_answered(self, service: str, by: str) -> bool:
        return self.ask(service, "/") == by


@pytest.fixture(scope="module")
def example(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    found = Example(lab, tmp_path_factory.mktemp("two_services"))
    found.stack.up()
    yield found
    found.remove()


def test_each_service_answers_under_its_host_and_is_mirrored_to_its_own_shadow(example: Example) -> None:
    for service, live, shadow in (("shop", "v1", "v2"), ("search", "v2", "v3")):
        wait_until(partial(example.is_answered, service, f"nginx {live}"), f"{service} answers")
        path = f"/{service}-{uuid.uuid4().hex[:6]}"
        # Half of the shop's requests are copied, by chance: that none of 60 is, happens once in 10^18 times.
        assert {example.ask(service, path) for _ in range(60)} == {f"nginx {live}"}
        wait_until(partial(example.is_logged, service, shadow, path), f"{service}'s shadow logs copies")
        other = "search" if service == "shop" else "shop"
        versions = ("v2", "v3") if other == "search" else ("v1", "v2")
        assert [example.logged(other, version, path) for version in versions] == [0, 0]


def test_nothing_is_left_to_change(example: Example) -> None:
    assert example.stack.preview() == []


def test_one_service_is_told_where_the_other_is_by_an_output(example: Example) -> None:
    namespace = f"--namespace={example.name}-search"
    found: Any = json.loads(example.lab.kubectl("get", "deployment/search-v2", namespace, "--output=json"))
    variables = found["spec"]["template"]["spec"]["containers"][0]["env"]
    assert variables == [{"name": "SHOP", "value": f"shop.{example.name}-shop.svc.cluster.local"}]
    assert example.stack.outputs()["shop"] == variables[0]["value"]
