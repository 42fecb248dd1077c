"""Has an engine pair and count what is stored, and hands over a Run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shadow_report.compare import accounts, answers, bounds, contents, details, pairing, routes, sides
from shadow_report.compare.formats import Known
from shadow_report.compare.on_duckdb import connected
from shadow_report.compare.run import Run, Source
from shadow_report.compare.session import Session, number
from shadow_report.compare.settings import Settings
from shadow_report.compare.storing import Files
from shadow_report.compare.tallies import Answers, Comparison, Latencies
from shadow_report.compare.windows import Window

_CLOCK_US = 100  # how exactly the clocks' difference is told


def compare(files: list[Known], settings: Settings) -> Run:
    """Reads and compares with DuckDB. Raises ReportError with what to do when nothing can be compared."""
    with connected(settings) as session:
        logs = Files(session, files, settings.comparing)
        return run(session, settings, logs.store(), logs.versions)


def run(
    session: Session, settings: Settings, sources: tuple[Source, ...], versions: Callable[[], set[str]]
) -> Run:
    """Compares what is in the table `stored`, which was made of `sources`; `versions` are those that these name.

    Raises ReportError when nothing can be compared.
    """
    comparing = settings.comparing
    measure = sides.measure(session)
    found = sides.sides(session, comparing.versions)
    sides.check(session, comparing.versions, found, versions)
    names = routes.number_routes(session)
    routes.make_lines(session, measure)
    window, late_us = bounds.window(session, settings, found["shadow"])
    shadow = _comparison(session, "shadow", window, names)
    funnel, left_out = accounts.accounts(session, window, shadow)
    changes = details.changes_for_the_worse(session)
    samples = tuple(details.samples(session, names, changes))
    worse = details.worse(session, changes)
    offsets = {"shadow": _offset(session)}
    control = None
    if "control" in found:
        control = _comparison(session, "control", window, names)
        offsets["control"] = _offset(session)
    return Run(
        sides={name: replace(side, offset_us=offsets.get(name, 0)) for name, side in found.items()},
        sources=sources,
        window_us=(window.first_us, window.last_us),
        edge_seconds=0 if settings.bounded else settings.edge_seconds,
        mirror_percent=settings.mirror_percent,
        methods=comparing.methods,
        measure=measure,
        funnel=funnel,
        left_out=left_out,
        shadow=shadow,
        control=control,
        samples=samples,
        pods=details.pods(session, window, measure),
        worse=worse,
        templates=comparing.templates,
        grpc_unknown=number(
            session,
            "SELECT count(*) AS lines FROM stored WHERE grpc_unknown AND (eligible OR side IN (1, 2))",
        ),
        late_us=late_us,
        engine=session.name,
        contents=contents.contents(session, window, names, control="control" in found),
    )


def _comparison(session: Session, side: str, window: Window, names: tuple[str, ...]) -> Comparison:
    pairing.pair(session, side, window)
    rows = sorted(session.rows(pairing.ANSWERS))
    columns = session.columns(pairing.LATENCIES)
    blocks = (window.last_us - window.first_us) // (window.block_seconds * 1_000_000) + 1
    latencies = Latencies(
        names,
        columns["block"],
        columns["route"],
        columns["is_other"].astype("bool"),
        columns["bucket"],
        columns["requests"],
    )
    named = (
        Answers(block, names[route], answers.text(reference), answers.text(other), *map(int, numbers))
        for block, route, reference, other, *numbers in rows
    )
    return Comparison(tuple(named), latencies, blocks, window.block_seconds)


def _offset(session: Session) -> int:
    """How much later copies begin by their own clock: the clocks' difference, and a little for the way."""
    later = sorted(
        session.rows(
            f"SELECT CAST(floor(later_us / {_CLOCK_US}e0) AS BIGINT) AS later, count(*) AS pairs FROM pairs "
            f"WHERE later_us IS NOT NULL GROUP BY CAST(floor(later_us / {_CLOCK_US}e0) AS BIGINT)"
        )
    )
    rest = sum(pairs for _, pairs in later) / 2
    for place, pairs in later:
        rest -= pairs
        if rest <= 0:
            return int(place) * _CLOCK_US
    return 0
