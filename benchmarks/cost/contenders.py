"""The three programs that are compared, each with a stack of its own, and a namespace if it has objects."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import yaml

from lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.kit.stack import Stack
from mirrored_service import MirroredServiceArgs
from mirrored_service.reading.service import parse
from mirrored_service.rendering import Manifest, pods, routes
from mirrored_service.rendering import service as services
from mirrored_service.rendering import subset as versions

from .usage import Usage, run


class Contender:
    """One program; `services` says how many services it declares."""

    def __init__(self, lab: Lab, name: str, directory: Path, most: int) -> None:
        self.lab = lab
        self.name = name
        self.namespace = f"cost-{name}-{uuid.uuid4().hex[:6]}"
        self.directory = directory / name
        self.directory.mkdir()
        arguments = [_arguments(self.namespace, number) for number in range(most)]
        services: list[Any] = [_objects(each) for each in arguments] if name == "plain" else list(arguments)
        self.file = self.directory / "services.json"
        self.file.write_text(json.dumps(services))
        self._write_project()
        self.stack = Stack(lab, self.namespace, self.directory)

    def create(self) -> None:
        self.stack.select()
        # Without the label for injection: fifty sidecars would only keep the machine busy.
        self.lab.kubectl("create", "namespace", self.namespace)

    def deploy(self, services: int) -> None:
        """Brings that many services to the cluster, and ends their pods: an update that changes nothing compares
        with the state, so pods would only take room and time from the measurement."""
        self._configure(services)
        self.stack.up()
        if self.name != "empty":
            everything = ("deployments", "--all", f"--namespace={self.namespace}")
            self.lab.kubectl("scale", *everything, "--replicas=0")

    def measure(self, verb: str, *, memory: bool = False) -> Usage:
        """One `pulumi preview` or `pulumi up`; that something changes is an error."""
        yes = ["--yes", "--skip-preview"] if verb == "up" else []
        where = ["--stack", self.namespace, "--cwd", str(self.directory), "--non-interactive"]
        command = ["pulumi", verb, *where, *yes, "--expect-no-changes"]
        return run(command, self.stack.environment, memory=memory)

    def remove(self) -> None:
        try:
            self.stack.destroy()
            self.stack.output("stack", "rm", self.namespace, "--yes")
        finally:
            self.lab.kubectl("delete", "namespace", self.namespace)

    def _write_project(self) -> None:
        project = {
            "name": "cost",
            "main": str(Path(__file__).with_name(self.name)),
            "runtime": {"name": "python", "options": {"virtualenv": str(CHECKOUT / ".venv")}},
        }
        (self.directory / "Pulumi.yaml").write_text(yaml.safe_dump(project))

    def _configure(self, services: int) -> None:
        file = self.directory / f"Pulumi.{self.namespace}.yaml"
        old = yaml.safe_load(file.read_text()) if file.exists() else {}
        config = {"cost:file": str(self.file), "cost:services": services}
        file.write_text(yaml.safe_dump({**old, "config": config}))


def _arguments(namespace: str, number: int) -> MirroredServiceArgs:
    """A small service of one version, behind a gateway that does not exist: nothing is routed to it."""
    return {
        "name": f"shop{number}",
        "namespace": namespace,
        "createNamespace": False,
        "hosts": [f"shop{number}.{namespace}.example"],
        "gateway": {"existing": f"{namespace}/none", "ownsHosts": True},
        "subsets": {
            "v1": {
                "image": "lab.local/nginx-v1:1",
                "weight": 100,
                "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}},
                "stop": {"delaySeconds": 0, "graceSeconds": 1},
            }
        },
    }


def _objects(arguments: MirroredServiceArgs) -> dict[str, Manifest]:
    """What the component makes of these arguments, for the program that declares it by hand."""
    service = parse(arguments)
    return {
        "pods": pods.deployment(service, service.main),
        "callers": services.callers_service(service),
        "versions": services.mesh_service(service),
        "rule": versions.destination_rule(service, service.main),
        "ingress": routes.ingress_virtual_service(service),
        "mesh": routes.mesh_virtual_service(service),
    }
