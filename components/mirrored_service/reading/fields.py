"""Reads untrusted arguments one property at a time and gathers every problem instead of stopping at the first.

A problem names the property by its path, the value, and what is allowed. Istio prunes unknown fields without a
word and reads a missing percentage as 100 %, so a typing error must never get as far as the cluster.

Values that may be secret are never shown: variables, pod templates, and whatever stands where a mapping should
be, as it may hold all of these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

import pulumi

from .. import args as public
from .syntax import LABEL_VALUE, PROXY_PORTS, is_label_key

T = TypeVar("T")
D = TypeVar("D")  # a default: of the property's type, or None
Check = re.Pattern[str] | Callable[[str], bool]
Path = tuple[str | int, ...]
MISSING: Any = object()
LONGEST_SHOWN = 80
PORT_TEXT = (
    f"a whole number from 1 to 65535, and none of {', '.join(map(str, PROXY_PORTS))}, "
    "which belong to Istio's proxy"
)
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")


class InvalidArgsError(ValueError, pulumi.RunError):
    """The arguments are wrong; nothing was changed. The message lists every problem, one a line.

    It is a RunError too, so that Pulumi prints the message without a stack trace.
    """

    def __init__(self, subject: str, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        listed = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"{subject}: {count}, nothing was changed{listed}")


class Problems:
    """What was found wrong, in the order in which it was found."""

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self.lines: list[str] = []

    def add(self, path: Path, text: str) -> None:
        self.paths.append(path)
        self.lines.append(f"{path_text(path)}: {text}")

    def below(self, *path: str | int) -> bool:
        """Is something wrong with this property or with a part of it?"""
        return any(found[: len(path)] == path for found in self.paths)


class Fields:
    """One level of the arguments: reads its properties, and notes what is wrong with them.

    After a problem a reading method returns the default (or an empty value), so that reading can go on.
    """

    def __init__(self, path: Path, values: object, known: Iterable[str], problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self.readable = isinstance(values, Mapping)
        self.values: Mapping[Any, Any] = values if isinstance(values, Mapping) else {}
        if not self.readable:
            self.refuse((), values, "a mapping of properties", secret=True)
        self.known = sorted(known)
        for key in self.values:
            if key not in self.known:
                unknown(problems, path, key, self.known)

    @property
    def sound(self) -> bool:
        """Was everything right up to here?"""
        return not self.problems.below(*self.path)

    def refuse(self, below: Path, value: object, allowed: str, *, secret: bool = False) -> None:
        """Notes that a value is not allowed; `below` is its path from this level."""
        self.problems.add(
            (*self.path, *below), f"{shown(value, secret=secret)} is not allowed; allowed: {allowed}"
        )

    def refuse_name(self, key: str, name: object, allowed: str) -> None:
        """Notes that an entry of a mapping must not be called so; what it holds is not shown."""
        named = shown(_named(name) if isinstance(name, str) else name)
        self.problems.add((*self.path, key), f"the name {named} is not allowed; allowed: {allowed}")

    def value(self, key: str, default: D, allowed: str, accept: Callable[[Any], T | None]) -> T | D:
        """The property as `accept` returns it; what `accept` answers with None is a problem."""
        raw = self.values.get(key)
        if raw is None:
            if default is MISSING and self.readable:
                self.problems.add((*self.path, key), f"missing; allowed: {allowed}")
            return default
        accepted = accept(raw)
        if accepted is None:
            self.refuse((key,), raw, allowed)
            return default
        return accepted

    def text(self, key: str, default: D, allowed: str, check: Check) -> str | D:
        """The property as a string that the check takes."""
        return self.value(key, default, allowed, lambda raw: raw if fits(check, raw) else None)

    def text_or_output(self, key: str, default: Any, allowed: str, check: Check) -> Any:
        """The same, or the output of another resource, of which nothing is known yet."""
        return self.value(
            key,
            default,
            allowed,
            lambda raw: raw if isinstance(raw, pulumi.Output) or fits(check, raw) else None,
        )

    def secret(self, key: str, default: Any, allowed: str, check: Check) -> Any:
        """The same, and a wrong one is not shown."""
        raw = self.values.get(key)
        if raw is None or isinstance(raw, pulumi.Output) or fits(check, raw):
            return self.text_or_output(key, default, allowed, check)
        self.refuse((key,), raw, allowed, secret=True)
        return default

    def choice(self, key: str, default: D, choices: tuple[str, ...]) -> str | D:
        return self.text(key, default, " or ".join(choices), lambda raw: raw in choices)

    def flag(self, key: str, default: D) -> bool | D:
        return self.value(key, default, "true or false", _flag)

    def whole(self, key: str, default: D, low: int, high: int) -> int | D:
        allowed = f"a whole number from {low} to {high}"
        return self.value(key, default, allowed, lambda raw: whole(raw, low, high))

    def number(self, key: str, default: float, high: int) -> float:
        allowed = f"a number from 0 to {high}"
        return self.value(key, default, allowed, lambda raw: number(raw, 0, high))

    def port(self, key: str, default: int) -> int:
        return self.value(key, default, PORT_TEXT, port_number)

    def texts(self, key: str, default: tuple[str, ...], allowed: str, check: Check) -> tuple[str, ...]:
        """The property as a list of strings that the check takes; a problem names the member."""
        raw = self.values.get(key)
        if raw is None:
            return default
        if not isinstance(raw, list | tuple):
            self.refuse((key,), raw, allowed)
            return default
        wrong = [(place, item) for place, item in enumerate(raw) if not fits(check, item)]
        for place, item in wrong:
            self.refuse((key, place), item, allowed)
        return default if wrong else tuple(raw)

    def each_once(self, key: str, members: tuple[str, ...], allowed: str) -> tuple[str, ...]:
        """The members of a list as they are, after noting those that are there before."""
        for place, member in enumerate(members):
            if member in members[:place]:
                self.refuse((key, place), member, allowed)
        return members

    def entries(self, key: str, allowed: str) -> dict[Any, Any]:
        """The property as a dict; the caller checks names and values."""
        raw = self.values.get(key)
        if raw is None or isinstance(raw, Mapping):
            return dict(raw or {})
        self.refuse((key,), raw, allowed, secret=True)
        return {}

    def labels(self, key: str, allowed: str) -> dict[str, str]:
        """The property as labels of Kubernetes."""
        labels = self.entries(key, allowed)
        for name, label in labels.items():
            if not (isinstance(name, str) and is_label_key(name)):
                self.refuse_name(key, name, "the key of a Kubernetes label")
            elif not fits(LABEL_VALUE, label):
                self.refuse((key, name), label, "the value of a Kubernetes label, at most 63 characters")
        return labels

    def section(self, key: str, shape: type) -> Fields:
        """The properties one level down; a missing section reads as an empty one."""
        values = self.values.get(key)
        return Fields((*self.path, key), {} if values is None else values, keys(shape), self.problems)

    def optional_section(self, key: str, shape: type) -> Fields | None:
        """The properties one level down, if there is that level."""
        return None if self.values.get(key) is None else self.section(key, shape)

    def listed_sections(self, key: str, shape: type, allowed: str) -> list[Fields]:
        """The members of a list, each a level of its own."""
        raw = self.values.get(key)
        if raw is not None and not isinstance(raw, list | tuple):
            self.refuse((key,), raw, allowed, secret=True)
            return []
        return [
            Fields((*self.path, key, place), member, keys(shape), self.problems)
            for place, member in enumerate(raw or ())
        ]

    def named_sections(
        self, key: str, shape: type, allowed: str, pattern: re.Pattern[str], name_text: str
    ) -> dict[str, Fields]:
        """The entries of a mapping, each a level of its own, by names that `pattern` takes."""
        found = {}
        for name, member in self.entries(key, allowed).items():
            if fits(pattern, name):
                found[name] = Fields((*self.path, key, name), member, keys(shape), self.problems)
            else:
                self.refuse_name(key, name, name_text)
        return found


def unknown(problems: Problems, path: Path, key: object, known: Iterable[str]) -> None:
    """Notes a property that the level at `path` does not have, and which one may be meant."""
    text = _key_text(key)
    names = list(known)
    near = get_close_matches(_bare(text), [_bare(name) for name in names], n=1, cutoff=0.7)
    hint = f"allowed: {', '.join(names)}"
    if near:
        hint = f"did you mean {next(name for name in names if _bare(name) == near[0])}?"
    elif text in keys(public.MirroredServiceArgs):
        hint = f"allowed: {text} of the service as a whole"
    elif text in keys(public.SubsetArgs):
        hint = f"allowed: {text} of a version, in subsets"
    problems.add((*path, text), f"unknown, {hint}")


def keys(shape: type) -> frozenset[str]:
    """The properties of a level, as its TypedDict has them."""
    return frozenset(shape.__annotations__)


def fits(check: Check, raw: object) -> bool:
    """Is it a string that the pattern matches as a whole, or of which the check is true?"""
    if not isinstance(raw, str):
        return False
    return check.fullmatch(raw) is not None if isinstance(check, re.Pattern) else check(raw)


def number(raw: object, low: float, high: float) -> float | None:
    """A number in the range; whole numbers arrive as floats from other languages and become ints again."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not low <= raw <= high:
        return None
    return int(raw) if float(raw).is_integer() else float(raw)


def whole(raw: object, low: int, high: int) -> int | None:
    found = number(raw, low, high)
    return found if isinstance(found, int) else None


def port_number(raw: object) -> int | None:
    port = whole(raw, 1, 65535)
    return None if port in PROXY_PORTS else port


def _flag(raw: object) -> bool | None:
    return raw if isinstance(raw, bool) else None


def path_text(path: Path) -> str:
    """The path as `pulumi config set --path` takes it."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step[:LONGEST_SHOWN])}]"
    return text or "arguments"


def shown(value: object, *, secret: bool = False) -> str:
    """A value in a message: short, on one line, and only its kind when it may be secret."""
    if isinstance(value, str) and not secret:
        if len(value) <= LONGEST_SHOWN:
            return repr(str(value))
        return f"{str(value[:60])!r}... ({len(value)} characters)"
    if isinstance(value, bool | int | float) and not secret:
        # Python refuses to write numbers of more than 4,300 digits.
        return "a huge number" if isinstance(value, int) and value.bit_length() > 200 else repr(value)
    return _kind(value)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping | list | tuple) and not value:
        return "an empty mapping" if isinstance(value, Mapping) else "an empty list"
    kinds: list[tuple[type | tuple[type, ...], str]] = [
        (pulumi.Output, "an output"),
        (bool, "a boolean"),
        ((int, float), "a number"),
        (str, "a string"),
        (Mapping, "a mapping"),
        ((list, tuple), "a list"),
    ]
    return next((name for kind, name in kinds if isinstance(value, kind)), f"a {type(value).__name__}")


def _key_text(key: object) -> str:
    return _named(key) if isinstance(key, str) else shown(key)


def _named(key: str) -> str:
    """A key without what comes after "=" in it: that may be a secret, which it should have held."""
    name, equals, _ = key.partition("=")
    return name + equals


def _bare(key: str) -> str:
    """A key without what people mix up: capitals, underscores, hyphens."""
    return re.sub("[-_ ]", "", key).lower()
