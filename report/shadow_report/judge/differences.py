"""Measures what answers hold otherwise: as a whole, and field by field. Judges nothing.

With a control a difference counts that only one of shadow and control has: if the versions are equal, either has
it as often. Without one only what is missing or of another type counts against what is new; that a value is
another one may be chance, and is doubted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from shadow_report.compare import contents as compared
from shadow_report.compare.contents import (
    BETTER,
    LEFT,
    LESS,
    MORE,
    NOTHING,
    ORDER,
    VALUE,
    WHOLE,
    WORSE,
    Contents,
    FieldRow,
    Row,
)
from shadow_report.compare.tallies import EVERYTHING
from shadow_report.judge.excess import Excess, peak
from shadow_report.judge.statistics import NetRate, Numbers
from shadow_report.judge.thresholds import Thresholds

ABOUT = "contents"
_Row = TypeVar("_Row", Row, FieldRow)
_KINDS = {
    "n": "a number",
    "b": "true or false",
    "z": "null",
    "a": "an empty array",
    "o": "an empty object",
    "m": "values of several types",
    **dict.fromkeys("suth", "a string"),
}


@dataclass(frozen=True)
class Difference:
    """Of answers as a whole (`field` is ""), of the order of their arrays (ORDER), or of one field. `doubted`:
    other values, without a control; None with one. `ways`: how the shadow's differ, in words, and how often.
    `blind`: values are not compared."""

    field: str
    changed: Excess
    doubted: NetRate | None
    ways: tuple[tuple[str, int], ...] = ()
    blind: bool = False

    @property
    def other_values(self) -> float:
        """In how many answers the value is another one, which may be chance; 0 with a control."""
        return self.doubted.worse if self.doubted else 0

    @property
    def differing(self) -> float:
        """In how many answers the shadow's differ."""
        return self.changed.net.worse + self.other_values

    @property
    def about(self) -> str:
        """What its p-values and statements are called by."""
        if self.field in ("", ORDER):
            return self.field or ABOUT
        return f"field {compared.spelt(self.field)}"

    def margin(self, thresholds: Thresholds) -> float:
        """The share of the answers that may differ so."""
        percent = thresholds.max_reordered if self.field == ORDER else thresholds.max_new_contents
        return percent / 100


def measure(contents: Contents | None, route: str) -> tuple[Difference | None, tuple[Difference, ...]]:
    """The answers of a route, or of all of them, as a whole; and of one route its fields that differ, the worst
    first."""
    if contents is None:
        return None, ()
    total = _per_block(contents, contents.by_route.get(route, ()), lambda row: row.state not in LEFT)
    whole = _whole(contents, contents.by_route.get(route, ()), total)
    if route == EVERYTHING:
        return whole, ()
    fields = (_field(contents, name, rows, total) for name, rows in contents.by_field.get(route, {}).items())
    return whole, tuple(sorted(fields, key=_worst_first))


def order(contents: Contents | None, route: str, thresholds: Thresholds) -> Difference | None:
    """In how many answers of a route, or of all, arrays alone are in another order; None if any may be."""
    if contents is None or thresholds.max_reordered == 100:
        return None
    rows = contents.by_route.get(route, ())
    total = _per_block(contents, rows, lambda row: row.state not in LEFT)
    worse = _per_block(contents, rows, lambda row: row.reordered == WORSE)
    better = _per_block(contents, rows, lambda row: row.reordered == BETTER)
    return Difference(ORDER, _excess(worse, better, total), None)


def _worst_first(found: Difference) -> tuple[bool, float, str]:
    return found.blind, -(found.differing - found.changed.net.better), found.field


def _whole(contents: Contents, rows: Iterable[Row], total: Numbers) -> Difference:
    def counted(change: str) -> Numbers:
        return _per_block(contents, rows, lambda row: row.change == change and row.state not in LEFT)

    if contents.has_control:
        return Difference("", _excess(counted(WORSE), counted(BETTER), total), None)
    doubted = NetRate.of_blocks(counted(VALUE), np.zeros_like(total), total)
    return Difference("", _excess(counted(LESS), counted(MORE), total), doubted)


def _field(contents: Contents, name: str, rows: list[FieldRow], total: Numbers) -> Difference:
    blind = (rows[0].route, name) in contents.blind

    def counts(change: str) -> bool:
        return change == LESS or (change == VALUE and not blind)

    def number(condition: Callable[[FieldRow], bool]) -> Numbers:
        return _per_block(contents, rows, condition)

    ways = Counter[str]()
    for row in rows:
        if row.shadow_changes != NOTHING and not counts(row.control_changes):
            ways[_way(row)] += row.requests
    told = tuple(sorted(ways.items(), key=lambda way: (-way[1], way[0])))
    if contents.has_control:
        worse = number(lambda row: counts(row.shadow_changes) and not counts(row.control_changes))
        better = number(lambda row: counts(row.control_changes) and not counts(row.shadow_changes))
        return Difference(name, _excess(worse, better, total), None, told, blind)
    changed = _excess(
        number(lambda row: row.shadow_changes == LESS), number(lambda row: row.shadow_changes == MORE), total
    )
    values = number(lambda row: row.shadow_changes == VALUE and not blind)
    return Difference(name, changed, NetRate.of_blocks(values, np.zeros_like(total), total), told, blind)


def _excess(worse: Numbers, better: Numbers, total: Numbers) -> Excess:
    return Excess(NetRate.of_blocks(worse, better, total), peak=peak(worse))


def _per_block(contents: Contents, rows: Iterable[_Row], condition: Callable[[_Row], bool]) -> Numbers:
    found = np.zeros(contents.blocks)
    for row in rows:
        if condition(row):
            found[row.block] += row.requests
    return found


def _way(row: FieldRow) -> str:
    """How the shadow's field differs, in words."""
    if row.field == WHOLE:
        there = {"json": "JSON", "broken": "broken JSON", "empty": "nothing"}
        kinds = [there.get(kind, "no JSON") for kind in (row.shadow_kind, row.live_kind)]
        return f"{kinds[0]} in place of {kinds[1]}" if kinds[0] != kinds[1] else "another body"
    if not row.shadow_kind:
        return "missing"
    if not row.live_kind:
        return "new"
    here, there_is = _KINDS[row.live_kind], _KINDS[row.shadow_kind]
    return f"{there_is} in place of {here}" if here != there_is else "another value"
