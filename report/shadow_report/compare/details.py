"""What people look at besides what is judged: each pod by itself, requests that got worse, and their flags."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from shadow_report.compare import answers
from shadow_report.compare.answers import Kind
from shadow_report.compare.run import Pod, Sample, Worse
from shadow_report.compare.session import Session
from shadow_report.compare.windows import Window
from shadow_report.schema import SIDES

_MOST_FLAGS = 50
_MOST_SAMPLES = 50
_SAMPLES_OF_A_KIND = 5
_GROWTH = 1.01  # of one bucket of latency to the next, see records.bucket


Changes = Sequence[tuple[int, int]]  # answers of both sides, as numbers


def pods(session: Session, window: Window, measure: str) -> tuple[Pod, ...]:
    """Every pod, those with the most failures of their side first."""
    where = f"FROM stored WHERE (side > 0 OR eligible) AND {window.sql}"
    kinds: dict[tuple[int, str], Counter[Kind]] = defaultdict(Counter)
    for side, name, answer, requests in session.rows(
        f"SELECT side, pod_name, answer, count(*) AS requests {where} GROUP BY side, pod_name, answer"
    ):
        kinds[side, name][answers.kind(answers.text(answer))] += requests
    buckets: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    bucket = f"{measure}_bucket"
    for side, name, *latency in session.rows(
        f"SELECT side, pod_name, {bucket}, count(*) AS requests {where} AND {bucket} IS NOT NULL "
        f"GROUP BY side, pod_name, {bucket} ORDER BY {bucket}"
    ):
        buckets[side, name].append((latency[0], latency[1]))
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


def changes_for_the_worse(session: Session) -> Changes:
    """Which there are. This and what follows is to be asked while `pairs` are the shadow's."""
    found = session.rows("SELECT DISTINCT reference, other FROM pairs WHERE shown_id IS NOT NULL")
    return sorted(pair for pair in found if answers.change(*map(answers.text, pair)) > 0)


def worse(session: Session, changes: Changes) -> tuple[Worse, ...]:
    """The flags of these changes of answers, the commonest first."""
    if not changes:
        return ()
    query = f"""SELECT reference, other, coalesce(shown_flags, '-') AS flags, count(*) AS requests FROM pairs
WHERE {_are(changes)} GROUP BY reference, other, coalesce(shown_flags, '-')
ORDER BY requests DESC, reference, other, flags LIMIT {_MOST_FLAGS}"""
    return tuple(
        Worse(answers.text(reference), answers.text(other), flags, requests)
        for reference, other, flags, requests in session.rows(query)
    )


def samples(session: Session, routes: Sequence[str], changes: Changes) -> Iterator[Sample]:
    """A few requests of every one of these changes."""
    if not changes:
        return
    query = f"""SELECT route, shown_path, shown_id, reference, other, flags FROM (
    SELECT route, shown_path, shown_id, reference, other, coalesce(shown_flags, '-') AS flags,
        row_number() OVER (PARTITION BY route, reference, other ORDER BY shown_id, shown_path, shown_flags)
            AS place
    FROM pairs WHERE {_are(changes)}) AS listed
WHERE place <= {_SAMPLES_OF_A_KIND}
ORDER BY route, reference, other, shown_id, shown_path, flags LIMIT {_MOST_SAMPLES}"""
    for route, path, identity, reference, other, flags in session.rows(query):
        yield Sample(routes[route], path, identity, answers.text(reference), answers.text(other), flags)


def _are(changes: Changes) -> str:
    return f"(reference, other) IN ({', '.join(f'({reference}, {other})' for reference, other in changes)})"
