"""How two pod templates differ, by what is in them and not by how it is written. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...description import openapi
from ...description.openapi import Schema

_ABSENT: Any = object()
# Where a value may be a secret, or is too long to show.
_NOT_SHOWN = ("annotations", "args", "command", "env", "exec")
_LONGEST = 60


def between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What became of each field that is not the same, by its path."""
    return list(_of(before, after, (), {"$ref": openapi.POD_TEMPLATE}))


def _of(before: Any, after: Any, path: tuple[str, ...], schema: Schema) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            yield from _of(
                before.get(key, _ABSENT), after.get(key, _ABSENT), (*path, key), openapi.member(schema, key)
            )
    elif isinstance(before, list) and isinstance(after, list) and openapi.told_apart_by(schema):
        keys = openapi.told_apart_by(schema)
        one, other = ({openapi.identity(each, keys): each for each in side} for side in (before, after))
        for which in dict.fromkeys((*one, *other)):
            name = f"{path[-1]}[{' '.join(map(str, which))}]"
            yield from _of(
                one.get(which, _ABSENT),
                other.get(which, _ABSENT),
                (*path[:-1], name),
                openapi.members(schema),
            )
    elif before is _ABSENT and isinstance(after, Mapping) and after:
        yield from _of({}, after, path, schema)
    elif after is _ABSENT and isinstance(before, Mapping) and before:
        yield from _of(before, {}, path, schema)
    else:
        yield _said(before, after, path)


def _said(before: Any, after: Any, path: tuple[str, ...]) -> str:
    where = ".".join(path)
    if after is _ABSENT:
        return f"{where}: no longer said"
    if any(step.partition("[")[0] in _NOT_SHOWN for step in path):
        return f"{where}: {'new' if before is _ABSENT else 'another value'}"
    was = "nothing" if before is _ABSENT else _shown(before)
    return f"{where}: {_shown(after)}, was {was}"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
