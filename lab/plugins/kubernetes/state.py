"""What the plugin keeps of an object in Pulumi's state, and the names and annotations it gives meaning to.

The form is the official provider's, so that a stack can go from the stand-in to the official plugin and back.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .rules import Path
from .values import UNKNOWN, Object, Secret, mark_secrets, plain

AUTONAMED = "pulumi.com/autonamed"
SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
PATCH_FORCE = "pulumi.com/patchForce"
FIELD_MANAGER = "pulumi.com/patchFieldManager"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"
WAIT_FOR = "pulumi.com/waitFor"

_INPUTS = "__inputs"
_MANAGER = "__fieldManager"
_API_VERSION = "__initialApiVersion"


@dataclass(frozen=True)
class State:
    """The state of one object: what the program asked for, what the cluster has, under which field manager."""

    inputs: Object
    live: Object
    manager: str
    initial_api_version: str

    @classmethod
    def read(cls, properties: Object) -> State:
        """From the engine's state, secrets stripped."""
        live = plain(properties)
        inputs = live.pop(_INPUTS, {})
        manager = live.pop(_MANAGER, "") or f"pulumi-kubernetes-{secrets.token_hex(4)}"
        version = live.pop(_API_VERSION, "") or inputs.get("apiVersion", "")
        return cls(inputs, live, manager, version)

    def write(self, marked: Object) -> Object:
        """For the engine's state; `marked` are the inputs as the program gave them, which know what is secret."""
        live = mark_secrets(self.live, marked)
        if self.live.get("kind") == "Secret" and "data" in live and not isinstance(live["data"], Secret):
            live["data"] = Secret(live["data"])
        return {
            **live,
            _INPUTS: mark_secrets(self.inputs, marked),
            _API_VERSION: self.initial_api_version,
            _MANAGER: self.manager,
        }


def metadata(obj: Object) -> Object:
    """The object's metadata, empty if it has none or is not known yet."""
    found = obj.get("metadata")
    return found if isinstance(found, dict) else {}


def annotation(obj: Object, key: str) -> str:
    """An annotation's value, or the empty string."""
    annotations = metadata(obj).get("annotations")
    value = annotations.get(key) if isinstance(annotations, dict) else None
    return value if isinstance(value, str) else ""


def is_true(obj: Object, key: str) -> bool:
    """Is this annotation set to "true"?"""
    return annotation(obj, key) == "true"


def manager_of(inputs: Object, state_manager: str) -> str:
    """The field manager: the annotation's, else the one this object has had since its creation."""
    return annotation(inputs, FIELD_MANAGER) or state_manager


def full_name(obj: Object) -> str:
    """`namespace/name`, or `name` for what has no namespace: also the resource's id."""
    found = metadata(obj)
    return f"{found['namespace']}/{found['name']}" if found.get("namespace") else str(found.get("name", ""))


def describe(obj: Object) -> str:
    """Kind and name, for messages."""
    return f"{obj.get('kind', 'object')} {full_name(obj)}"


def with_name(new: Object, old: Object, propose: Callable[[], str]) -> Object:
    """The inputs with a name: the program's, or the one made up for the object before, or a proposed one."""
    found = dict(metadata(new))
    if found.get("name") or new.get("metadata") is UNKNOWN:
        return new
    if old and not is_true(old, AUTONAMED):
        return new
    found["name"] = metadata(old)["name"] if old else propose()
    if found.get("annotations") is not UNKNOWN:
        found["annotations"] = {**(found.get("annotations") or {}), AUTONAMED: "true"}
    return {**new, "metadata": found}


def without(obj: Any, path: Path) -> Any:
    """A copy of the object that lacks what is at `path`."""
    if not isinstance(obj, dict) or path[0] not in obj:
        return obj
    copy = dict(obj)
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = without(copy[path[0]], path[1:])
    return copy


def with_value(obj: Any, path: Path, value: Any) -> Any:
    """A copy of the object with `value` at `path`; a path that leads through a list is left alone."""
    if not path:
        return value
    if isinstance(path[0], int) or not isinstance(obj, dict):
        return obj
    return {**obj, path[0]: with_value(obj.get(path[0], {}), path[1:], value)}
