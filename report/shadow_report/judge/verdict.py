"""From what was measured to PASS, FAIL or INCONCLUSIVE: every statement, and what follows from all. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shadow_report.compare.run import Run
from shadow_report.judge import findings
from shadow_report.judge.answers import Answers
from shadow_report.judge.contents import Held
from shadow_report.judge.findings import Finding
from shadow_report.judge.known import Known, outages
from shadow_report.judge.measures import Measures
from shadow_report.judge.statements import Result, Statement, Verdict, result_of
from shadow_report.judge.thresholds import Thresholds


def judge(run: Run, thresholds: Thresholds) -> Verdict:
    """Every statement, and what follows from all of them: FAIL if one fails, PASS if all pass."""
    rules = _Rules(run, thresholds)
    doubts = [*rules.logs(), *rules.window(), *rules.control()]
    if not rules.is_control_there():
        run = replace(run, control=None)
        rules = _Rules(run, thresholds)
    overall, routes = findings.measure(
        run, thresholds, use_control=not any(each.about == "control" for each in doubts)
    )
    gaps = tuple(outages(run, thresholds.alpha))
    statements = [
        *doubts,
        rules.coverage(overall, gaps),
        rules.left_out(overall),
        rules.errors(overall),
        rules.changes(overall),
        rules.unfinished(overall),
        *rules.contents(overall, routes),
        *rules.latencies(overall),
        *rules.sizes(overall),
    ]
    for finding in routes:
        statements += _Rules(run, thresholds.of(finding.route)).of_route(finding)
    worst = sorted(routes, key=lambda each: _severity(each, statements))
    return Verdict(result_of(statements), tuple(statements), overall, tuple(worst), gaps)


def _severity(finding: Finding, statements: list[Statement]) -> tuple[int, float]:
    results = {each.result for each in statements if each.route == finding.route}
    rank = 0 if Result.FAIL in results else 1 if results else 2
    return rank, min(finding.p_values.values(), default=1.0)


class _Rules(Known, Answers, Held, Measures):
    """All rules of one run."""

    def of_route(self, finding: Finding) -> Iterator[Statement]:
        """Of a single route it counts that it fails, or that there are doubts about its answers. That too few
        requests went there to be sure is no reason against the version; the page tells how much could hide."""
        for about, rule in (
            ("errors", self.errors),
            ("changes", self.changes),
            ("unfinished", self.unfinished),
        ):
            if finding.adjusted.get(about, 1.0) < self.thresholds.alpha or self.doubtful(about, finding):
                yield rule(finding)
        yield from self.route_contents(finding)
        yield from self.route_coverage(finding)
        yield from (
            self.latency(finding, each)
            for each in finding.slowness
            if finding.adjusted[each.name] < self.thresholds.alpha
        )
        yield from (each for each in self.sizes(finding) if each.result is not Result.PASS)
        if finding.sums.untold and (left_out := self.left_out(finding)).result is not Result.PASS:
            yield left_out
