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

RESOURCE = "virtualservices.networking.istio.io"
ATTEMPTS = 5


class Cluster:
    """One service in a cluster; `access` are kubectl's options that choose the cluster."""

    def __init__(self, service: str, namespace: str, access: Sequence[str]) -> None:
        self.service = service
        self._kubectl = ("kubectl", *access, f"--namespace={namespace}")

    def copying(self) -> list[Object]:
        """The service's VirtualServices that copy requests."""
        wanted = (f"{RESOURCE}/{name}" for name in routes.names(self.service))
        text = self._run("get", *wanted, "--ignore-not-found", "--output=json")
        found = json.loads(text) if text else {"items": []}
        items = found.get("items", [found])
        return [item for item in items if routes.copied_to(item["spec"].get("http", []))]

    def cut(self, found: Sequence[Object]) -> None:
        """Takes the copies out of VirtualServices, which stay as they are otherwise."""
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
        name = f"{RESOURCE}/{found['metadata']['name']}"
        for _ in range(ATTEMPTS):
            http = found["spec"]["http"]
            patch = [
                # So that nobody's change of the meantime is taken back.
                {"op": "test", "path": "/spec/http", "value": http},
                {"op": "replace", "path": "/spec/http", "value": routes.without_copies(http)},
            ]
            try:
                self._run("patch", name, "--type=json", f"--patch={json.dumps(patch)}")
            except CommandError:
                found = json.loads(self._run("get", name, "--output=json"))
                if found["spec"]["http"] == http:
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
