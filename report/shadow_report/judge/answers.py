"""Rules about what was answered: errors, other answers, and answers that nobody waited for. Pure."""

from __future__ import annotations

from shadow_report import words
from shadow_report.compare.answers import Kind, kind
from shadow_report.compare.tallies import Sums
from shadow_report.judge import findings
from shadow_report.judge.excess import Excess
from shadow_report.judge.findings import Finding
from shadow_report.judge.rules import BEYOND, DOUBT, FEW, Rules, moments, more_needed
from shadow_report.judge.statements import Result, Statement

_TOGETHER = 3  # so many failures for one event are worth a word


class Answers(Rules):
    """What the shadow answered otherwise."""

    def errors(self, finding: Finding) -> Statement:
        found = finding.errors
        text = (
            f"{words.percent(found.net.rate.value)} more requests fail in {self.shadow} than in {self.live} "
            f"({words.percents(found.net.rate)}): {words.count(found.net.worse)} got worse and "
            f"{words.count(found.net.better)} better of {words.count(found.net.total, 'pair')}"
            f"{_listed(_new_errors(finding.sums))}"
        )
        return self._excess("errors", finding, found, self.thresholds.max_new_errors, text)

    def changes(self, finding: Finding) -> Statement:
        found = finding.changes
        text = (
            f"{words.percent(found.net.rate.value)} of the requests get another answer from {self.shadow}, "
            f"neither better nor worse ({words.percents(found.net.rate)})"
            f"{_listed(findings.common_changes(finding.sums))}"
        )
        return self._excess("changes", finding, found, self.thresholds.max_changed, text)

    def unfinished(self, finding: Finding) -> Statement:
        found = finding.unfinished
        text = (
            f"{words.percent(found.net.rate.value)} more requests end without a whole answer, as the caller went "
            f"away, or with code 0, in {self.shadow} than in {self.live} ({words.percents(found.net.rate)}): "
            f"{words.count(found.net.worse)} only there, {words.count(found.net.better)} only in {self.live}"
        )
        return self._excess("unfinished", finding, found, self.thresholds.max_new_errors, text)

    def _excess(self, about: str, finding: Finding, found: Excess, margin: float, text: str) -> Statement:
        result = self._excess_result(found, finding.adjusted.get(about, 1.0), margin / 100)
        text += self._together(found)
        if result is Result.INCONCLUSIVE and finding.adjusted.get(about, 1.0) < self.thresholds.alpha:
            text += f"; but {self.run.sides['control'].name}, a copy of {self.live}, shows as many"
            return Statement(about, finding.route, result, text)
        statement = Statement(about, finding.route, result, text)
        if result is not Result.INCONCLUSIVE or (finding.route and not self.doubtful(about, finding)):
            return statement
        factor = more_needed(
            lambda times: self._excess_settled(found.times(times), margin / 100, finding.tests)
        )
        return self.needing(statement, round(found.net.total), factor)

    def _excess_result(self, found: Excess, p_value: float, margin: float) -> Result:
        if p_value < self.thresholds.alpha and not found.as_of_control(self.thresholds.alpha):
            return Result.FAIL
        return Result.PASS if found.net.within(margin) < BEYOND else Result.INCONCLUSIVE

    def _excess_settled(self, found: Excess, margin: float, tests: int) -> bool:
        return self._excess_result(found, tests * found.p_value(margin), margin) is not Result.INCONCLUSIVE

    def _together(self, found: Excess) -> str:
        """When it was, where failures came together."""
        first, last, number = found.peak
        if found.net.burst < _TOGETHER or number < _TOGETHER:
            return ""
        events = max(round(found.net.worse / found.net.burst), 1)
        when = moments(self.run, ((first, last),))
        return (
            f"; they came together, {words.count(number)} between {when}, and count as "
            f"{words.count(events, 'event')}"
        )

    def doubtful(self, about: str, finding: Finding) -> bool:
        """Nearly significant, or most of what a route got, however little that was."""
        found, margin = {
            "errors": (finding.errors, self.thresholds.max_new_errors),
            "changes": (finding.changes, self.thresholds.max_changed),
            "unfinished": (finding.unfinished, self.thresholds.max_new_errors),
        }[about]
        net = found.net.worse - found.net.better
        if net <= margin / 100 * found.net.total:
            return False
        return finding.adjusted.get(about, 1.0) < DOUBT or (net >= FEW and net > found.net.total / 2)


def _new_errors(sums: Sums) -> list[tuple[int, str, str]]:
    """The commonest changes from ok to an error: how many, instead of what, what."""
    errors = (Kind.CLIENT_ERROR, Kind.SERVER_ERROR)
    return sorted(
        (
            (number, before, after)
            for (before, after), number in sums.answers.items()
            if kind(after) in errors and kind(before) is Kind.OK
        ),
        reverse=True,
    )


def _listed(changes: list[tuple[int, str, str]]) -> str:
    """The commonest ones: "; 200 -> 500 (34)"."""
    if not changes:
        return ""
    return "; " + ", ".join(
        f"{before} -> {after} ({words.count(number)})" for number, before, after in changes[:3]
    )
