"""The page's pictures: how latencies are distributed, how quantiles compare, and what happened when."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from markupsafe import Markup

from shadow_report import words
from shadow_report.compare.run import Run
from shadow_report.compare.tallies import BUCKET, Histogram
from shadow_report.judge import findings
from shadow_report.output.page.charts import Axis, Series, chart, log_ticks, round_ticks

_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_POINTS = 160  # of a curve: more cannot be seen


def distribution(run: Run, reference: Histogram, other: Histogram) -> Markup:
    """The share of requests that took at most so long, of both sides."""
    total = reference.sum(axis=0) + other.sum(axis=0)
    used = np.flatnonzero(total)
    low, high = (math.exp(float(bucket) * BUCKET) for bucket in (used[0], used[-1] + 1))
    x = Axis("", low, high, log_ticks(low, high), words.time, log=True)
    y = Axis("share of requests", 0, 1, (0, 0.25, 0.5, 0.75, 1), lambda share: f"{100 * share:.0f} %")
    names = [run.sides[side].name for side in ("live", "shadow")]
    series = [
        Series(name, css, _curve(side))
        for name, css, side in zip(names, ("live", "shadow"), (reference, other), strict=True)
    ]
    description = f"The latencies of {names[0]} (solid line) and of {names[1]} (dashed line)."
    return chart("Share of requests answered within a time", description, x, y, series)


def _curve(side: Histogram) -> list[tuple[float, ...]]:
    counts = side.sum(axis=0)
    reached = np.cumsum(counts) / counts.sum()
    used = np.flatnonzero(counts)
    first, last = int(used[0]), int(used[-1])
    steps = range(first, last + 1, max(1, (last - first) // _POINTS))
    points = [(math.exp((bucket + 1) * BUCKET), float(reached[bucket])) for bucket in (*steps, last)]
    return [(math.exp(first * BUCKET), 0.0), *points]


def ratios(run: Run, reference: Histogram, other: Histogram) -> Iterator[Markup]:
    """How much slower each quantile is, with its interval; nothing when there is too little data for one."""
    quantiles = findings.quantiles(reference, other, _SHARES)
    if not quantiles:
        return
    shares = [each.share for each in quantiles]
    found = [each.change for each in quantiles]
    bounds = [bound for each in found for bound in (each.low, each.high)]
    low, high = min(*bounds, 0.95), max(*bounds, 1.05)
    x = Axis(
        "quantile",
        -0.5,
        len(shares) - 0.5,
        range(len(shares)),
        lambda index: f"p{100 * shares[int(index)]:g}",
    )
    y = Axis("shadow / live", low, high, round_ticks(low, high, 5), lambda ratio: f"{ratio:.3g}")
    points = [(index, each.value, each.low, each.high) for index, each in enumerate(found)]
    description = "Above 1 the shadow is slower. " + "; ".join(
        f"p{100 * share:g}: {each.value:.3f} ({each.low:.3f} to {each.high:.3f})"
        for share, each in zip(shares, found, strict=True)
    )
    yield chart(
        "Quantiles compared",
        description,
        x,
        y,
        [Series("95 % interval", "shadow", points, "points")],
        level=1,
    )


def _time(run: Run) -> Axis:
    """The blocks of time, from left to right."""
    size, blocks = run.shadow.block_seconds, run.shadow.blocks
    begin = run.window_us[0] / 1e6
    step = max(1, math.ceil(blocks / 5))
    return Axis(
        "UTC",
        0,
        max(blocks, 1),
        range(0, blocks, step),
        lambda block: words.moment(begin + block * size, day=run.days),
    )


def latency_over_time(run: Run, reference: Histogram, other: Histogram) -> Iterator[Markup]:
    """The median and p95 of each block of time that has enough requests for them."""
    names = [run.sides[side].name for side in ("live", "shadow")]
    for share in (0.5, 0.95):
        lines = [list(_quantiles(side, share)) for side in (reference, other)]
        values = [value for line in lines for _, value in line]
        if not values:
            continue
        most = max(values)
        y = Axis("", 0, most, round_ticks(0, most, 5), words.time)
        series = [
            Series(name, css, line) for name, css, line in zip(names, ("live", "shadow"), lines, strict=True)
        ]
        title = f"p{100 * share:g} over time"
        yield chart(
            title, f"{title}: {names[0]} (solid line) and {names[1]} (dashed line).", _time(run), y, series
        )


def _quantiles(side: Histogram, share: float) -> Iterator[tuple[float, float]]:
    """Of each block of time with enough requests: its number, and the quantile in microseconds."""
    reached = np.cumsum(side, axis=1)
    totals = side.sum(axis=1)
    for block in np.flatnonzero(totals >= findings.needed_pairs(share)):
        bucket = int(np.searchsorted(reached[block], share * totals[block]))
        yield float(block), math.exp((bucket + 0.5) * BUCKET)


def timeline(run: Run) -> Iterator[Markup]:
    """Requests and answered copies over time, and what got worse."""
    size, blocks = run.shadow.block_seconds, run.shadow.by_block
    x = _time(run)
    most = max((each.eligible for each in blocks), default=0) or 1
    y = Axis(f"requests in {size} s", 0, most, round_ticks(0, most, 5), lambda number: words.count(number))
    missing = sum(each.eligible - each.paired for each in blocks)
    series = [
        Series(
            "without answer", "missing", [(block, each.eligible) for block, each in enumerate(blocks)], "bars"
        ),
        Series("answered", "live", [(block, each.paired) for block, each in enumerate(blocks)], "bars"),
    ]
    text = f"{words.count(missing, 'request')} of the live version without an answer of the shadow."
    yield chart("Requests over time", text, x, y, series)
    worse = max((each.worse for each in blocks), default=0)
    if worse:
        y = Axis(f"in {size} s", 0, worse, round_ticks(0, worse, 5), lambda number: words.count(number))
        errors = Series(
            "got worse", "errors", [(block, each.worse) for block, each in enumerate(blocks)], "bars"
        )
        text = f"{words.count(sum(each.worse for each in blocks), 'request')} got a worse answer from the shadow."
        yield chart("Answers that got worse, over time", text, x, y, [errors])
