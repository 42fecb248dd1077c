"""The ways to make a change that are compared: ours, and the two that people have today."""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import yaml

from lab import Lab
from lab.kit.changes import Subsets
from lab.kit.gateways import BY_GATEWAY_API
from lab.kit.scratch import ScratchStack
from lab.kit.stack import Stack
from mirrored_service import MirroredServiceArgs
from mirrored_service.description.service import Service
from mirrored_service.reading.service import parse
from mirrored_service.rendering import ISTIO, Manifest, entry, pods, routes
from mirrored_service.rendering import service as services
from mirrored_service.rendering import subset as versions

BY_HAND_PAUSE_SECONDS = 2
SERVICE: MirroredServiceArgs = {"name": "nginx", "namespace": "unused", "subsets": {}}


class Contender(ABC):
    """One service in a namespace of its own, changed in one way of doing it."""

    name: str
    namespace: str
    host: str

    @abstractmethod
    def change(self, subsets: Subsets) -> None:
        """Brings the versions to this state and waits until that is done."""

    @abstractmethod
    def remove(self) -> None:
        """Takes everything away."""


class Ours(Contender):
    """`pulumi up` of this project's program."""

    name = "mirrored-service"

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.scratch = ScratchStack(lab, directory, SERVICE)
        self.namespace, self.host = self.scratch.namespace, self.scratch.host

    def change(self, subsets: Subsets) -> None:
        self.scratch.deploy(subsets)

    def remove(self) -> None:
        self.scratch.remove()


class ByGatewayApi(Ours):
    """The same, with HTTPRoutes of Gateway API."""

    name = "the same, `api: gateway`"

    def __init__(self, lab: Lab, directory: Path) -> None:
        super().__init__(lab, directory)
        self.scratch.base |= BY_GATEWAY_API


class SharedRule(Contender):
    """Plain Pulumi: the same objects and Deployments, one DestinationRule for all versions, no waits."""

    name = "plain Pulumi"

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.namespace = f"plain-{uuid.uuid4().hex[:6]}"
        self.host = f"{self.namespace}.example"
        self.config_file = directory / f"Pulumi.{self.namespace}.yaml"
        program = Path(__file__).with_name("shared_rule")
        project = {"name": "shared-rule", "runtime": "python", "main": str(program)}
        (directory / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        self.stack = Stack(lab, self.namespace, directory)
        self.stack.select()

    def change(self, subsets: Subsets) -> None:
        service = _service(self, subsets)
        namespace, *others = walkthrough_objects(service)
        deployments = [pods.deployment(service, subset) for subset in service.subsets]
        objects = [namespace, *deployments, *(each for each in others if each["kind"] != "Deployment")]
        old = yaml.safe_load(self.config_file.read_text())
        self.config_file.write_text(yaml.safe_dump({**old, "config": {"shared-rule:objects": objects}}))
        self.stack.up()

    def remove(self) -> None:
        self.stack.destroy()
        self.stack.output("stack", "rm", self.stack.name, "--yes", "--preserve-config")


class Walkthrough(Contender):
    """The walkthrough's YAML, all of it with one `kubectl apply`; then versions that are gone are deleted."""

    name = "kubectl apply"

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.lab = lab
        self.namespace = f"kubectl-{uuid.uuid4().hex[:6]}"
        self.host = f"{self.namespace}.example"
        self.versions: set[str] = set()

    def change(self, subsets: Subsets) -> None:
        self._apply(walkthrough_objects(_service(self, subsets)))
        self._rolled_out(subsets)
        self._delete(self.versions - set(subsets))
        self.versions = set(subsets)

    def remove(self) -> None:
        self.lab.kubectl("delete", "namespace", self.namespace)

    def _apply(self, objects: list[Manifest]) -> None:
        self.lab.kubectl("apply", "--filename=-", input=yaml.safe_dump_all(objects))

    def _rolled_out(self, subsets: Subsets) -> None:
        for version in subsets:
            deployment = f"deployment/nginx-{version}"
            self.lab.kubectl(
                "rollout", "status", deployment, f"--namespace={self.namespace}", "--timeout=120s"
            )

    def _delete(self, versions: set[str]) -> None:
        for version in versions:
            self.lab.kubectl("delete", "deployment", f"nginx-{version}", f"--namespace={self.namespace}")


class ByHand(Walkthrough):
    """kubectl by somebody who knows the right order and pauses between the steps: how long that takes."""

    name = "by hand"

    def change(self, subsets: Subsets) -> None:
        service = _service(self, subsets)
        deployments = [pods.deployment(service, subset) for subset in service.subsets]
        self._apply([services.namespace(service), *deployments])
        self._rolled_out(subsets)
        kept = [versions.destination_rule(service, subset) for subset in service.subsets]
        self._apply([services.callers_service(service), services.mesh_service(service), *kept])
        time.sleep(BY_HAND_PAUSE_SECONDS)
        routed = [routes.ingress_virtual_service(service), routes.mesh_virtual_service(service)]
        self._apply([entry.gateway(service), *routed])
        time.sleep(BY_HAND_PAUSE_SECONDS)
        for version in self.versions - set(subsets):
            rule = f"destinationrule/nginx-{version}"
            self.lab.kubectl("delete", rule, f"deployment/nginx-{version}", f"--namespace={self.namespace}")
        self.versions = set(subsets)


def _service(contender: Contender, subsets: Subsets) -> Service:
    args: Any = {
        **SERVICE,
        "namespace": contender.namespace,
        "hosts": [contender.host],
        "subsets": subsets,
    }
    return parse(args)


def walkthrough_objects(service: Service) -> list[Manifest]:
    """The walkthrough's seven files: one Service and one DestinationRule for all versions, bare Deployments."""
    labels = {"app": service.name}
    metadata = {"namespace": service.namespace, "labels": labels}
    port = {"name": "http", "port": 80, "targetPort": 80}
    one_service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**metadata, "name": service.name},
        "spec": {"selector": labels, "ports": [port]},
    }
    one_rule = {
        "apiVersion": ISTIO,
        "kind": "DestinationRule",
        "metadata": {**metadata, "name": f"{service.name}-dr"},
        "spec": {
            "host": service.host,
            "subsets": [{"name": each.name, "labels": {"version": each.name}} for each in service.subsets],
        },
    }
    route = routes.ingress_virtual_service(service)
    for http in route["spec"]["http"]:
        for target in [*http["route"], *http.get("mirrors", [])]:
            target["destination"]["host"] = service.host
    bare = [_bare_deployment(pods.deployment(service, each)) for each in service.subsets]
    return [services.namespace(service), *bare, one_service, one_rule, entry.gateway(service), route]


def _bare_deployment(deployment: Manifest) -> Manifest:
    pod = deployment["spec"]["template"]["spec"]
    container = {key: pod["containers"][0][key] for key in ("name", "image", "ports")}
    kept = {key: deployment["spec"][key] for key in ("replicas", "selector")}
    template = {**deployment["spec"]["template"], "spec": {"containers": [container]}}
    return {**deployment, "spec": {**kept, "template": template}}
