"""The summary for a terminal, and the same for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from shadow_report import words
from shadow_report.findings import Excess, Finding, Slowness
from shadow_report.run import Run
from shadow_report.statistics import Interval
from shadow_report.tallies import EVERYTHING
from shadow_report.thresholds import Thresholds
from shadow_report.verdict import Statement, Verdict

_MOST_ROUTES = 10
_MOST_GAPS = 5


def summary(run: Run, verdict: Verdict) -> str:
    """A dozen lines: the verdict, every statement, and bad lines if there are any."""
    live, shadow = run.sides["live"], run.sides["shadow"]
    head = (
        f"{shadow.name} against {live.name}: {words.count(verdict.overall.sums.compared, 'pair')} of "
        f"{words.moment(run.window_us[0] / 1e6, day=True)} to {words.moment(run.window_us[1] / 1e6)} UTC "
        f"({words.seconds(run.seconds)})"
    )
    shown = [each for each in verdict.statements if not each.route]
    routes = [each for each in verdict.statements if each.route]
    lines = [head, "", *map(_line, shown + routes[:_MOST_ROUTES])]
    if len(routes) > _MOST_ROUTES:
        lines.append(f"  and {len(routes) - _MOST_ROUTES} more about single routes")
    if run.bad_lines:
        lines += ["", f"{words.count(run.bad_lines)} of {words.count(run.lines, 'line')} could not be read:"]
        lines += [f"  {source.name}: {each}" for source in run.sources for each in source.problems]
    if run.not_collected:
        lines += ["", "the collector could not have these logs; what they lack looks like missing copies:"]
        lines += [f"  {each.as_text()}" for each in run.not_collected[:_MOST_GAPS]]
        if len(run.not_collected) > _MOST_GAPS:
            lines.append(f"  and {len(run.not_collected) - _MOST_GAPS} more")
    return "\n".join([*lines, "", verdict.result.value])


def _line(statement: Statement) -> str:
    route = f"{statement.route}: " if statement.route else ""
    return f"  {statement.result.value:<13} {statement.about:<11} {route}{statement.text}"


def document(run: Run, verdict: Verdict, thresholds: Thresholds) -> dict[str, Any]:
    """Everything as plain values: verdict, statements, figures of every route, what was left out, thresholds."""
    return {
        "verdict": verdict.result.value,
        "statements": [{**asdict(each), "result": each.result.value} for each in verdict.statements],
        "window": {"first": run.window_us[0] / 1e6, "last": run.window_us[1] / 1e6},
        "blockSeconds": run.shadow.block_seconds,
        "mirrorPercent": run.mirror_percent,
        "methods": list(run.methods),
        "latencyMeasure": run.measure,
        "sides": {name: asdict(side) for name, side in run.sides.items()},
        "sources": [asdict(source) for source in run.sources],
        "funnel": [asdict(each) for each in run.funnel],
        "leftOut": [asdict(each) for each in run.left_out],
        "notCollected": None if run.not_collected is None else [each.as_json() for each in run.not_collected],
        "all": _finding(verdict.overall),
        "routes": [_finding(each) for each in verdict.routes],
        "newErrors": [asdict(each) for each in run.samples],
        "thresholds": asdict(thresholds),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    sums = finding.sums
    return {
        "route": finding.route or None,
        "eligible": sums.eligible,
        "paired": sums.paired,
        "compared": sums.compared,
        "answers": [
            {"live": live, "shadow": shadow, "requests": n}
            for (live, shadow), n in sorted(sums.answers.items())
        ],
        "errors": _excess(finding.errors),
        "unfinished": _excess(finding.unfinished),
        "latency": [_slowness(each) for each in finding.slowness],
        "sizes": {"sameAnswer": sums.same_answer, "sameSize": sums.same_size},
        "pValuesAfterHolm": finding.adjusted,
    }


def _excess(excess: Excess) -> dict[str, Any]:
    counts = {"worse": excess.worse, "better": excess.better, "pairs": excess.total}
    return {**counts, "rate": _interval(excess.rate), "pValue": excess.p_value}


def _slowness(slowness: Slowness) -> dict[str, Any]:
    quantile = slowness.quantiles[0]
    return {
        "quantile": slowness.share,
        "liveMicroseconds": quantile.reference_us,
        "shadowMicroseconds": quantile.other_us,
        "ratio": _interval(quantile.ratio),
        "differenceMicroseconds": _interval(quantile.difference_us),
        "pValue": slowness.p_value,
    }


def _interval(interval: Interval) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in asdict(interval).items()}


def route_name(route: str) -> str:
    """How a route is called where all of them are meant too."""
    return route if route != EVERYTHING else "all requests"
