"""Pod templates of versions, for tests and benchmarks."""

from __future__ import annotations

from typing import Any


def pod(pod: dict[str, Any] | None = None, *, service: str = "nginx", **container: Any) -> dict[str, Any]:
    """The property `podTemplate` of a version: fields of the pod, and of the service's own container in it."""
    return {"podTemplate": {"spec": {**(pod or {}), "containers": [{"name": service, **container}]}}}


def probed(path: str = "/healthz", service: str = "nginx") -> dict[str, Any]:
    """A readiness probe of that path, every second."""
    probe = {"httpGet": {"path": path}, "periodSeconds": 1}
    return pod(service=service, readinessProbe=probe)
