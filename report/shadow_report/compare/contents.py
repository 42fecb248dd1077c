"""Compares what answers hold, by the digests that sidecars wrote of them: which fields of which route differ, in
the shadow and, if there is one, in the control. docs/answers.md says what a digest is made of.

A request counts here if every side answered it once, with the same status and a digest. Digests of different
requests are never compared: they say nothing of each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from shadow_report.compare.records import texts
from shadow_report.compare.session import Session, number
from shadow_report.compare.tallies import EVERYTHING
from shadow_report.compare.windows import Window

# What a pair of answers is to each other. Beyond the last come those that cannot be compared, and why.
STATES = BYTES, SAME, ORDER, FIELDS, BODY = "bytes", "json", "order", "fields", "body"
LEFT = {
    "grpc": "gRPC",
    "stream": "a stream: server-sent events, or an upgraded connection",
    "huge": "larger than 1 MiB",
    "packed": "compressed, and not the same to the byte",
    "large": "JSON larger than answerDigests.maxJsonBytes, and not the same to the byte",
    "deep": "JSON nested deeper than 64 levels, and not the same to the byte",
    "wide": "JSON of more than 512 different fields, and not the same to the byte",
    "failed": "its digest failed in the proxy",
}
_NEVER = ("grpc", "stream", "huge")
# How a request's answer differs. LESS: a field is missing or of another type; MORE: one is new. VALUE: another
# value, which without a control is chance or a change. With a control: WORSE if the shadow differs in more fields
# than the control, BETTER if in fewer.
NOTHING, LESS, MORE, VALUE, WORSE, BETTER = "", "less", "more", "value", "worse", "better"
WHOLE = "(body)"  # of an answer that is not JSON, or not on both sides
ARRANGEMENT = "(arrangement)"  # all fields hold the same, but in other places
_REST = "~"
_MOST_FIELDS = 100  # of a route, that are told
_MOST_EXAMPLES = 3
_BLIND = 0.9  # of a route's requests; what even the control changes so often says nothing by its value
_VOLATILE = ("u", "t", "h")  # kinds that look like ids and times


class Row(NamedTuple):
    """How many requests of one route, within one block of time, were answered so. `reordered`: whose arrays alone
    are in another order than the live version's, while all else is the same: the shadow's (WORSE) or the
    control's (BETTER)."""

    block: int
    route: str
    state: str
    change: str
    reordered: str
    requests: int


class FieldRow(NamedTuple):
    """The same of one field. Kinds are those of digests, "" where a side does not have the field."""

    block: int
    route: str
    field: str
    live_kind: str
    shadow_kind: str
    control_kind: str
    shadow_changes: str  # LESS, MORE, VALUE or NOTHING
    control_changes: str
    requests: int


@dataclass(frozen=True)
class Contents:
    """What was found. `one_sided`: requests that both sides answered alike, and only one with a digest.
    `blind`: fields, with their routes, of which values are not compared. `examples`: ids of a few requests in
    which a field differs."""

    rows: tuple[Row, ...]
    fields: tuple[FieldRow, ...]
    blocks: int
    has_control: bool
    one_sided: int = 0
    blind: tuple[tuple[str, str], ...] = ()
    examples: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def by_route(self) -> dict[str, list[Row]]:
        """The rows of every route, and under EVERYTHING all of them."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            found[EVERYTHING].append(row)
            found[row.route].append(row)
        return dict(found)

    @cached_property
    def by_field(self) -> dict[str, dict[str, list[FieldRow]]]:
        """The rows of every field, by route."""
        found: dict[str, dict[str, list[FieldRow]]] = defaultdict(lambda: defaultdict(list))
        for row in self.fields:
            found[row.route][row.field].append(row)
        return {route: dict(fields) for route, fields in found.items()}

    def count(self, route: str, *states: str) -> int:
        """Requests whose answers were so to each other."""
        return sum(row.requests for row in self.by_route.get(route, ()) if row.state in states)

    def compared(self, route: str) -> int:
        """Requests whose answers could be compared."""
        return sum(row.requests for row in self.by_route.get(route, ()) if row.state not in LEFT)

    def left(self, route: str = EVERYTHING) -> dict[str, int]:
        """Those whose answers could not, by why."""
        found = {why: self.count(route, why) for why in LEFT}
        return {why: requests for why, requests in found.items() if requests}


def spelt(name: str) -> str:
    """A field's name for people."""
    if name.startswith(_REST):
        return f"(fields after {name[1:]})"
    return f"header {name[1:]}" if name.startswith("@") else name


def contents(session: Session, window: Window, names: Sequence[str], *, control: bool) -> Contents | None:
    """None if no answer of the live version has a digest. `names` are the routes by their numbers."""
    session.view("told", _TOLD)
    if not number(session, f"SELECT count(*) AS lines FROM told WHERE side = 0 AND {window.sql}"):
        return None
    session.keep("told_often", "SELECT side, key FROM told GROUP BY side, key HAVING count(*) > 1")
    session.keep("met", _met(window, ("live", "shadow")))
    pairs = number(session, "SELECT count(*) AS requests FROM met")
    if control:
        session.keep("met_by_all", _met(window, ("live", "shadow", "control")))
        # One that answered little is no yardstick; the judge says so.
        control = number(session, "SELECT count(*) AS requests FROM met_by_all") > pairs / 2
        if control:
            session.keep("met", "SELECT * FROM met_by_all")
    sides = ("shadow", "control") if control else ("shadow",)
    session.keep("entries", _entries(sides))
    session.keep("matched", _matched(sides))
    session.keep("blind", _blind(control))
    session.keep("changed", _changed(sides))
    blocks = (window.last_us - window.first_us) // (window.block_seconds * 1_000_000) + 1
    rows = sorted(session.rows(_rows(control)))
    fields = sorted(session.rows(_FIELDS))
    return Contents(
        tuple(Row(block, names[route], *rest) for block, route, *rest in rows),
        tuple(FieldRow(block, names[route], *rest) for block, route, *rest in fields),
        blocks,
        control,
        number(session, _one_sided(window)),
        tuple((names[route], name) for route, name in sorted(session.rows("SELECT route, field FROM blind"))),
        _examples(session, names),
    )


def _examples(session: Session, names: Sequence[str]) -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for route, name, request_id in sorted(session.rows(_EXAMPLES)):
        found[names[route], name].append(request_id)
    return {key: tuple(ids) for key, ids in found.items()}


# The lines with a digest, of answers that are whole. Its words: what, headers, the whole body, and of JSON the
# whole with arrays in their order, and in any order.
_TOLD = """SELECT side, key, start_us, answer, coalesce(number, 0) AS route, told_id, fields,
    split_part(digest, ' ', 1) AS what, split_part(digest, ' ', 2) AS headers, split_part(digest, ' ', 3) AS raw,
    split_part(digest, ' ', 4) AS ordered, split_part(digest, ' ', 5) AS any_order
FROM stored LEFT JOIN routes ON stored.route = routes.route
WHERE digest IS NOT NULL AND key IS NOT NULL AND answer BETWEEN 1 AND 999 AND (side > 0 OR eligible)"""


def _state(one: str, other: str) -> str:
    """What two answers are to each other."""
    never, at_times = texts(_NEVER), texts([why for why in LEFT if why not in _NEVER])
    return f"""CASE
    WHEN {one}.what IN {never} THEN {one}.what
    WHEN {other}.what IN {never} THEN {other}.what
    WHEN {one}.what = {other}.what AND {one}.raw = {other}.raw THEN '{BYTES}'
    WHEN {one}.what = 'json' AND {other}.what = 'json' THEN CASE
        WHEN {one}.ordered = {other}.ordered THEN '{SAME}'
        WHEN {one}.any_order = {other}.any_order THEN '{ORDER}' ELSE '{FIELDS}' END
    WHEN {one}.what IN {at_times} THEN {one}.what
    WHEN {other}.what IN {at_times} THEN {other}.what
    ELSE '{BODY}' END"""


def _met(window: Window, sides: Sequence[str]) -> str:
    """The requests that every side answered alike. `looked_at`: are fields needed to say how answers differ?"""
    others = sides[1:]
    joins = "".join(
        f"\nJOIN (SELECT * FROM told WHERE side = {place}) AS {side} "
        f"ON live.key = {side}.key AND live.answer = {side}.answer"
        for place, side in enumerate(sides)
        if place
    )
    block = f"CAST((live.start_us - {window.first_us}) // {window.block_seconds * 1_000_000} AS INTEGER)"
    differ = " OR ".join(
        f"{_state('live', side)} IN ('{FIELDS}', '{BODY}') OR live.headers <> {side}.headers"
        for side in others
    )
    whole = " AND ".join(f"{side}.what = 'json'" for side in sides)
    state = _state("live", "shadow")
    reordered = f"CASE WHEN {state} = '{ORDER}' THEN '{WORSE}' ELSE '{NOTHING}' END"
    if len(others) > 1:
        control, same = _state("live", "control"), texts((BYTES, SAME))
        reordered = f"""CASE WHEN {state} = '{ORDER}' AND {control} IN {same} THEN '{WORSE}'
    WHEN {control} = '{ORDER}' AND {state} IN {same} THEN '{BETTER}' ELSE '{NOTHING}' END"""
        # What cannot be compared with the control is left out as well.
        state = f"CASE WHEN {control} IN {texts(list(LEFT))} THEN {control} ELSE {state} END"
    return f"""SELECT key, route, block, told_id, state, reordered, whole,
    state NOT IN {texts(list(LEFT))} AND differ AS looked_at
FROM (SELECT live.key AS key, live.route AS route, {block} AS block, live.told_id AS told_id, {state} AS state,
    {reordered} AS reordered, {differ} AS differ, {whole} AS whole
FROM (SELECT * FROM told WHERE side = 0 AND {window.sql}) AS live{joins}
ANTI JOIN (SELECT DISTINCT key FROM told_often) AS often ON live.key = often.key) AS met"""


def _one_sided(window: Window) -> str:
    """The requests of which only one of both lines has a digest, with the same answer."""
    return f"""SELECT count(*) AS requests FROM
(SELECT key, answer, digest FROM stored WHERE side = 0 AND eligible AND key IS NOT NULL AND {window.sql}) AS live
JOIN (SELECT key, answer, digest FROM stored WHERE side = 1 AND key IS NOT NULL) AS shadow
    ON live.key = shadow.key AND live.answer = shadow.answer
WHERE (live.digest IS NULL) <> (shadow.digest IS NULL) AND live.answer BETWEEN 1 AND 999"""


def _entries(sides: Sequence[str]) -> str:
    """Every field of every side of the requests that are looked at: its name, kind, and digest. Of a list that
    was cut short, what is beyond is one entry, whose name says behind which field."""
    wanted = ", ".join(str(place) for place in range(len(sides) + 1))
    of_looked_at = (
        "FROM (SELECT * FROM told WHERE side IN (" + wanted + ")) AS told "
        "JOIN (SELECT * FROM met WHERE looked_at) AS met ON told.key = met.key"
    )
    split = f"""SELECT key, side, whole, split_part(entry, '=', 1) AS field, split_part(entry, '=', 2) AS sum
FROM (SELECT told.key AS key, told.side AS side, met.whole AS whole,
    unnest(string_split(told.fields, ' ')) AS entry {of_looked_at}) AS entries WHERE entry <> ''"""
    return f"""SELECT key, side, field, substring(sum, 1, 1) AS kind, sum FROM ({split}) AS split
WHERE whole OR substring(field, 1, 1) = '@'
UNION ALL
SELECT told.key AS key, told.side AS side, '{WHOLE}' AS field, told.what AS kind,
    CASE WHEN told.what = 'json' THEN told.any_order ELSE told.raw END AS sum {of_looked_at} WHERE NOT met.whole
UNION ALL
SELECT told.key AS key, told.side AS side, '{ARRANGEMENT}' AS field, 's' AS kind, told.any_order AS sum
{of_looked_at} WHERE met.whole"""


def _matched(sides: Sequence[str]) -> str:
    """The fields that differ in any way, with the kinds and digests of every side. What one list was too short
    for is no field that another lacks."""
    columns = ", ".join(
        f"coalesce(max(CASE WHEN side = {place} THEN kind END), '') AS {side}_kind, "
        f"coalesce(max(CASE WHEN side = {place} THEN sum END), '') AS {side}_sum"
        for place, side in enumerate(("live", *sides))
    )
    rest = "substring(field, 1, 1) = '~'"
    everywhere = " AND ".join(f"{side}_kind <> ''" for side in ("live", *sides))
    differs = " OR ".join(f"live_sum <> {side}_sum" for side in sides)
    return f"""SELECT * FROM (SELECT entries.key AS key, field, {columns} FROM entries
LEFT JOIN (SELECT key, min(substring(field, 2, 1000)) AS last FROM entries WHERE {rest} GROUP BY key) AS bounds
    ON entries.key = bounds.key
WHERE last IS NULL OR field IN ('{WHOLE}', '{ARRANGEMENT}') OR substring(field, 1, 1) = '@'
    OR (NOT {rest} AND field <= last) OR ({rest} AND substring(field, 2, 1000) = last)
GROUP BY entries.key, field) AS fields WHERE ({differs}) AND (NOT {rest} OR ({everywhere}))"""


def _level(kind: str) -> str:
    """How much a side has of a field: nothing, null, or something."""
    return f"CASE {kind} WHEN '' THEN 0 WHEN 'z' THEN 1 ELSE 2 END"


def _type(kind: str) -> str:
    """Kinds that are one type in JSON."""
    return f"CASE WHEN {kind} IN {texts(_VOLATILE)} THEN 's' ELSE {kind} END"


def _change(side: str) -> str:
    """How a side's field differs from the live version's, whether its value counts or not."""
    here, there = "live_kind", f"{side}_kind"
    return f"""CASE WHEN live_sum = {side}_sum THEN '{NOTHING}'
    WHEN {_level(there)} < {_level(here)} THEN '{LESS}' WHEN {_level(there)} > {_level(here)} THEN '{MORE}'
    WHEN {_type(here)} <> {_type(there)} AND {here} <> 'm' AND {there} <> 'm' THEN '{LESS}' ELSE '{VALUE}' END"""


def _blind(control: bool) -> str:
    """The fields of a route whose values say nothing: with a control those that it changes nearly always;
    without, those that look like ids and times, whenever they differ."""
    if control:
        return f"""SELECT fields.route AS route, field FROM
(SELECT route, field, count(*) AS changed FROM matched JOIN met ON matched.key = met.key
    WHERE {_change("control")} = '{VALUE}' AND field <> '{ARRANGEMENT}' GROUP BY route, field) AS fields
JOIN (SELECT route, count(*) AS requests FROM met WHERE state NOT IN {texts(list(LEFT))} GROUP BY route) AS routes
    ON fields.route = routes.route WHERE changed >= {_BLIND}e0 * requests"""
    volatile = texts(_VOLATILE)
    return f"""SELECT DISTINCT route, field FROM matched JOIN met ON matched.key = met.key
WHERE live_kind IN {volatile} AND shadow_kind = live_kind"""


def _changed(sides: Sequence[str]) -> str:
    """What differs, and whether it counts. Another arrangement is one only where no field of the body differs."""
    changes = ", ".join(f"{_change(side)} AS {side}_differs" for side in sides)
    in_body = f"field <> '{ARRANGEMENT}' AND substring(field, 1, 1) <> '@'"
    explained = ", ".join(
        f"max(CASE WHEN {in_body} AND live_sum <> {side}_sum THEN 1 ELSE 0 END) AS {side}_explained"
        for side in sides
    )
    counted = ", ".join(
        f"CASE WHEN matched.field = '{ARRANGEMENT}' AND {side}_explained = 1 THEN '{NOTHING}' ELSE "
        f"{side}_differs END AS {side}_changes"
        for side in sides
    )
    if "control" not in sides:
        counted += f", '' AS control_kind, '{NOTHING}' AS control_changes"
    else:
        counted += ", control_kind"
    return f"""SELECT met.key AS key, met.route AS route, block, told_id, matched.field AS field, live_kind,
    shadow_kind, {counted}, blind.field IS NOT NULL AS is_blind
FROM (SELECT *, {changes} FROM matched) AS matched
JOIN met ON matched.key = met.key
JOIN (SELECT key, {explained} FROM matched GROUP BY key) AS explained ON matched.key = explained.key
LEFT JOIN blind ON met.route = blind.route AND matched.field = blind.field"""


def _rows(control: bool) -> str:
    """How the answers of each request differ as a whole."""

    def counts(side: str, *changes: str) -> str:
        told = [f"{side}_changes = '{change}'" for change in changes if change != VALUE]
        if VALUE in changes:
            told.append(f"({side}_changes = '{VALUE}' AND NOT is_blind)")
        return f"({' OR '.join(told)})"

    def fields(condition: str) -> str:
        return f"count(*) FILTER (WHERE {condition})"

    if control:
        shadow, noise = counts("shadow", LESS, VALUE), counts("control", LESS, VALUE)
        only_shadow, only_control = fields(f"{shadow} AND NOT {noise}"), fields(f"{noise} AND NOT {shadow}")
        change = (
            f"CASE WHEN {only_shadow} > {only_control} THEN '{WORSE}' WHEN {only_shadow} < {only_control} "
            f"THEN '{BETTER}' ELSE '{NOTHING}' END"
        )
    else:
        change = "CASE " + " ".join(
            f"WHEN {fields(counts('shadow', each))} > 0 THEN '{each}'" for each in (LESS, VALUE, MORE)
        )
        change += f" ELSE '{NOTHING}' END"
    return f"""SELECT block, route, state, change, reordered, count(*) AS requests
FROM (SELECT block, route, state, coalesce(change, '{NOTHING}') AS change, reordered FROM met
LEFT JOIN (SELECT key, {change} AS change FROM changed GROUP BY key) AS changes ON met.key = changes.key) AS told
GROUP BY block, route, state, change, reordered"""


# The fields of a route that differ most often.
_TOLD_FIELDS = f"""SELECT route, field FROM (SELECT route, field,
    row_number() OVER (PARTITION BY route ORDER BY count(*) DESC, field) AS place
FROM changed WHERE shadow_changes <> '' OR control_changes <> '' GROUP BY route, field) AS ranked
WHERE place <= {_MOST_FIELDS}"""
_FIELDS = f"""SELECT block, changed.route AS route, changed.field AS field, live_kind, shadow_kind, control_kind,
    shadow_changes, control_changes, count(*) AS requests
FROM changed JOIN ({_TOLD_FIELDS}) AS listed ON changed.route = listed.route AND changed.field = listed.field
WHERE shadow_changes <> '' OR control_changes <> ''
GROUP BY block, changed.route, changed.field, live_kind, shadow_kind, control_kind, shadow_changes,
control_changes"""
_EXAMPLES = f"""SELECT route, field, told_id FROM (SELECT changed.route AS route, changed.field AS field, told_id,
    row_number() OVER (PARTITION BY changed.route, changed.field ORDER BY told_id) AS place
FROM changed JOIN ({_TOLD_FIELDS}) AS listed ON changed.route = listed.route AND changed.field = listed.field
WHERE shadow_changes <> '' AND control_changes = '') AS listed WHERE place <= {_MOST_EXAMPLES}"""
