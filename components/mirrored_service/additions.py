"""What somebody added by hand to an object. Pure.

Pulumi's Kubernetes provider cuts what it reads to the shape of what was written before: it sees what was changed,
and nothing that was only added (pruneLiveState in provider/pkg/provider/provider.go of pulumi-kubernetes).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any


def command(found: Mapping[str, Any]) -> str:
    """Lets a person take it out. With the kind's group: Gateways are kinds of Istio's and of Gateway API's."""
    group = found["apiVersion"].partition("/")[0]
    metadata = found["metadata"]
    return (
        f"kubectl edit {found['kind'].lower()}.{group} {metadata['name']} --namespace {metadata['namespace']}"
    )


def paths(ours: object, live: object, path: str) -> list[str]:
    """The paths of what is in the live object and not in ours; `path` is that of both."""
    if isinstance(ours, Mapping) and isinstance(live, Mapping):
        parts = [(f"{path}.{key}", ours.get(key), live[key]) for key in live]
    elif isinstance(ours, list) and isinstance(live, list):
        parts = [
            (f"{path}[{place}]", ours[place] if place < len(ours) else None, member)
            for place, member in enumerate(live)
        ]
    else:
        return []
    return list(
        chain.from_iterable(
            [where] if mine is None else paths(mine, theirs, where) for where, mine, theirs in parts
        )
    )
