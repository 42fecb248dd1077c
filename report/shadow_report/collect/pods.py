"""What the API says of a pod and of the container whose log is read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERSION_LABEL = "version"


@dataclass(frozen=True)
class Watched:
    """One pod that is followed, as it was when the API was last heard of."""

    name: str
    uid: str
    version: str
    restarts: int  # of the container; -1 before it first started

    @property
    def log(self) -> str:
        """Tells this pod's log from others; a new pod may have the name of an old one."""
        return f"{self.name}/{self.uid}"


def watched(pod: Mapping[str, Any], container: str) -> Watched | None:
    """The pod as far as its container is concerned; None if it has no such container, or no version."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
    version = metadata.get("labels", {}).get(VERSION_LABEL)
    names = [part["name"] for part in (*spec.get("initContainers", []), *spec["containers"])]
    if version is None or container not in names:
        return None
    # Istio's sidecar is an init container where Kubernetes knows sidecars.
    statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    found: Mapping[str, Any] = next((part for part in statuses if part["name"] == container), {})
    started = {"running", "terminated"} & {*found.get("state", {}), *found.get("lastState", {})}
    return Watched(
        name=metadata["name"],
        uid=metadata["uid"],
        version=version,
        restarts=found.get("restartCount", 0) if started else -1,
    )
