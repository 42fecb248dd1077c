"""Property values on the wire: Struct messages of the engine <-> plain Python, with secrets and unknowns.

The engine marks a secret by wrapping it in an object with a signature, and a value that is not known before
the update by a fixed string. Inside the plugin they are `Secret(value)` and `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format, struct_pb2

Object = dict[str, Any]

# Fixed by Pulumi's protocol.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SEALED = "1b47061264138c4ac30d75fd1eb44270"
_UNKNOWN_ON_THE_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown:
    """A value that only exists once the update has run."""

    def __repr__(self) -> str:
        return "<unknown>"

    def __deepcopy__(self, _memo: Any) -> Unknown:
        return self


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in the state and never shows."""

    value: Any


def decode(message: struct_pb2.Struct) -> Object:
    """A Struct as Python values; whole numbers become int, since Kubernetes has integers and JSON has not."""
    decoded: Object = _from_wire(json_format.MessageToDict(message))
    return decoded


def _from_wire(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SEALED:
            return Secret(_from_wire(value.get("value")))
        return {key: _from_wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_wire(item) for item in value]
    if value == _UNKNOWN_ON_THE_WIRE:
        return UNKNOWN
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def encode(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """The reverse of decode."""
    message = struct_pb2.Struct()
    message.update(_to_wire(properties))
    return message


def _to_wire(value: Any) -> Any:
    if isinstance(value, Secret):
        return {_SIGNATURE: _SEALED, "value": _to_wire(value.value)}
    if isinstance(value, Mapping):
        return {key: _to_wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_to_wire(item) for item in value]
    return _UNKNOWN_ON_THE_WIRE if value is UNKNOWN else value


def plain(value: Any) -> Any:
    """The value without its secret marks, copied: what the API server gets."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def has_unknown(value: Any) -> bool:
    """Is anything in here unknown?"""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def has_secret(value: Any) -> bool:
    """Is anything in here secret?"""
    if isinstance(value, dict):
        return any(has_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(has_secret(item) for item in value)
    return isinstance(value, Secret)


def mark_secrets(target: Object, marked: Any) -> Object:
    """`target` with a secret wherever `marked` has one at the same place; always the data of a Secret.

    A list with one secret element becomes secret as a whole: its order need not be the same on both sides.
    """
    if target.get("kind") == "Secret":
        sensitive = [key for key in ("data", "stringData") if key in target]
        return {**target, **{key: Secret(plain(target[key])) for key in sensitive}}
    if not isinstance(marked, dict):
        return target
    result = dict(target)
    for key, mark in marked.items():
        if key not in result:
            continue
        if isinstance(result[key], dict) and isinstance(mark, dict):
            result[key] = mark_secrets(result[key], mark)
        elif has_secret(mark) and not isinstance(result[key], Secret):
            result[key] = Secret(result[key])
    return result
