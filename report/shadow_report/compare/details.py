"""What people look at besides what is judged: each pod by itself, and the flags of answers that got worse."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from shadow_report.compare import answers
from shadow_report.compare.answers import Kind
from shadow_report.compare.pairing import Window
from shadow_report.schema import SIDES

_MOST_FLAGS = 50
_GROWTH = 1.01  # of one bucket of latency to the next, see records.bucket


@dataclass(frozen=True)
class Pod:
    """The requests of one pod within the window, of those that are copied. Latencies are in microseconds, None
    where no line tells one."""

    side: str
    name: str
    requests: int
    server_errors: int
    unfinished: int
    p50_us: float | None
    p95_us: float | None


@dataclass(frozen=True)
class Worse:
    """How many answers got worse in one way, and the flags that the shadow's proxy gave them."""

    reference: str
    other: str
    flags: str
    requests: int


def pods(connection: duckdb.DuckDBPyConnection, window: Window, measure: str) -> tuple[Pod, ...]:
    """Every pod, those with the most failures of their side first."""
    where = (
        f"FROM stored WHERE (side > 0 OR eligible) AND start_us BETWEEN {window.first_us} AND {window.last_us} "
        "GROUP BY ALL"
    )
    kinds: dict[tuple[int, str], Counter[Kind]] = defaultdict(Counter)
    for side, name, answer, number in connection.execute(
        f"SELECT side, pod_name, answer, count(*) {where}"
    ).fetchall():
        kinds[side, name][answers.kind(answers.text(answer))] += number
    buckets: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    for side, name, bucket, number in connection.execute(
        f"SELECT side, pod_name, {measure}_bucket AS bucket, count(*) {where} ORDER BY bucket"
    ).fetchall():
        if bucket is not None:
            buckets[side, name].append((bucket, number))
    found = [
        Pod(
            SIDES[side],
            name or "(not told)",
            counts.total(),
            counts[Kind.SERVER_ERROR],
            counts[Kind.ABORTED],
            _quantile(buckets[side, name], 0.5),
            _quantile(buckets[side, name], 0.95),
        )
        for (side, name), counts in kinds.items()
    ]
    return tuple(sorted(found, key=_order))


def _order(pod: Pod) -> tuple[int, float, float, str]:
    failed = (pod.server_errors + pod.unfinished) / pod.requests
    return SIDES.index(pod.side), -failed, -(pod.p95_us or 0), pod.name


def _quantile(buckets: list[tuple[int, int]], share: float) -> float | None:
    wanted = share * sum(number for _, number in buckets)
    for bucket, number in buckets:
        wanted -= number
        if wanted <= 0:
            return float(_GROWTH ** (bucket + 0.5))
    return None


def worse(connection: duckdb.DuckDBPyConnection, changes: Iterable[tuple[int, int]]) -> tuple[Worse, ...]:
    """The flags of these changes of answers, the commonest first. To be asked while `pairs` are the shadow's."""
    listed = ", ".join(f"({reference}, {other})" for reference, other in changes)
    if not listed:
        return ()
    query = f"""SELECT reference, other, coalesce(shown_flags, '-'), count(*) AS requests FROM pairs
WHERE (reference, other) IN ({listed}) GROUP BY ALL ORDER BY requests DESC, 1, 2, 3 LIMIT {_MOST_FLAGS}"""
    return tuple(
        Worse(answers.text(reference), answers.text(other), flags, number)
        for reference, other, flags, number in connection.execute(query).fetchall()
    )
