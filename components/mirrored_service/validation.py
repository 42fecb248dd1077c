"""Reads untrusted arguments one property at a time and gathers every problem instead of stopping at the first.

A problem names the property by its path, the value, and what is allowed. Istio prunes unknown fields without a
word and reads a missing percentage as 100 %, so a typing error must never get as far as the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

import pulumi

T = TypeVar("T")
MISSING: Any = object()


class InvalidArgsError(ValueError, pulumi.RunError):
    """The arguments are wrong; nothing was changed. The message lists every problem, one a line.

    It is a RunError too, so that Pulumi prints the message without a stack trace.
    """

    def __init__(self, subject: str, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        listed = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"{subject}: {count}, nothing was changed{listed}")


class Fields:
    """One level of the arguments: reads its properties, and notes what is wrong with them.

    After a problem a reading method returns the default (or an empty value), so that reading can go on.
    """

    def __init__(self, path: str, values: object, known: Iterable[str], problems: list[str]) -> None:
        self.path = path
        self.problems = problems
        self.readable = isinstance(values, Mapping)
        self.values: Mapping[str, Any] = values if isinstance(values, Mapping) else {}
        if not self.readable:
            self.problem("", values, "a mapping of properties")
        known = sorted(known)
        for key in self.values:
            if key not in known:
                self._unknown(str(key), known)

    def _unknown(self, key: str, known: list[str]) -> None:
        near = get_close_matches(key, known, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(known)}"
        self.problems.append(f"{self.path_of(key)}: unknown, {hint}")

    def path_of(self, key: str) -> str:
        return ".".join(part for part in (self.path, key) if part)

    def problem(self, key: str, value: object, allowed: str) -> None:
        shown = "an output" if isinstance(value, pulumi.Output) else repr(value)
        self.problems.append(
            f"{self.path_of(key) or 'arguments'}: {shown} is not allowed; allowed: {allowed}"
        )

    def value(self, key: str, default: T, allowed: str, accept: Callable[[Any], T | None]) -> T:
        """The property as `accept` returns it; what `accept` answers with None is a problem."""
        raw = self.values.get(key)
        if raw is None:
            if default is MISSING and self.readable:
                self.problems.append(f"{self.path_of(key)}: missing; allowed: {allowed}")
            return default
        accepted = accept(raw)
        if accepted is None:
            self.problem(key, raw, allowed)
            return default
        return accepted

    def text(self, key: str, default: str, allowed: str, pattern: re.Pattern[str]) -> str:
        return self.value(key, default, allowed, lambda raw: raw if matches(pattern, raw) else None)

    def choice(self, key: str, default: str, choices: tuple[str, ...]) -> str:
        return self.value(key, default, " or ".join(choices), lambda raw: raw if raw in choices else None)

    def flag(self, key: str, default: bool) -> bool:
        return self.value(key, default, "true or false", lambda raw: raw if isinstance(raw, bool) else None)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        allowed = f"a whole number from {low} to {high}"
        return self.value(key, default, allowed, lambda raw: _whole(raw, low, high))

    def texts(self, key: str, default: tuple[str, ...], allowed: str) -> tuple[str, ...]:
        def accept(raw: Any) -> tuple[str, ...] | None:
            is_list = isinstance(raw, list | tuple) and all(isinstance(item, str) for item in raw)
            return tuple(raw) if is_list else None

        return self.value(key, default, allowed, accept)

    def mapping(self, key: str, allowed: str, check: Callable[[Any, Any], bool]) -> dict[str, Any]:
        """The property as a dict whose every key and value pass `check`; a problem names the entry."""
        entries: dict[str, Any] = self.value(
            key, {}, allowed, lambda raw: dict(raw) if isinstance(raw, Mapping) else None
        )
        for name, entry in entries.items():
            if not check(name, entry):
                self.problem(f"{key}.{name}", entry, allowed)
        return entries

    def section(self, key: str, known: Iterable[str]) -> Fields:
        """The properties one level down; a missing section reads as an empty one."""
        values = self.values.get(key)
        return Fields(self.path_of(key), {} if values is None else values, known, self.problems)


def matches(pattern: re.Pattern[str], raw: object) -> bool:
    return isinstance(raw, str) and pattern.fullmatch(raw) is not None


def number(raw: object, low: float, high: float) -> float | None:
    """A number in the range; whole numbers arrive as floats from other languages and become ints again."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not low <= raw <= high:
        return None
    return int(raw) if float(raw).is_integer() else raw


def _whole(raw: object, low: int, high: int) -> int | None:
    found = number(raw, low, high)
    return found if isinstance(found, int) else None
