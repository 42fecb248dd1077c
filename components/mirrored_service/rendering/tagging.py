"""Names, labels and annotations of objects."""

from __future__ import annotations

from ..description.service import Service
from ..description.subset import Subset
from . import Manifest

_RECOMMENDED = "app.kubernetes.io"
# A field that somebody edits by hand (or an autoscaler) belongs to their field manager from then on. Without this
# every `up` would fail with a conflict until they gave it back; with it the field is what the config says again.
_FORCED = {"pulumi.com/patchForce": "true"}


def common(service: Service, labels: dict[str, str], annotations: dict[str, str] | None = None) -> Manifest:
    """The labels and annotations of an object: its own, those that Kubernetes recommends, and the user's.

    Pods get `labels` alone, as every change of their labels would replace them; no selector asks for the others.
    """
    recommended = {f"{_RECOMMENDED}/name": service.name, f"{_RECOMMENDED}/managed-by": "mirrored-service"}
    if "version" in labels:
        recommended[f"{_RECOMMENDED}/version"] = labels["version"]
    return {
        "labels": {**service.labels, **recommended, **labels},
        "annotations": {**service.annotations, **_FORCED, **(annotations or {})},
    }


def metadata(
    service: Service, name: str, labels: dict[str, str], annotations: dict[str, str] | None = None
) -> Manifest:
    return {"name": name, "namespace": service.namespace, **common(service, labels, annotations)}


def version_metadata(service: Service, subset: Subset, annotations: dict[str, str] | None = None) -> Manifest:
    return metadata(service, service.version_name(subset), service.version_labels(subset), annotations)
