"""The cluster: the service's routes, and what the proxies of the shadows' pods count."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import routes
from .arrivals import requests_passed_on
from .commands import run
from .errors import CommandError

Object = dict[str, Any]

RESOURCES = {
    "VirtualService": "virtualservices.networking.istio.io",
    "HTTPRoute": "httproutes.gateway.networking.k8s.io",
}
# What the component says of all that it makes.
OURS = "app.kubernetes.io/managed-by=mirrored-service,app.kubernetes.io/name={}"
NOT_THERE = "the server doesn't have a resource type"
ATTEMPTS = 5


class Cluster:
    """One service in a cluster; `access` are kubectl's options that choose the cluster."""

    def __init__(self, service: str, namespace: str, access: Sequence[str]) -> None:
        self.service = service
        self._kubectl = ("kubectl", *access, f"--namespace={namespace}")

    def copying(self) -> list[Object]:
        """The service's VirtualServices and HTTPRoutes that copy requests."""
        wanted = (f"{RESOURCES['VirtualService']}/{name}" for name in routes.names(self.service))
        selector = f"--selector={OURS.format(self.service)}"
        with ThreadPoolExecutor(2) as pool:
            others = pool.submit(self._items, "get", RESOURCES["HTTPRoute"], selector)
            found = self._items("get", *wanted, "--ignore-not-found")
        try:
            found += others.result()
        except CommandError as problem:
            # A service whose routes are Istio's has none: whoever stops it needs no right to read them.
            if not found and NOT_THERE not in str(problem):
                raise
        return [item for item in found if routes.copied_to(routes.listed(item))]

    def _items(self, *asked: str) -> list[Object]:
        text = self._run(*asked, "--output=json")
        found = json.loads(text) if text else {"items": []}
        items: list[Object] = found.get("items", [found])
        return items

    def cut(self, found: Sequence[Object]) -> None:
        """Takes the copies out of routes, which stay as they are otherwise."""
        with ThreadPoolExecutor(len(found) or 1) as pool:
            list(pool.map(self._cut, found))

    def pods(self, versions: Sequence[str]) -> list[str]:
        """The pods of these versions that have a proxy."""
        if not versions:
            return []
        selector = f"app={self.service},version in ({','.join(versions)})"
        items = json.loads(self._run("get", "pods", f"--selector={selector}", "--output=json"))["items"]
        return [item["metadata"]["name"] for item in items if _has_proxy(item)]

    def requests_passed_on(self, pod: str) -> int:
        ask = ("pilot-agent", "request", "GET", "clusters")
        return requests_passed_on(self._run("exec", pod, "--container=istio-proxy", "--", *ask))

    def _cut(self, found: Object) -> None:
        kind = found.get("kind", "VirtualService")
        name, path = f"{RESOURCES[kind]}/{found['metadata']['name']}", f"/spec/{routes.LISTS[kind]}"
        for _ in range(ATTEMPTS):
            listed = routes.listed(found)
            patch = [
                # So that nobody's change of the meantime is taken back.
                {"op": "test", "path": path, "value": listed},
                {"op": "replace", "path": path, "value": routes.without_copies(listed)},
            ]
            try:
                self._run("patch", name, "--type=json", f"--patch={json.dumps(patch)}")
            except CommandError:
                found = json.loads(self._run("get", name, "--output=json"))
                if routes.listed(found) == listed:
                    raise
            else:
                return
        raise CommandError(f"{name} is changed by somebody else all the time")

    def _run(self, *arguments: str) -> str:
        return run(*self._kubectl, *arguments)


@contextmanager
def access(settings: Mapping[str, str]) -> Iterator[list[str]]:
    """kubectl's options for the cluster that a stack's config names; none: the environment's, as for Pulumi."""
    with TemporaryDirectory() as directory:
        kubeconfig = settings.get("kubeconfig", "")
        if "\n" in kubeconfig or kubeconfig.startswith("{"):  # the contents, not a path
            file = Path(directory, "kubeconfig")
            file.touch(mode=0o600)
            file.write_text(kubeconfig)
            kubeconfig = str(file)
        options = {"kubeconfig": kubeconfig, "context": settings.get("context", "")}
        yield [f"--{name}={value}" for name, value in options.items() if value]


def _has_proxy(pod: Object) -> bool:
    status = pod.get("status", {})
    containers = [*status.get("containerStatuses", []), *status.get("initContainerStatuses", [])]
    return any(entry["name"] == "istio-proxy" and "running" in entry["state"] for entry in containers)
