"""What the objects have in common."""

from __future__ import annotations

from typing import Any

from .service import Service
from .subset import Subset

Manifest = dict[str, Any]

ISTIO = "networking.istio.io/v1"
POD_PORT = "app"  # the container port's name, by which versions may listen on different ones


def version_name(service: Service, subset: Subset) -> str:
    """What the objects of one version are called. It goes by version, never by role."""
    return f"{service.name}-{subset.name}"


def version_labels(service: Service, subset: Subset) -> dict[str, str]:
    return {"app": service.name, "version": subset.name}


def metadata(service: Service, name: str, labels: dict[str, str]) -> Manifest:
    return {"name": name, "namespace": service.namespace, "labels": labels}


def version_metadata(service: Service, subset: Subset) -> Manifest:
    return metadata(service, version_name(service, subset), version_labels(service, subset))


def custom(api_version: str, kind: str, metadata: Manifest, spec: Manifest) -> Manifest:
    """An object of Istio's, or another one that nobody else should change."""
    # What somebody edits by hand belongs to their field manager from then on, and without this no preview and no
    # update could change it back.
    annotations = {"pulumi.com/patchForce": "true"}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {**metadata, "annotations": annotations},
        "spec": spec,
    }
