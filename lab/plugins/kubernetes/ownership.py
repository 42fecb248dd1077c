"""Who owns which field of a live object, as server-side apply records it in metadata.managedFields."""

from __future__ import annotations

from typing import Any

from .paths import lookup, parse_path
from .rules import Path
from .state import PATCH_FORCE, is_true, metadata, with_value, without
from .values import Object

# Objects are created under this name, and go over to the stack's own field manager with their first update.
CREATOR = "pulumi-kubernetes"
# Whose fields an update takes over: what a program or a person did by hand, as the official provider does.
_TAKEN_OVER = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    (CREATOR, "Update"),
    ("pulumi-resource-kubernetes", "Update"),
)


def take_over(live: Object, manager: str) -> list[Object]:
    """The JSON patch that gives `manager` what was created or edited by hand; empty if nothing was."""
    entries = metadata(live).get("managedFields") or []
    ours = [entry for entry in entries if _is_taken_over(entry) or _is_apply_of(entry, manager)]
    if not any(_is_taken_over(entry) for entry in ours):
        return []
    fields: Object = {}
    for entry in ours:
        fields = _union(fields, entry.get("fieldsV1") or {})
    merged = {**ours[-1], "manager": manager, "operation": "Apply", "fieldsV1": fields}
    others = [entry for entry in entries if entry not in ours]
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [*others, merged]},
        # Refused, rather than losing what someone else wrote meanwhile.
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata(live)["resourceVersion"]},
    ]


def _is_taken_over(entry: Object) -> bool:
    return not entry.get("subresource") and any(
        entry["manager"].startswith(name) and entry["operation"] == operation
        for name, operation in _TAKEN_OVER
    )


def _is_apply_of(entry: Object, manager: str) -> bool:
    return bool(
        entry["manager"] == manager and entry["operation"] == "Apply" and not entry.get("subresource")
    )


def _union(left: Object, right: Object) -> Object:
    result = dict(left)
    for key, value in right.items():
        result[key] = _union(result.get(key, {}), value)
    return result


def forces(inputs: Object, live: Object, *, force_all: bool, preview: bool) -> bool:
    """May an update overwrite fields that others own? Only if asked to, or where nobody else can own any.

    A preview cannot take over the creator's fields first, so it forces what the update will be allowed to do.
    """
    entries = metadata(live).get("managedFields") or []
    created_by_us = any(_is_taken_over(entry) and entry["manager"] == CREATOR for entry in entries)
    return is_true(inputs, PATCH_FORCE) or force_all or not entries or (preview and created_by_us)


def keep_ignored(inputs: Object, live: Object, manager: str, ignored: list[str]) -> Object:
    """The inputs with `ignore_changes` respected: what others own is left out, the rest keeps its live value."""
    entries = metadata(live).get("managedFields") or []
    ours: Object = {}
    theirs: Object = {}
    for entry in entries:
        if entry["manager"] == manager:
            ours = _union(ours, entry.get("fieldsV1") or {})
        else:
            theirs = _union(theirs, entry.get("fieldsV1") or {})
    for path in map(parse_path, ignored):
        if _owns(theirs, path) and not _owns(ours, path):
            inputs = without(inputs, path)
        else:
            exists, value = lookup(live, path)
            inputs = with_value(inputs, path, value) if exists else inputs
    return inputs


def _owns(fields: Object, path: Path) -> bool:
    found: Any = fields
    for step in path:
        if not isinstance(found, dict) or f"f:{step}" not in found:
            return False
        found = found[f"f:{step}"]
    return True
