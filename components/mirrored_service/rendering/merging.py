"""Merges what a user writes in Kubernetes' own words over what the component renders, as Kubernetes merges. Pure.

Mappings are merged key by key, and null takes away. Members of a list are told apart by the keys that its schema
names, as containers by `name`: those of one key are merged, others added. A list without such keys is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..description import openapi
from ..description.openapi import Schema
from . import Manifest

# A probe or a hook does one of these: another one takes the place of the one that was there.
_DOES_ONE_OF = frozenset({"exec", "grpc", "httpGet", "sleep", "tcpSocket"})


def merged(under: Manifest, over: Mapping[str, Any], kind: str) -> Manifest:
    """Both together; `kind` is one of openapi.KINDS, and `over` was checked as such."""
    return _mapping(under, over, {"$ref": kind})


def _value(under: Any, over: Any, schema: Schema) -> Any:
    if isinstance(over, Mapping):
        return _mapping(under or {}, over, schema)
    return _list(under or [], over, schema) if isinstance(over, list) else over


def _mapping(under: Mapping[str, Any], over: Mapping[str, Any], schema: Schema) -> Manifest:
    replaced = _DOES_ONE_OF if any(over.get(key) is not None for key in _DOES_ONE_OF) else ()
    found = {key: value for key, value in under.items() if key in over or key not in replaced}
    for key, value in over.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = _value(found.get(key), value, openapi.member(schema, key))
    return found


def _list(under: list[Any], over: list[Any], schema: Schema) -> list[Any]:
    keys = openapi.told_apart_by(schema)
    members = openapi.members(schema)
    if not keys:
        return [_value(None, member, members) for member in over]
    found = {openapi.identity(member, keys): member for member in under}
    for member in over:
        which = openapi.identity(member, keys)
        found[which] = _value(found.get(which), member, members)
    return list(found.values())
