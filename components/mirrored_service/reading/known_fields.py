"""Checks what is written in Kubernetes' and Istio's own words: no field is unknown, and each has its type.

The API server drops an unknown field of a Deployment without a word, and `render` has no API server to ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from ..description.openapi import Schema, identity, member, members, resolved, told_apart_by
from .fields import Path, Problems, number, shown, unknown, whole
from .syntax import quantity

_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_WHOLE_OR_TEXT = "a whole number or a string"


def checked(problems: Problems, path: Path, raw: Any, kind: str, *, partial: bool = False) -> Any:
    """The value with whole numbers as such; what is wrong with it is noted, by its path.

    Values are never shown, as they may be secret. A single value may be the output of another resource, but for
    those that tell the members of a list apart.

    :param kind: One of KINDS.
    :param partial: It is merged over a whole one: nothing in it is required, and null takes away.
    """
    return _Check(problems, partial).value(path, raw, {"$ref": kind})


def check_whole(problems: Problems, path: Path, raw: Any, under: Any, schema: Schema) -> None:
    """Notes what is still missing of a value that was checked as partial, when it is merged over `under`."""
    schema = resolved(schema)
    if isinstance(raw, Mapping):
        there = under if isinstance(under, Mapping) else {}
        for key in schema.get("required", ()):
            if raw.get(key, None if key in raw else there.get(key)) is None:
                problems.add((*path, key), "missing")
        for key, value in raw.items():
            check_whole(problems, (*path, key), value, there.get(key), member(schema, key))
    elif isinstance(raw, list):
        keys = told_apart_by(schema)
        known = {identity(each, keys): each for each in under or ()} if keys else {}
        for place, value in enumerate(raw):
            below = known.get(identity(value, keys)) if keys else None
            check_whole(problems, (*path, place), value, below, members(schema))


class _Check:
    def __init__(self, problems: Problems, partial: bool) -> None:
        self.problems = problems
        self.partial = partial

    def value(self, path: Path, raw: Any, schema: Schema) -> Any:
        if schema.get("$ref") == _QUANTITY and raw is not None:
            return self._typed(path, raw, _quantity(raw), 'a quantity, such as "250m" or "128Mi"')
        schema = resolved(schema)
        if raw is None and self.partial:
            return raw
        if schema.get("x-kubernetes-int-or-string"):
            taken = raw if isinstance(raw, str | pulumi.Output) else _plain(raw, "integer")
            return self._typed(path, raw, taken, _WHOLE_OR_TEXT)
        kind = schema.get("type")
        if kind == "object":
            return self._mapping(path, raw, schema)
        if kind == "array":
            return self._list(path, raw, schema)
        if isinstance(raw, pulumi.Output):
            return raw
        if "enum" in schema and raw not in schema["enum"]:
            return self._refuse(path, raw, " or ".join(schema["enum"]))
        return self._typed(path, raw, _plain(raw, kind), _TYPES[kind]) if kind else raw

    def _typed(self, path: Path, raw: Any, taken: Any, allowed: str) -> Any:
        return self._refuse(path, raw, allowed) if taken is None else taken

    def _refuse(self, path: Path, raw: Any, allowed: str) -> None:
        self.problems.add(path, f"{shown(raw, secret=True)} is not allowed; allowed: {allowed}")

    def _mapping(self, path: Path, raw: Any, schema: Schema) -> Any:
        if not isinstance(raw, Mapping):
            return self._refuse(path, raw, _TYPES["object"])
        known: Schema = schema.get("properties", {})
        others = schema.get("additionalProperties", {} if not known else None)
        found = {}
        for key, value in raw.items():
            if key in known:
                found[key] = self.value((*path, key), value, known[key])
            elif others is not None and isinstance(key, str):
                found[key] = self.value((*path, key), value, others)
            elif not schema.get("x-kubernetes-preserve-unknown-fields"):
                unknown(self.problems, path, key, sorted(known))
        for key in () if self.partial else schema.get("required", ()):
            if raw.get(key) is None:
                self.problems.add((*path, key), "missing")
        return found

    def _list(self, path: Path, raw: Any, schema: Schema) -> Any:
        if not isinstance(raw, list | tuple):
            return self._refuse(path, raw, _TYPES["array"])
        found = [self.value((*path, place), each, schema["items"]) for place, each in enumerate(raw)]
        self._tell_apart(path, found, told_apart_by(schema))
        return found

    def _tell_apart(self, path: Path, found: list[Any], keys: tuple[str, ...]) -> None:
        seen = set()
        for place, each in enumerate(found if keys else ()):
            if not isinstance(each, Mapping):
                if each is None and self.partial:
                    self._refuse((*path, place), each, _TYPES["object"])
                continue
            which = identity(each, keys)
            for key, value in zip(keys, which, strict=True):
                if isinstance(value, pulumi.Output):
                    self._refuse((*path, place, key), value, "a plain value, which tells it from the others")
                elif value is None and self.partial:
                    self.problems.add((*path, place, key), "missing")
            if which in seen:
                names = " and ".join(keys)
                self.problems.add((*path, place), f"is there before; allowed: each {names} once")
            seen.add(which)


def _plain(raw: Any, kind: str) -> Any:
    """The value if it is of that kind of OpenAPI, else None."""
    if kind == "integer":
        return whole(raw, -(2**63), 2**63 - 1)
    if kind == "number":
        return number(raw, float("-inf"), float("inf"))
    return raw if isinstance(raw, {"string": str, "boolean": bool}[kind]) else None


def _quantity(raw: Any) -> Any:
    if isinstance(raw, pulumi.Output):
        return raw
    if isinstance(raw, str):
        return raw if quantity(raw) is not None else None
    return number(raw, float("-inf"), float("inf"))
