"""Inline SVG charts. Readable without style sheet or script; each has a title and a description in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 26, 40
# For programs that ignore the style sheet; it gives each class its colours for light and dark.
_COLOURS = {
    "live": "#2563a8",
    "shadow": "#c2410c",
    "missing": "#6b7280",
    "errors": "#b91c1c",
    "equal": "#6b7280",
}


@dataclass(frozen=True)
class Axis:
    """What is drawn along one side; `ticks` are values, `text` writes one of them."""

    label: str
    low: float
    high: float
    ticks: Sequence[float]
    text: Callable[[float], str]
    log: bool = False

    def part(self, value: float) -> float:
        """Where a value lies, from 0 to 1."""
        low, high, value = (math.log(each) if self.log else each for each in (self.low, self.high, value))
        return min(max((value - low) / ((high - low) or 1), 0), 1)


@dataclass(frozen=True)
class Series:
    """`kind`: "line", "bars" or "points"; a point may have bounds (x, y, low, high)."""

    name: str
    css: str
    points: Sequence[tuple[float, ...]]
    kind: str = "line"


def chart(
    title: str, description: str, x: Axis, y: Axis, series: Sequence[Series], level: float | None = None
) -> Markup:
    """One chart; `level` is drawn as a dashed line across."""
    name = "chart-" + "".join(
        letter for letter in title.lower().replace(" ", "-") if letter.isalnum() or letter == "-"
    )
    parts = [
        Markup(
            '<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title {}-text" font-size="11">'
        ).format(WIDTH, HEIGHT, name, name),
        Markup('<title id="{}-title">{}</title><desc id="{}-text">{}</desc>').format(
            name, title, name, description
        ),
        *_grid(x, y),
    ]
    if level is not None:
        parts.append(_line("equal", LEFT, _y(y, level), WIDTH - RIGHT, _y(y, level), dash="4 3"))
    for each in series:
        parts += _DRAWN[each.kind](each, x, y)
    parts += _legend(series)
    return Markup("").join([*parts, Markup("</svg>")])


def bar(share: float, text: str) -> Markup:
    """A single horizontal bar for a cell of a table."""
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="fill live" width="{:.2f}" height="8" fill="#2563a8"/></svg>'
    ).format(text, 100 * share)


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.part(value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.part(value) * (HEIGHT - TOP - BOTTOM)


def _grid(x: Axis, y: Axis) -> list[Markup]:
    parts = []
    for value in y.ticks:
        parts.append(_line("grid", LEFT, _y(y, value), WIDTH - RIGHT, _y(y, value)))
        parts.append(_text(LEFT - 5, _y(y, value) + 4, y.text(value), "end"))
    for value in x.ticks:
        parts.append(_line("grid", _x(x, value), HEIGHT - BOTTOM, _x(x, value), HEIGHT - BOTTOM + 4))
        parts.append(_text(_x(x, value), HEIGHT - BOTTOM + 16, x.text(value), "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x.label, "middle"))
    parts.append(_text(4, 12, y.label, "start"))
    return parts


def _legend(series: Sequence[Series]) -> list[Markup]:
    parts, right = [], WIDTH - RIGHT
    for each in reversed(series):
        right -= 7 * len(each.name) + 24
        colour = _COLOURS[each.css]
        parts.append(
            Markup('<rect class="fill {}" x="{:.0f}" y="4" width="12" height="8" fill="{}"/>').format(
                each.css, right, colour
            )
        )
        parts.append(_text(right + 16, 12, each.name, "start"))
    return parts


def _draw_line(series: Series, x: Axis, y: Axis) -> list[Markup]:
    path = " ".join(f"{_x(x, point[0]):.1f},{_y(y, point[1]):.1f}" for point in series.points)
    dash = (
        Markup(' stroke-dasharray="6 3"') if series.css == "shadow" else ""
    )  # told apart without colour too
    return [
        Markup(
            '<polyline class="stroke {}" points="{}" fill="none" stroke="{}" stroke-width="1.8"{}/>'
        ).format(series.css, path, _COLOURS[series.css], dash)
    ]


def _draw_bars(series: Series, x: Axis, y: Axis) -> list[Markup]:
    width = max((WIDTH - LEFT - RIGHT) / max(len(series.points), 1) - 1, 0.6)
    return [
        Markup(
            '<rect class="fill {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}"/>'
        ).format(
            series.css, _x(x, at), _y(y, value), width, HEIGHT - BOTTOM - _y(y, value), _COLOURS[series.css]
        )
        for at, value, *_ in series.points
        if value
    ]


def _draw_points(series: Series, x: Axis, y: Axis) -> list[Markup]:
    parts = []
    for at, value, low, high in series.points:
        parts.append(_line(series.css, _x(x, at), _y(y, low), _x(x, at), _y(y, high)))
        parts.append(
            Markup('<circle class="fill {}" cx="{:.1f}" cy="{:.1f}" r="3.5" fill="{}"/>').format(
                series.css, _x(x, at), _y(y, value), _COLOURS[series.css]
            )
        )
    return parts


_DRAWN = {"line": _draw_line, "bars": _draw_bars, "points": _draw_points}


def _line(css: str, x1: float, y1: float, x2: float, y2: float, dash: str = "none") -> Markup:
    return Markup(
        '<line class="stroke {}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="{}" '
        'stroke-dasharray="{}"/>'
    ).format(css, x1, y1, x2, y2, _COLOURS.get(css, "#cbd5e1"), dash)


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" fill="#475569">{}</text>').format(
        x, y, anchor, escape(text)
    )


def round_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round values between the two."""
    if high <= low:
        return [low]
    step = 10 ** math.floor(math.log10((high - low) / most))
    step = next(step * each for each in (1, 2, 5, 10) if (high - low) / (step * each) <= most)
    first = math.ceil(low / step - 1e-9)
    return [each * step for each in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 and so on, or powers of ten where that would be too many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(powers) < 5 else (1,)
    return [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]
