"""From the description to objects of Kubernetes and Istio: one pure function an object, plain dicts. A file a
topic, called as in reading/.

Names, labels and selectors go by version, never by role, so that promoting a version renames nothing.
"""

from typing import Any

Manifest = dict[str, Any]

ISTIO = "networking.istio.io/v1"


def manifest(api_version: str, kind: str, metadata: Manifest, spec: Manifest) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
