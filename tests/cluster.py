"""A cluster of JSON with a mesh and one mirrored service in it, and a kubectl that answers from it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from mirrored_service import render
from mirrored_service.commands.doctor.selectors import by_labels
from mirrored_service.commands.kill_switch.errors import CommandError
from mirrored_service.commands.kubectl import RESOURCES
from tests.services import service_args

Object = dict[str, Any]

NAMESPACE, NAME, HOST = "web", "shop", "shop.example"
ARGS: dict[str, Any] = {
    "name": NAME,
    "namespace": NAMESPACE,
    "createNamespace": False,
    "hosts": [HOST],
    "gateway": {"existing": "istio-system/main"},
    "accessLog": {"providers": ["json"]},
    "subsets": {
        "v1": {"image": "shop:1", "weight": 100, "replicas": 2},
        "v2": {
            "image": "shop:2",
            "mirrorPercent": 10,
            "resources": {"requests": {"cpu": "0.25"}},
            "shadowIsolation": {"mayReach": [], "networkPolicy": {}},
        },
    },
}
MESH: Object = {"extensionProviders": [{"name": "json"}], "rootNamespace": "istio-system"}
CREATED = "2026-03-01T00:00:00Z"


def made(kind: str, name: str, spec: Object, namespace: str = NAMESPACE, **metadata: Any) -> Object:
    """An object as the API server tells it."""
    versions = {
        "Service": "v1",
        "Pod": "v1",
        "PodDisruptionBudget": "policy/v1",
        "HorizontalPodAutoscaler": "autoscaling/v2",
        "NetworkPolicy": "networking.k8s.io/v1",
        "Deployment": "apps/v1",
        "AuthorizationPolicy": "security.istio.io/v1",
        "PeerAuthentication": "security.istio.io/v1",
        "RequestAuthentication": "security.istio.io/v1",
    }
    return {
        "apiVersion": versions.get(kind, "networking.istio.io/v1"),
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": CREATED, **metadata},
        "spec": spec,
    }


def pod(name: str, labels: dict[str, str], *, ready: bool = True, sidecar: bool = True) -> Object:
    """With a native sidecar, which is an init container."""
    proxy = {"name": "istio-proxy", "image": "istio/proxyv2:1.31.0", "restartPolicy": "Always"}
    found = made("Pod", name, {"containers": [{"name": NAME, "image": "shop:1"}]}, labels=labels)
    found["spec"]["initContainers"] = [{"name": "istio-init", "image": "x"}, *([proxy] if sidecar else [])]
    condition = {"type": "Ready", "status": str(ready)}
    found["status"] = {"phase": "Running", "conditions": [condition]}
    return found


def istiod(image: str = "istio/pilot:1.31.0", revision: str = "default", **env: str) -> Object:
    container = {"name": "discovery", "image": image, "env": [{"name": k, "value": env[k]} for k in env]}
    template = {"spec": {"containers": [container]}}
    labels = {"app": "istiod", "istio.io/rev": revision}
    return made("Deployment", "istiod", {"template": template}, "istio-system", labels=labels)


def injector(revision: str = "default") -> Object:
    """The webhooks of a control plane; those of the default one inject where istio-injection is enabled too."""

    def hook(*namespace: Object) -> Object:
        asked = {"key": "sidecar.istio.io/inject", "operator": "NotIn", "values": ["false"]}
        return {
            "name": "sidecar-injector.istio.io",
            "namespaceSelector": {"matchExpressions": list(namespace)},
            "objectSelector": {"matchExpressions": [asked]},
        }

    hooks = [
        hook(
            {"key": "istio.io/rev", "operator": "In", "values": [revision]},
            {"key": "istio-injection", "operator": "DoesNotExist"},
        )
    ]
    if revision == "default":
        hooks.append(hook({"key": "istio-injection", "operator": "In", "values": ["enabled"]}))
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "istio", "labels": {"app": "sidecar-injector", "istio.io/rev": revision}},
        "webhooks": hooks,
    }


def gateway(name: str = "main", hosts: tuple[str, ...] = ("*",)) -> Object:
    port = {"number": 80, "name": "http", "protocol": "HTTP"}
    spec = {"selector": {"istio": "ingressgateway"}, "servers": [{"port": port, "hosts": list(hosts)}]}
    return made("Gateway", name, spec, "istio-system")


def virtual_service(
    name: str,
    *routes: Object,
    hosts: tuple[str, ...] = (HOST,),
    gateways: tuple[str, ...] = ("istio-system/main",),
) -> Object:
    spec = {"hosts": list(hosts), "gateways": list(gateways), "http": list(routes)}
    return made("VirtualService", name, spec, "other")


class Cluster:
    """What is there. `forbidden` are resources that may not be read: as kubectl spells them, and with "*/" before
    them for all namespaces at once."""

    def __init__(self, **args: Any) -> None:
        self.args: Any = {**ARGS, **args}
        self.objects: list[Object] = [
            *map(_served, render(service_args(**self.args))),
            pod("shop-v1-a", {"app": NAME, "version": "v1"}),
            pod("shop-v1-b", {"app": NAME, "version": "v1"}),
            pod("shop-v2-a", {"app": NAME, "version": "v2"}),
            gateway(),
            istiod(),
            injector(),
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": NAMESPACE, "labels": {"istio-injection": "enabled"}},
            },
        ]
        self.mesh: Object = copy.deepcopy(MESH)
        self.forbidden: set[str] = set()
        self.denied: set[tuple[str, str]] = set()  # verb and resource that `up` may not
        self.commands: list[str] = []

    def find(self, kind: str, name: str) -> Object:
        return next(
            found for found in self.objects if found["kind"] == kind and found["metadata"]["name"] == name
        )

    def add(self, *objects: Object) -> None:
        self.objects += objects

    def remove(self, kind: str, name: str) -> None:
        self.objects.remove(self.find(kind, name))

    def run(self, *command: str, given: str | None = None) -> str:
        """kubectl."""
        self.commands.append(" ".join(command))
        options = dict(word.partition("=")[::2] for word in command if word.startswith("--"))
        verb, *names = [word for word in command[1:] if not word.startswith("--")]
        if verb == "create":
            return "\n".join(json.dumps(each, indent=2) for each in self._reviews(json.loads(given or "")))
        assert verb == "get", command
        found = []
        for resource in names[0].split(","):
            self._refuse(resource, options)
            found += list(self._of(resource, options))
        if "--ignore-not-found" in command:
            named = [each for each in found if each["metadata"]["name"] == names[1]]
            return json.dumps(named[0]) if named else ""
        return json.dumps({"items": found})

    def _refuse(self, resource: str, options: dict[str, str]) -> None:
        everywhere = "--all-namespaces" in options
        if resource in self.forbidden or (everywhere and f"*/{resource}" in self.forbidden):
            raise CommandError(f"`kubectl get ...`: Error from server (Forbidden): {resource} is forbidden")

    def _of(self, resource: str, options: dict[str, str]) -> Iterator[Object]:
        kind = next(kind for kind in RESOURCES if RESOURCES[kind] == resource)
        for found in [*self.objects, self._config_map()]:
            here = options.get("--namespace", found["metadata"].get("namespace"))
            key, _, value = options.get("--selector", "").partition("=")
            labels = found["metadata"].get("labels", {})
            chosen = not key or (by_labels({key: value}, labels) if value else key in labels)
            if found["kind"] == kind and found["metadata"].get("namespace", here) == here and chosen:
                yield found

    def _config_map(self) -> Object:
        metadata = {"name": "istio", "namespace": "istio-system", "labels": {"istio.io/rev": "default"}}
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"mesh": yaml.safe_dump(self.mesh)},
        }

    def _reviews(self, asked: Object) -> Iterator[Object]:
        if "selfsubjectaccessreviews" in self.forbidden:
            raise CommandError("`kubectl create ...`: the server does not answer")
        for item in asked["items"]:
            wanted = item["spec"]["resourceAttributes"]
            allowed = (wanted["verb"], wanted["resource"]) not in self.denied
            yield {**item, "status": {"allowed": allowed}}


def _served(manifest: Object) -> Object:
    """What the API server makes of an object: with defaults, and quantities in its own spelling."""
    found = copy.deepcopy(manifest)
    pulumi = {"manager": "pulumi-kubernetes-1", "operation": "Apply", "fieldsV1": {"f:spec": {}}}
    found["metadata"] |= {"creationTimestamp": CREATED, "managedFields": [pulumi]}
    if found["kind"] == "Deployment":
        found["spec"] |= {"revisionHistoryLimit": 10}
        for container in found["spec"]["template"]["spec"]["containers"]:
            container["imagePullPolicy"] = "IfNotPresent"
            container["ports"] = [{**port, "protocol": "TCP"} for port in container["ports"]]
            requests = container["resources"]["requests"]
            requests |= {"cpu": "250m"} if requests.get("cpu") == "0.25" else {}
    if found["kind"] == "Service":
        found["spec"] |= {"clusterIP": "10.0.0.1"}
    if found["kind"] == "HTTPRoute":
        accepted = {"type": "Accepted", "status": "True"}
        parents = found["spec"]["parentRefs"]
        found["status"] = {"parents": [{"parentRef": each, "conditions": [accepted]} for each in parents]}
    return found


Plant = Callable[[Cluster], object]
