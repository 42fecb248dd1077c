"""The verdict as Markdown, for the summary of a pipeline's run or a comment on a change."""

from __future__ import annotations

import re

from shadow_report import words
from shadow_report.compare.run import Run
from shadow_report.judge.statements import Result, Statement, Verdict
from shadow_report.output.terminal import head

_SIGNS = {Result.PASS: "✅", Result.FAIL: "❌", Result.INCONCLUSIVE: "❔"}
_MOST_ROUTES = 20


def summary(run: Run, verdict: Verdict) -> str:
    """A heading, what was compared, and a table of the statements."""
    shown = [each for each in verdict.statements if not each.route]
    routes = [each for each in verdict.statements if each.route]
    lines = [
        f"## {_SIGNS[verdict.result]} {verdict.result.value}: {_plain(run.sides['shadow'].name)} against "
        f"{_plain(run.sides['live'].name)}",
        "",
        _plain(head(run, verdict)),
        "",
        "| | what | route | |",
        "|---|---|---|---|",
        *map(_row, shown + routes[:_MOST_ROUTES]),
    ]
    if len(routes) > _MOST_ROUTES:
        lines += ["", f"And {len(routes) - _MOST_ROUTES} more about single routes."]
    if run.bad_lines:
        lines += ["", f"{words.count(run.bad_lines)} of {words.count(run.lines, 'line')} could not be read."]
    if run.not_collected:
        times = words.count(len(run.not_collected), "time")
        lines += [
            "",
            f"The collector could not have some logs, {times}; what they lack looks like missing copies.",
        ]
    return "\n".join(lines) + "\n"


def _row(statement: Statement) -> str:
    route = _plain(statement.route) if statement.route else "all"
    result = f"{_SIGNS[statement.result]} {statement.result.value}"
    return f"| {result} | {statement.about} | {route} | {_plain(statement.text)} |"


def _plain(text: str) -> str:
    """Nothing in it is Markdown or HTML: paths come from whoever sent the requests."""
    return re.sub(r"([\\`*_{}\[\]()#+!|~<>&@])", r"\\\1", re.sub(r"\s+", " ", text))
