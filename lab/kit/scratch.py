"""Stacks for tests and benchmarks: this checkout's program, in a namespace and a directory of their own."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, cast

import yaml

from lab.cluster.lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.kit.check import Report, check
from lab.kit.stack import Stack
from mirrored_service import MirroredServiceArgs
from mirrored_service.description.service import Service
from mirrored_service.reading import stack_config
from mirrored_service.reading.service import parse


class ScratchStack:
    """A stack whose arguments are changed and deployed again and again; its config is not in the tree."""

    def __init__(self, lab: Lab, directory: Path, base: MirroredServiceArgs) -> None:
        self.lab = lab
        self.base: dict[str, Any] = dict(base)
        self.namespace = f"test-{uuid.uuid4().hex[:6]}"
        self.host = f"{self.namespace}.example"
        self.config_file = directory / f"Pulumi.{self.namespace}.yaml"
        write_project(directory)
        self.configure()
        self.stack = Stack(lab, self.namespace, directory)
        self.stack.select()

    def configure(self, subsets: dict[str, Any] | None = None, **changes: Any) -> None:
        """Writes the stack's config: its base with these changes, in its own namespace and under its own host."""
        entered = {"hosts": [self.host], "gateway": {"ownsHosts": True}}
        args = {**entered, **self.base, "namespace": self.namespace, "hosts": [self.host], **changes}
        if subsets is not None:
            args["subsets"] = subsets
        self.args = cast(MirroredServiceArgs, args)
        keys = {f"mirrored-service:{key}": value for key, value in args.items()}
        old = yaml.safe_load(self.config_file.read_text()) if self.config_file.exists() else {}
        self.config_file.write_text(yaml.safe_dump({**old, "config": keys}))

    def deploy(self, subsets: dict[str, Any] | None = None, **changes: Any) -> None:
        self.configure(subsets, **changes)
        self.stack.up()

    def check(self, count: int = 100) -> Report:
        """Sends requests through the ingress gateway."""
        return check(self.lab, self.service, count)

    @property
    def service(self) -> Service:
        args: Any = stack_config.with_target(self.args, lambda stack: stack_config.ANY_TARGET)
        return parse(args)

    def kubectl(self, *args: str, input: str | None = None) -> str:
        return self.lab.kubectl(*args, f"--namespace={self.namespace}", input=input)

    def remove(self) -> None:
        end_pods(self.lab, self.namespace)
        self.stack.destroy()
        self.lab.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=false")
        self.stack.output("stack", "rm", self.stack.name, "--yes", "--preserve-config")


def end_pods(lab: Lab, *namespaces: str) -> None:
    """Ends them at once: a `pulumi destroy` that tidies up need not wait until they have ended as they should."""
    for namespace in namespaces:
        ended = ("delete", "deployments,replicasets,pods", "--all", "--force", "--grace-period=0")
        lab.kubectl(*ended, f"--namespace={namespace}")


def write_project(directory: Path, program: Path = CHECKOUT) -> None:
    """Makes the directory one of a program that is elsewhere in this checkout."""
    project = yaml.safe_load((program / "Pulumi.yaml").read_text())
    project["main"] = str(program)
    project["runtime"]["options"]["virtualenv"] = str(CHECKOUT / ".venv")
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump(project))
