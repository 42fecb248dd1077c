"""Pairs requests with their copies, and counts. Ibis expressions: the same on DuckDB and on other engines.

`lines` is a table of records (see schema) with these columns: `side`, `start_us`, `answer`, `bytes`,
`eligible`, `route` (a number; only of live lines), `latency` (a bucket), `forwarded` (how much
X-Forwarded-For holds), and those in `keys`, by which a request and its copy are known: (join_id, method,
path), or one column that stands for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from shadow_report.compare.answers import AMBIGUOUS_CODE, MISSING_CODE, WITHOUT_ID_CODE
from shadow_report.compare.tallies import BUCKET
from shadow_report.schema import SIDES

# Stores the rows of an expression under a name, so that they are not computed again.
Keep = Callable[[str, ir.Table], ir.Table]
_LIVE = SIDES.index("live")
_ONLY_OF_LIVE = ("side", "eligible", "route", "pod")
_OF_OTHER = ("answer", "latency", "bytes", "start_us", "forwarded", "shown_id", "shown_path", "shown_flags")


@dataclass(frozen=True)
class Window:
    """Which live requests are compared, and the blocks of time in which they are counted. `copies`: how many
    copies of one request there may be (mirrorPercent 250: three)."""

    first_us: int
    last_us: int
    block_seconds: int
    copies: int = 1


def lines_of(records: ir.Table, methods: Sequence[str], measure: str) -> ir.Table:
    """The lines of a table of records (schema.RECORD) that another engine holds; `measure` is "app" or
    "total"."""
    microseconds = records[f"{measure}_us"].cast("float64")
    everything = ibis.literal("*" in methods)
    known = (microseconds > 1).ifelse(microseconds, microseconds.notnull().ifelse(1.0, None))
    return records.filter(records.problem == 0).select(
        "side",
        "pod",
        "join_id",
        "method",
        "path",
        "start_us",
        "answer",
        "route",
        bytes=records.bytes_sent,
        eligible=everything | records.method.isin(list(methods)),
        latency=(known.ln() / BUCKET).floor().cast("int32"),
        forwarded=records.xff_hops,
        shown_id=records.join_id,
        shown_path=records.path,
        shown_flags=records.flags,
    )


def repeated(lines: ir.Table, keys: Sequence[str], other: str, keep: Keep) -> ir.Table:
    """The lines of the live side and of the side `other` whose key occurs more than once on a side: retries,
    and lines that were collected twice. The latter are equal in every column, and stay once. They get
    `occurrence` and `size`, how many there are on their side."""
    compared = lines.filter(lines.side.isin([_LIVE, SIDES.index(other)]))
    # A count for each side would say the same, and take half as long again.
    sides = 1 + (ibis._.side.min() != ibis._.side.max()).cast("int32")
    by_key = compared.filter(compared[keys[0]].notnull()).group_by(list(keys))
    several = keep("several", by_key.having(ibis._.count() > sides).agg())
    distinct = compared.semi_join(several, list(keys)).distinct()
    group = ibis.window(group_by=[*keys, "side"], order_by=["start_us", "answer", "latency", "bytes"])
    whole = ibis.window(group_by=[*keys, "side"])
    numbered = distinct.mutate(
        occurrence=ibis.row_number().over(group).cast("int64"), size=distinct.side.count().over(whole)
    )
    return keep("numbered", numbered)


def pairs(lines: ir.Table, numbered: ir.Table, keys: Sequence[str], other: str, window: Window) -> ir.Table:
    """A row for every eligible live request of the window, with what the side `other` made of it."""
    known = lines.filter(lines[keys[0]].notnull())
    # The repeated ones are left out of each side by itself: an engine would store a table that is used twice.
    live, copies = (
        each.anti_join(numbered, list(keys)) for each in (_live(known, window), _side(known, other))
    )
    once = live.left_join(_renamed(copies), list(keys)).mutate(ambiguous=ibis.literal(False))
    several = _joined_groups(
        _live(numbered, window), _renamed(_side(numbered, other)), list(keys), window.copies
    )
    unknown = _live(lines.filter(lines[keys[0]].isnull()), window)
    nothing = {f"other_{name}": ibis.null(lines[name].type()) for name in _OF_OTHER}
    without_id = unknown.mutate(**nothing, ambiguous=ibis.literal(False))
    return _pair(once, window).union(_pair(several, window)).union(_pair(without_id, window, WITHOUT_ID_CODE))


def _live(lines: ir.Table, window: Window) -> ir.Table:
    """What is compared of the live side."""
    return lines.filter(
        lines.side == _LIVE,
        lines.eligible,
        lines.start_us >= window.first_us,
        lines.start_us <= window.last_us,
    )


def _side(lines: ir.Table, side: str) -> ir.Table:
    return lines.filter(lines.side == SIDES.index(side))


def _renamed(copies: ir.Table) -> ir.Table:
    """The other side's columns get a prefix, as a join would otherwise have to tell them apart."""
    kept = [*(name for name in copies.columns if name not in {*_OF_OTHER, *_ONLY_OF_LIVE})]
    return copies.select(*kept, **{f"other_{name}": copies[name] for name in _OF_OTHER})


def _joined_groups(live: ir.Table, other: ir.Table, keys: list[str], copies: int) -> ir.Table:
    """Groups of equal size are paired in the order of time; where there may be several copies of one request,
    the first is taken."""
    sizes = other.group_by(keys).agg(copies=other["size"].max())
    paired = live.left_join(other.drop("size"), [*keys, "occurrence"])
    sized = paired.drop(*(name for name in paired.columns if name.endswith("_right"))).left_join(sizes, keys)
    unequal = sized.copies.notnull() & (sized.copies != sized["size"])
    if copies > 1:
        unequal = unequal & (sized["size"] > 1)
    return sized.mutate(ambiguous=unequal)


def _pair(joined: ir.Table, window: Window, unpaired: int = MISSING_CODE) -> ir.Table:
    answer = ibis.cases(
        (joined.ambiguous, AMBIGUOUS_CODE),
        (joined.other_answer.isnull(), unpaired),
        else_=joined.other_answer,
    )
    return joined.select(
        block=_block(joined, window),
        route=joined.route,
        reference=joined.answer,
        other=answer.cast("int32"),
        reference_latency=joined.latency,
        other_latency=joined.other_latency,
        reference_bytes=joined.bytes,
        other_bytes=joined.other_bytes,
        later_us=joined.other_start_us - joined.start_us,
        forwarded_more=joined.other_forwarded > joined.forwarded.fill_null(0),
        shown_id=joined.other_shown_id,
        shown_path=joined.other_shown_path,
        shown_flags=joined.other_shown_flags,
    )


def _block(lines: ir.Table, window: Window) -> ir.IntegerValue:
    return ((lines.start_us - window.first_us) // (window.block_seconds * 1_000_000)).cast("int32")


def answers(paired: ir.Table) -> ir.Table:
    """How often which answers met, in each block and route; sizes only of equal answers, of which both are
    known."""
    sized = (
        (paired.reference == paired.other) & paired.reference_bytes.notnull() & paired.other_bytes.notnull()
    )
    same = sized & (paired.reference_bytes == paired.other_bytes)
    return paired.group_by("block", "route", "reference", "other").agg(
        requests=paired.count(),
        sized=sized.cast("int64").sum(),
        same_size=same.fill_null(False).cast("int64").sum(),
        reference_bytes=ibis.ifelse(sized, paired.reference_bytes, 0).sum(),
        other_bytes=ibis.ifelse(sized, paired.other_bytes, 0).sum(),
    )


def latencies(paired: ir.Table) -> ir.Table:
    """How often which bucket of latency occurred, in each block, route and side: of requests with the same
    answer, as a quick error says nothing about speed."""
    known = paired.filter(
        paired.reference == paired.other, paired.reference_latency.notnull(), paired.other_latency.notnull()
    )
    sides = [
        known.group_by("block", "route", bucket=known[f"{side}_latency"])
        .agg(requests=ibis._.count())
        .mutate(is_other=ibis.literal(side == "other"))
        for side in ("reference", "other")
    ]
    return sides[0].union(sides[1])
