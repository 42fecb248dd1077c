"""Objects in YAML and JSON, as kubectl, `helm template` and kustomize print them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from ..kill_switch.errors import CommandError

_CLUSTER_WIDE = ("Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition")


def objects(text: str, source: str, namespace: str) -> list[dict[str, Any]]:
    """The objects of all documents; `namespace` is that of objects which do not say theirs.

    Raises CommandError for what is no object of Kubernetes; `source` is named then.
    """
    try:
        # JSON is YAML.
        read = list(yaml.load_all(text, Loader=_Loader))  # a SafeLoader
    except yaml.YAMLError as problem:
        where = str(problem).splitlines()[-1].strip()
        raise CommandError(f"{source} is neither YAML nor JSON: {where}") from None
    return [
        _in_namespace(each, namespace)
        for place, document in enumerate(read, 1)
        if document is not None
        for each in _flat(document, f"{source}, document {place}")
    ]


class _Loader(yaml.SafeLoader):
    """Leaves dates as they are written: creationTimestamp is one."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _flat(document: Any, where: str) -> Iterator[dict[str, Any]]:
    """The objects of a List, which kubectl prints for several."""
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        raise CommandError(f"{where} is no object of Kubernetes: it has no kind")
    if document["kind"].endswith("List") and isinstance(document.get("items"), list):
        for place, item in enumerate(document["items"], 1):
            yield from _flat(item, f"{where}, item {place}")
        return
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise CommandError(f"{where} is no object of Kubernetes: it has no metadata.name")
    yield document


def _in_namespace(found: dict[str, Any], namespace: str) -> dict[str, Any]:
    if found["kind"] in _CLUSTER_WIDE or found["metadata"].get("namespace"):
        return found
    return {**found, "metadata": {**found["metadata"], "namespace": namespace}}
