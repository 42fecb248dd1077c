"""What the objects have in common."""

from __future__ import annotations

from typing import Any

from .service import Service
from .subset import Subset

Manifest = dict[str, Any]

ISTIO = "networking.istio.io/v1"
_RECOMMENDED = "app.kubernetes.io"
POD_PORT = "app"  # the container port's name, by which versions may listen on different ones


def version_name(service: Service, subset: Subset) -> str:
    """What the objects of one version are called. It goes by version, never by role."""
    return f"{service.name}-{subset.name}"


def version_labels(service: Service, subset: Subset) -> dict[str, str]:
    return {"app": service.name, "version": subset.name}


def pod_labels(service: Service, subset: Subset) -> dict[str, str]:
    """What the pods of a version are selected by."""
    return dict(subset.pod_labels) or version_labels(service, subset)


def mesh_selector(service: Service) -> dict[str, str]:
    """What the pods of all versions have in common."""
    first, *rest = (pod_labels(service, subset).items() for subset in service.subsets)
    shared = (
        dict(first)
        if not rest
        else {name: value for name, value in first if all((name, value) in x for x in rest)}
    )
    own = {"app": service.name}
    # As long as the name alone will do, a version that comes or goes does not change the Service.
    return own if own.items() <= shared.items() else shared


def common(service: Service, labels: dict[str, str], annotations: dict[str, str] | None = None) -> Manifest:
    """The labels and annotations of an object: its own, those that Kubernetes recommends, and the user's.

    Pods get `labels` alone, as every change of their labels would replace them; no selector asks for the others.
    """
    recommended = {f"{_RECOMMENDED}/name": service.name, f"{_RECOMMENDED}/managed-by": "mirrored-service"}
    if "version" in labels:
        recommended[f"{_RECOMMENDED}/version"] = labels["version"]
    found: Manifest = {"labels": {**service.labels, **recommended, **labels}}
    if annotated := {**service.annotations, **(annotations or {})}:
        found["annotations"] = annotated
    return found


def metadata(
    service: Service, name: str, labels: dict[str, str], annotations: dict[str, str] | None = None
) -> Manifest:
    return {"name": name, "namespace": service.namespace, **common(service, labels, annotations)}


def version_metadata(service: Service, subset: Subset, annotations: dict[str, str] | None = None) -> Manifest:
    labels = version_labels(service, subset)
    return metadata(service, version_name(service, subset), labels, annotations)


def custom(api_version: str, kind: str, metadata: Manifest, spec: Manifest) -> Manifest:
    """An object of Istio's, or another one that nobody else should change."""
    # What somebody edits by hand belongs to their field manager from then on, and without this no preview and no
    # update could change it back.
    annotations = {"pulumi.com/patchForce": "true"}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), **annotations}},
        "spec": spec,
    }
