"""Numbers and times as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it would take SciPy with it, which the collector does not need
    from shadow_report.judge.statistics import Interval


def count(number: float, thing: str = "") -> str:
    """1,234; with a thing: 1,234 pairs, 1 pair."""
    text = f"{number:,.0f}"
    return f"{text} {thing if number == 1 else thing + 's'}" if thing else text


def percent(share: float) -> str:
    """A share of 1 as a percentage, with as many digits as matter."""
    value = 100 * share
    if math.isnan(value):
        return "unknown"
    if value and abs(value) < 0.005:
        return f"{value:.4f} %"
    if 99 < value < 100:  # never rounded up to all
        return f"{math.floor(100 * value) / 100:.2f} %"
    return f"{value:.2f} %" if abs(value) < 10 else f"{value:.1f} %"


def percents(interval: Interval) -> str:
    """0.1 to 0.3 %"""
    return f"{percent(interval.low).removesuffix(' %')} to {percent(interval.high)}"


def change(ratio: float) -> str:
    """A ratio as what it adds: 1.3 is +30.0 %."""
    return f"{100 * (ratio - 1):+.1f} %"


def time(microseconds: float) -> str:
    """A duration with a unit that suits it."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if abs(microseconds) >= size:
            return f"{microseconds / size:.3g} {unit}"
    return f"{microseconds:.0f} µs"


def seconds(number: float) -> str:
    """A length of time: 40 s, 12 min, 5.1 h."""
    if number < 120:
        return f"{number:.0f} s"
    return f"{number / 60:.0f} min" if number < 7200 else f"{number / 3600:.1f} h"


def moment(epoch: float, *, day: bool = False) -> str:
    """A moment in UTC."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S" if day else "%H:%M:%S")
