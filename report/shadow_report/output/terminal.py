"""The summary for a terminal."""

from __future__ import annotations

from shadow_report import words
from shadow_report.compare.run import Run
from shadow_report.judge.statements import Statement, Verdict

_MOST_ROUTES = 10
_MOST_GAPS = 5


def summary(run: Run, verdict: Verdict) -> str:
    """A dozen lines: the verdict, every statement, and bad lines if there are any."""
    shown = [each for each in verdict.statements if not each.route]
    routes = [each for each in verdict.statements if each.route]
    lines = [head(run, verdict), "", *map(_line, shown + routes[:_MOST_ROUTES])]
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


def head(run: Run, verdict: Verdict) -> str:
    """What was compared with what."""
    live, shadow = run.sides["live"], run.sides["shadow"]
    first, last = (each / 1e6 for each in run.window_us)
    return (
        f"{shadow.name} against {live.name}: {words.count(verdict.overall.sums.compared, 'pair')} of "
        f"{words.moment(first, day=True)} to {words.moment(last, day=run.days)} UTC "
        f"({words.seconds(run.seconds)})"
    )


def _line(statement: Statement) -> str:
    route = f"{statement.route}: " if statement.route else ""
    return f"  {statement.result.value:<13} {statement.about:<11} {route}{statement.text}"
