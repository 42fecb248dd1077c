"""Reads how many pods a version has, who counts them, and how many may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..description import openapi
from . import known_fields
from .fields import Fields, shown

_COUNTS = ("replicas", "autoscaling", "scaledByOthers")
# What a target is to have is checked as if it were given: it is the version's Deployment.
_TARGET = {"scaleTargetRef": {"kind": "Deployment", "name": ""}}


def check(fields: Fields) -> None:
    """The config counts the pods, an autoscaler that is made, or somebody else."""
    asked = [key for key in _COUNTS if fields.values.get(key) not in (None, False)]
    for key in asked[1:]:
        fields.refuse(
            (key,), fields.values[key], f"nothing next to {asked[0]}: one of them counts", secret=True
        )


def autoscaling(fields: Fields) -> Mapping[str, Any] | None:
    """The autoscaler of a version, if it has one."""
    key = "autoscaling"
    found = _in_their_words(fields, key, openapi.AUTOSCALER, "scaleTargetRef", "the version's Deployment")
    path = (*fields.path, key)
    if found is None or fields.problems.below(*path):
        return None
    known_fields.check_whole(fields.problems, path, found, _TARGET, {"$ref": openapi.AUTOSCALER})
    least = found.get("minReplicas") or 1
    if not isinstance(least, int):
        fields.refuse((key, "minReplicas"), least, "a plain number, as a new version starts with so many")
        return None
    return found


def disruption_budget(fields: Fields) -> Mapping[str, Any] | None:
    """How many pods of a live version may be missing while nodes are emptied."""
    key = "disruptionBudget"
    found = _in_their_words(fields, key, openapi.DISRUPTION_BUDGET, "selector", "the live version's pods")
    both = ("minAvailable", "maxUnavailable")
    if found and not fields.problems.below(key) and len(set(both) & set(found)) != 1:
        fields.refuse((key,), found, "one of minAvailable and maxUnavailable", secret=True)
    return found or None


def _in_their_words(fields: Fields, key: str, kind: str, set_here: str, to: str) -> Mapping[str, Any] | None:
    """The property as a spec of Kubernetes, without the field that the component sets itself."""
    raw = fields.values.get(key)
    if raw is None:
        return None
    path = (*fields.path, key)
    found: Mapping[str, Any] | None = known_fields.checked(fields.problems, path, raw, kind, partial=True)
    if found and set_here in found:
        fields.problems.add(
            (*path, set_here),
            f"{shown(raw[set_here], secret=True)} is not allowed; allowed: nothing, as it is {to}",
        )
    return found
