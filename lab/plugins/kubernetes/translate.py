"""Between the engine's terms (URNs, ids, property diffs) and Kubernetes objects."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from pulumi.runtime.proto import provider_pb2

from .diff import Change
from .errors import ClusterError
from .state import AUTONAMED, WAIT_FOR, annotation, is_true, metadata
from .values import Object

UNSUPPORTED = "is not supported by the lab's stand-in for the Kubernetes provider"


def type_of(urn: str) -> Object:
    """apiVersion and kind from a URN's type, `kubernetes:apps/v1:Deployment`; the core API is `core/v1` there."""
    _, api_version, kind = urn.split("::")[2].rpartition("$")[2].split(":")
    return {"apiVersion": api_version.removeprefix("core/"), "kind": kind}


def located(obj: Object, identity: str) -> Object:
    """The object under the name that the resource's id gives."""
    namespace, _, name = identity.rpartition("/")
    found = {**metadata(obj), "name": name}
    if namespace:
        found["namespace"] = namespace
    return {**obj, "metadata": found}


def refuse_unsupported(urn: str, inputs: Object) -> None:
    """What would be done wrongly is refused before anything is done."""
    declared = type_of(urn)
    kind, made = declared["kind"], inputs.get("kind", "")
    is_list = kind.endswith("List") and "items" in inputs
    if kind == f"{made}Patch" or is_list or declared["apiVersion"].startswith("helm.sh/"):
        raise ClusterError(f"{kind} {UNSUPPORTED}")
    if annotation(inputs, WAIT_FOR):
        raise ClusterError(f"the annotation {WAIT_FOR} {UNSUPPORTED}")


def proposed_name(request: Any) -> str:
    """A name for an object that the program gave none: the engine's choice, or one from the resource's name."""
    if request.HasField("autonaming"):
        modes = provider_pb2.CheckRequest.AutonamingOptions
        if request.autonaming.mode == modes.DISABLE:
            raise ClusterError("autonaming is disabled, resource requires the .metadata.name field to be set")
        return str(request.autonaming.proposed_name)
    name = request.urn.rpartition("::")[2]
    seed = request.randomSeed
    suffix = hashlib.sha256(seed + request.urn.encode()).hexdigest()[:8] if seed else secrets.token_hex(4)
    return f"{name}-{suffix}"


def with_identity(inputs: Object, live: Object, namespaced: bool) -> Object:
    """Old inputs that surely name the object, so that a change of the name is seen."""
    keys = ("name", "namespace") if namespaced else ("name",)
    identity = {key: metadata(live)[key] for key in keys if key in metadata(live)}
    return {**inputs, "metadata": {**metadata(inputs), **identity}}


def keeps_its_name(live: Object, new: Object) -> bool:
    """Would the replacement have the old object's name? Then the old one must go first."""
    old_name, new_name = metadata(live), metadata(new)
    same = all(old_name.get(key) == new_name.get(key) for key in ("name", "namespace"))
    return same and not is_true(new, AUTONAMED)


def property_diff(change: Change) -> Any:
    """One change, for the engine's detailed diff."""
    name = change.kind + ("_REPLACE" if change.replaces else "")
    # Only the inputs have what is gone from the live object, and what the API server never shows.
    only_input = change.kind == "DELETE" or change.path[0] == "stringData"
    return provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Value(name), inputDiff=only_input)
