"""Objects of the service's names, and fields of its objects, that somebody else owns. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .finding import DANGER, WARNING, Finding, NotChecked
from .seen import Seen
from .subject import SERVICE, Object, is_ours, key, labels, said

Findings = Iterator[Finding | NotChecked]

# Who writes objects as part of Kubernetes, Istio and Pulumi.
_EXPECTED = ("pulumi", "kube-", "kubelet", "pilot-discovery", "istiod")
# Who stands behind these wrote once; the next `up` takes the field back.
_BY_HAND = (
    "kubectl-edit",
    "kubectl-patch",
    "kubectl-scale",
    "kubectl-set",
    "kubectl-label",
    "kubectl-annotate",
)
_SHOWN = 3


def foreign_object(seen: Seen) -> Findings:
    for ours, there in _pairs(seen):
        if is_ours(there) or ours["kind"] == "Namespace":
            continue
        yield Finding(
            DANGER,
            f"{said(there)} is there, and was not made by this component",
            "an `up` takes it over and makes it what the config says; whoever made it may make it theirs again",
            "call the service or the version otherwise, or delete it; if it is the service that is to be "
            "mirrored, see docs/environments.md for pods that others run",
        )


def same_names(seen: Seen) -> Findings:
    """Service a with a version b-c, and service a-b with a version c, have objects of the same names."""
    for ours, there in _pairs(seen):
        other = labels(there).get(SERVICE)
        if is_ours(there) and other != seen.subject.name and ours["kind"] != "Namespace":
            yield Finding(
                DANGER,
                f"{said(there)} is an object of the mirrored service {other}",
                "both services make an object of this name: each `up` of one takes it away from the other",
                "call one of the versions or services otherwise, or give one a namespace of its own",
            )


def field_owners(seen: Seen) -> Findings:
    """Field managers that write what the config writes."""
    for ours, there in _pairs(seen):
        managed = there["metadata"].get("managedFields") or ()
        by_pulumi = any(entry.get("manager", "").startswith("pulumi") for entry in managed)
        if not is_ours(there) or not (seen.subject.configured or by_pulumi):
            continue
        found: dict[str, list[str]] = {}
        for entry in managed:
            manager = entry.get("manager", "")
            if manager.startswith((*_EXPECTED, *_BY_HAND)) or entry.get("subresource"):
                continue
            owned = list(_owned(entry.get("fieldsV1") or {}, ours, ""))
            if owned:
                found.setdefault(manager, []).extend(owned)
        for manager, owned in found.items():
            more = f" and {len(owned) - _SHOWN} more" if len(owned) > _SHOWN else ""
            yield Finding(
                WARNING,
                f"{manager} writes {', '.join(owned[:_SHOWN])}{more} of {said(there)}",
                "each `up` makes these fields what the config says, and the other makes them its own again",
                f"let one of the two write the object; for a field that is {manager}'s for good, see "
                "docs/environments.md",
            )


def _pairs(seen: Seen) -> Iterator[tuple[Object, Object]]:
    """The objects that are there too."""
    there = everything(seen)
    for ours in seen.subject.objects:
        if key(ours) in there:
            yield ours, there[key(ours)]


def everything(seen: Seen) -> dict[tuple[str, str, str], Object]:
    """All objects that were read where the service's objects are."""
    return {key(found): found for objects in seen.read.values() for found in objects}


def _owned(fields: Mapping[str, Any], ours: Any, path: str) -> Iterator[str]:
    """Which of the fields that a manager owns the service's object has too (fieldsV1 of Kubernetes)."""
    for name, below in fields.items():
        kind, _, rest = name.partition(":")
        if kind == "f" and isinstance(ours, Mapping) and rest in ours:
            where = f"{path}.{rest}" if path else rest
            if below and where not in ("metadata", "metadata.annotations"):
                yield from _owned(below, ours[rest], where)
            elif not below:
                yield where
        elif kind == "k" and isinstance(ours, list):
            wanted = json.loads(rest)
            for place, member in enumerate(ours):
                if isinstance(member, Mapping) and all(member.get(k) == v for k, v in wanted.items()):
                    yield from _owned(below, member, f"{path}[{place}]")
