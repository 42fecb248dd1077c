"""Stacks of this project's own program on the lab, each in a namespace of its own."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import Lab
from lab.check import Report, check
from lab.stack import CHECKOUT, Stack
from mirrored_service import MirroredServiceArgs, model
from tests.services import service_args


def write_project(directory: Path) -> None:
    """This checkout's project, somewhere else: its stacks' config files do not land in the tree."""
    project = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())
    project["main"] = str(CHECKOUT)
    project["runtime"]["options"]["virtualenv"] = str(CHECKOUT / ".venv")
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump(project))


class Deployed:
    """A stack whose arguments a test changes and deploys."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.lab = lab
        self.namespace = f"test-{uuid.uuid4().hex[:6]}"
        self.host = f"{self.namespace}.example"
        self.config_file = directory / f"Pulumi.{self.namespace}.yaml"
        write_project(directory)
        self.stack = Stack(lab, self.namespace, directory)
        self.configure()
        self.stack.select()

    def configure(self, subsets: dict[str, Any] | None = None, **changes: Any) -> None:
        """Writes the stack's config: the walkthrough's with these changes."""
        self.args: MirroredServiceArgs = service_args(
            subsets, **{"namespace": self.namespace, "hosts": [self.host], **changes}
        )
        keys = {f"mirrored-service:{key}": value for key, value in self.args.items()}
        old = yaml.safe_load(self.config_file.read_text()) if self.config_file.exists() else {}
        self.config_file.write_text(yaml.safe_dump({**old, "config": keys}))

    def deploy(self, subsets: dict[str, Any] | None = None, **changes: Any) -> None:
        self.configure(subsets, **changes)
        self.stack.up()

    def check(self, count: int = 100) -> Report:
        """Sends requests through the ingress gateway."""
        return check(self.lab, self.service, count)

    @property
    def service(self) -> model.Service:
        return model.parse(self.args)

    def kubectl(self, *args: str) -> str:
        return self.lab.kubectl(*args, f"--namespace={self.namespace}")

    def remove(self) -> None:
        self.stack.destroy()
        self.stack.output("stack", "rm", self.stack.name, "--yes", "--preserve-config")


@pytest.fixture(scope="module")
def deploy(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Deployed]]:
    """Makes stacks; they are destroyed when the module's tests have ended."""
    made: list[Deployed] = []

    def make() -> Deployed:
        made.append(Deployed(lab, tmp_path_factory.mktemp("stack")))
        return made[-1]

    yield make
    for deployed in made:
        deployed.remove()
