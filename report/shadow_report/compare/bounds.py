"""Finds the window: what the live log covers, less its edges, and not before the shadow's log begins."""

from __future__ import annotations

import math

from shadow_report.compare import windows
from shadow_report.compare.run import Side
from shadow_report.compare.session import Session, number
from shadow_report.compare.settings import Settings
from shadow_report.compare.windows import Span, Window
from shadow_report.errors import ReportError

_MISSING_AT_FIRST = 50  # copies whose absence is no chance


def window(session: Session, settings: Settings, shadow: Side) -> tuple[Window, int]:
    """The window, and by how much it was cut as the shadow's log begins later."""
    live = _span(session)
    edge = 0 if settings.bounded else round(settings.edge_seconds * 1e6)
    first, last = live.first_us + edge, live.last_us - edge
    late_us = 0 if settings.bounded else _late(session, settings, live, shadow)
    first += late_us
    if settings.first is not None:
        first = max(first, round(settings.first * 1e6))
    if settings.last is not None:
        last = min(last, round(settings.last * 1e6))
    if first >= last:
        raise ReportError(
            f"nothing is left to compare: the live log covers {(live.last_us - live.first_us) / 1e6:.0f} s, "
            f"of which {settings.edge_seconds:g} s are cut off at both ends (--edge) or which lies outside "
            "--from and --to"
        )
    copies = math.ceil(settings.mirror_percent / 100)
    return Window(first, last, windows.block_seconds((last - first) / 1e6), copies), late_us


def _span(session: Session) -> Span:
    """From when to when the live log tells, but for wrong clocks."""
    hours = session.rows(
        "SELECT count(*) AS lines, min(start_us) AS first, max(start_us) AS last FROM "
        "(SELECT start_us, start_us // 3600000000 AS hour FROM stored WHERE side = 0) AS hours GROUP BY hour"
    )
    return windows.span(sorted((Span(*hour) for hour in hours), key=lambda hour: hour.first_us))


def _late(session: Session, settings: Settings, live: Span, shadow: Side) -> int:
    """By how much the shadow's log begins later, if copies must have been missing for it. More than half of
    the time is no beginning: then the shadow was down, or its log is not there."""
    late_us = shadow.first_us - live.first_us
    if not 0 < late_us < (live.last_us - live.first_us) / 2:
        return 0
    before = number(
        session,
        "SELECT count(*) AS lines FROM stored WHERE side = 0 AND eligible AND start_us BETWEEN "
        f"{live.first_us + round(settings.edge_seconds * 2e6)} AND {shadow.first_us}",
    )
    return late_us if before * min(settings.mirror_percent, 100) / 100 >= _MISSING_AT_FIRST else 0
