"""Arranges rules so that Gateway API, which goes by how specific a condition is, chooses the one that is first.

Of several matches that take a request it chooses the one with an exact path, then with the longest beginning of
one, then with a method, with more headers, with more query parameters
(https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule); of equals, the first. Its beginning `/cart/`
takes `/cart` as well, which ours does not: so there is an exact match of `/cart` for whatever rule is meant.

Pure. A match is in Istio's words, with a path that is exact or a beginning that ends in "/".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..description.routes import Match
from .rules import Rule

EXACT, PREFIX = "exact", "prefix"
EVERY_PATH: Mapping[str, str] = {PREFIX: "/"}


@dataclass(frozen=True)
class Entry:
    """A match of a rule."""

    rule: int  # its place among the rules
    match: Match  # with this path in place of its own
    kind: str
    path: str
    own: Mapping[str, str]  # the path of the match, where this one is what Gateway API takes besides

    @property
    def base(self) -> str:
        """The path that a beginning takes in Gateway API and not here."""
        return self.path.removesuffix("/")

    def takes(self, path: str) -> bool:
        return path == self.path if self.kind == EXACT else path.startswith(self.path)


@dataclass(frozen=True)
class Conflict:
    """What Gateway API would do otherwise."""

    first: Entry
    other: Entry | None  # the one that it would choose; None: nothing here is for the path without its "/"


def arranged(rules: Sequence[Rule]) -> tuple[list[list[Entry]], list[Conflict]]:
    """The matches by rule, without those that no request gets to; and what would be otherwise than the rules
    say."""
    found = list(_reached(_entries(rules)))
    conflicts = [Conflict(each, None) for each in found if not _answered_without_slash(each, found)]
    bases = list(dict.fromkeys(each.base for each in found if _is_beginning(each)))
    found = list(_reached(_with_exact(found, bases)))
    chosen = sorted(range(len(found)), key=lambda place: (*_rank(found[place]), found[place].rule, place))
    order = {place: number for number, place in enumerate(chosen)}
    for first, one in enumerate(found):
        for second in range(first + 1, len(found)):
            other = found[second]
            if one.rule == other.rule or order[first] < order[second] or not _meet(one, other, bases):
                continue
            both = _both(one, other)
            if not any(_within(both, found[place]) for place in chosen[: order[second]]):
                conflicts.append(Conflict(one, other))
    return [[each for each in found if each.rule == place] for place in range(len(rules))], conflicts


def path_of(match: Match) -> Mapping[str, str]:
    path: Mapping[str, str] = match.get("uri") or EVERY_PATH
    return path


def _entries(rules: Sequence[Rule]) -> Iterator[Entry]:
    for place, rule in enumerate(rules):
        for match in rule.matches or ({},):
            own = path_of(match)
            kind, path = next(iter(own.items()))
            yield Entry(place, match, kind, path, own)


def _reached(entries: Iterable[Entry]) -> Iterator[Entry]:
    before: list[Entry] = []
    for entry in entries:
        if not any(_within(entry, earlier) for earlier in before):
            before.append(entry)
            yield entry


def _with_exact(entries: Iterable[Entry], bases: Sequence[str]) -> Iterator[Entry]:
    """All, and before each the exact matches of what it takes of the paths that others' beginnings take too."""
    for entry in entries:
        for base in bases:
            if entry.kind == PREFIX and entry.takes(base):
                yield Entry(entry.rule, entry.match, EXACT, base, entry.own)
        yield entry


def _is_beginning(entry: Entry) -> bool:
    return entry.kind == PREFIX and entry.path != "/"


def _answered_without_slash(entry: Entry, entries: Sequence[Entry]) -> bool:
    """Is there a rule for whatever the entry would take, in Gateway API, of the path without its "/"?"""
    if not _is_beginning(entry):
        return True
    return any(each.takes(entry.base) and _asks_no_more(each, entry) for each in entries)


def _within(entry: Entry, wide: Entry) -> bool:
    """Does the wide one take everything that the entry takes?"""
    path = entry.path == wide.path and entry.kind == wide.kind
    return (path or (wide.kind == PREFIX and wide.takes(entry.path))) and _asks_no_more(wide, entry)


def _meet(one: Entry, other: Entry, bases: Sequence[str]) -> bool:
    """May a request be taken by both? Of these paths every entry has an exact match."""
    if {one.kind, other.kind} == {EXACT, PREFIX} and (one if one.kind == EXACT else other).path in bases:
        return False
    paths = one.takes(other.path) or other.takes(one.path)
    return paths and all(_agree(one.match, other.match, key) for key in ("method", "headers", "queryParams"))


def _both(one: Entry, other: Entry) -> Entry:
    """What both take."""
    narrow = other if one.takes(other.path) else one
    named = {
        key: {**_named(one.match, key), **_named(other.match, key)} for key in ("headers", "queryParams")
    }
    return Entry(one.rule, {**other.match, **one.match, **named}, narrow.kind, narrow.path, narrow.own)


def _agree(one: Match, other: Match, key: str) -> bool:
    if key == "method":
        return key not in one or key not in other or bool(one[key] == other[key])
    mine, theirs = _named(one, key), _named(other, key)
    return not any(
        EXACT in mine[name] and EXACT in theirs[name] and mine[name] != theirs[name]
        for name in mine.keys() & theirs.keys()
    )


def _asks_no_more(wide: Entry, entry: Entry) -> bool:
    """Is everything that the wide one asks for, but its path, asked for by the entry too?"""
    asked = wide.match
    if "method" in asked and asked["method"] != entry.match.get("method"):
        return False
    return all(
        _named(entry.match, key).get(name) == condition
        for key in ("headers", "queryParams")
        for name, condition in _named(asked, key).items()
    )


def _named(match: Match, key: str) -> dict[str, Any]:
    """Conditions by name; in names of headers capitals make no difference."""
    return {name.lower() if key == "headers" else name: each for name, each in match.get(key, {}).items()}


def _rank(entry: Entry) -> tuple[Any, ...]:
    """What comes first is lower."""
    length = len(entry.base or "/") if entry.kind == PREFIX else len(entry.path)
    match = entry.match
    return (
        entry.kind != EXACT,
        -length,
        "method" not in match,
        -len(match.get("headers", {})),
        -len(match.get("queryParams", {})),
    )
