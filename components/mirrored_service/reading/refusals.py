"""What checks of a nested value refuse, each part told by its place in that part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .fields import Path

Refusal = tuple[Path, Any, str]  # where, the value, and what is allowed
Refusals = Iterator[Refusal]


def below(path: Path, refusals: Iterable[Refusal]) -> Refusals:
    """The same, as parts of what is at the path."""
    return (((*path, *place), value, allowed) for place, value, allowed in refusals)


def of_parts(value: Mapping[str, Any], checks: Mapping[str, Callable[[Any], Refusals]]) -> Refusals:
    """What the checks refuse of the parts that are there, each check under its part's key."""
    for key, check in checks.items():
        if key in value:
            yield from below((key,), check(value[key]))
