"""Pairs requests with their copies, and counts: queries over the table `lines`, which routes makes.

A request and its copy are known by `key`, which stands for request id, method and path. In `pairs` an answer of
the other side below 0 says why there is none, see answers.
"""

from __future__ import annotations

from shadow_report.compare.answers import AMBIGUOUS_CODE, MISSING_CODE, WITHOUT_ID_CODE
from shadow_report.compare.session import Session
from shadow_report.compare.windows import Window
from shadow_report.schema import SIDES

LINE = (
    "side",
    "pod",
    "start_us",
    "answer",
    "key",
    "eligible",
    "bytes",
    "forwarded",
    "shown_id",
    "shown_flags",
    "shown_path",
    "route",
    "latency",
)


def pair(session: Session, side: str, window: Window) -> None:
    """Keeps `pairs`: a row for every eligible live request of the window, with what a side made of it. On the way
    `several` and `numbered`: what occurs more than once."""
    other = SIDES.index(side)
    session.keep("several", _several(other))
    session.keep("numbered", _numbered(other))
    session.keep("pairs", _pairs(other, window))


def _several(other: int) -> str:
    """The keys that occur more than once on a side: retries, and lines that were collected twice."""
    # A count for each side would say the same, and take half as long again.
    return f"""SELECT key FROM lines WHERE side IN (0, {other}) AND key IS NOT NULL
GROUP BY key HAVING count(*) > 1 + CAST(min(side) <> max(side) AS INTEGER)"""


def _numbered(other: int) -> str:
    """Their lines. Those that were collected twice are equal in every column, and stay once. They get
    `occurrence` and `size`, how many there are on their side."""
    return f"""SELECT *, count(*) OVER (PARTITION BY key, side) AS size,
    row_number() OVER (PARTITION BY key, side ORDER BY start_us, answer, latency, bytes) AS occurrence
FROM (SELECT DISTINCT {", ".join(LINE)} FROM lines SEMI JOIN several USING (key)
    WHERE side IN (0, {other})) AS lines"""


def _pairs(other: int, window: Window) -> str:
    live = f"side = 0 AND eligible AND {window.sql}"
    # The repeated ones are left out of each side by itself: an engine would store a table that is used twice.
    once = f"""FROM (SELECT * FROM lines ANTI JOIN numbered USING (key) WHERE key IS NOT NULL AND {live}) AS live
LEFT JOIN (SELECT * FROM lines ANTI JOIN numbered USING (key) WHERE key IS NOT NULL AND side = {other}) AS other
    ON live.key = other.key"""
    # Groups of equal size are paired in the order of time.
    unequal = "sizes.copies <> live.size"
    if window.copies > 1:  # of several copies of one request the first is taken
        unequal += " AND live.size > 1"
    groups = f"""FROM (SELECT * FROM numbered WHERE {live}) AS live
LEFT JOIN (SELECT * FROM numbered WHERE side = {other}) AS other
    ON live.key = other.key AND live.occurrence = other.occurrence
LEFT JOIN (SELECT key, max(size) AS copies FROM numbered WHERE side = {other} GROUP BY key) AS sizes
    ON live.key = sizes.key"""
    known = f"coalesce(other.answer, {MISSING_CODE})"
    without_id = f"FROM (SELECT * FROM lines WHERE key IS NULL AND {live}) AS live"
    return "\nUNION ALL\n".join(
        (
            f"SELECT {_pair(window, known)} {once}",
            f"SELECT {_pair(window, f'CASE WHEN {unequal} THEN {AMBIGUOUS_CODE} ELSE {known} END')} {groups}",
            f"SELECT {_pair(window, str(WITHOUT_ID_CODE), there=False)} {without_id}",
        )
    )


def _pair(window: Window, answer: str, there: bool = True) -> str:
    """The columns of a pair; `there`: is the other side joined?"""
    block = f"(live.start_us - {window.first_us}) // {window.block_seconds * 1_000_000}"
    columns = {
        "block": f"CAST({block} AS INTEGER)",
        "route": "live.route",
        "reference": "live.answer",
        "other": f"CAST({answer} AS INTEGER)",
        "reference_latency": "live.latency",
        "reference_bytes": "live.bytes",
    }
    of_other = {
        "other_latency": "other.latency",
        "other_bytes": "other.bytes",
        "later_us": "other.start_us - live.start_us",
        "forwarded_more": "other.forwarded > coalesce(live.forwarded, 0)",
        "shown_id": "other.shown_id",
        "shown_path": "other.shown_path",
        "shown_flags": "other.shown_flags",
    }
    columns |= of_other if there else dict.fromkeys(of_other, "NULL")
    return ", ".join(f"{value} AS {name}" for name, value in columns.items())


_SIZED = "reference = other AND reference_bytes IS NOT NULL AND other_bytes IS NOT NULL"
# How often which answers met, in each block and route; sizes only of equal answers, of which both are known.
ANSWERS = f"""SELECT block, route, reference, other, count(*) AS requests,
    count(*) FILTER (WHERE {_SIZED}) AS sized,
    count(*) FILTER (WHERE {_SIZED} AND reference_bytes = other_bytes) AS same_size,
    coalesce(sum(reference_bytes) FILTER (WHERE {_SIZED}), 0) AS reference_bytes,
    coalesce(sum(other_bytes) FILTER (WHERE {_SIZED}), 0) AS other_bytes
FROM pairs GROUP BY block, route, reference, other"""


# How often which bucket of latency occurred, in each block, route and side: of requests with the same answer, as
# a quick error says nothing about speed.
LATENCIES = " UNION ALL ".join(
    f"SELECT block, route, {side}_latency AS bucket, {is_other} AS is_other, count(*) AS requests FROM pairs "
    "WHERE reference = other AND reference_latency IS NOT NULL AND other_latency IS NOT NULL "
    f"GROUP BY block, route, {side}_latency"
    for is_other, side in enumerate(("reference", "other"))
)
