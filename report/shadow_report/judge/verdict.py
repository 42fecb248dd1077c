"""The rules: from what was measured to PASS, FAIL or INCONCLUSIVE, with the reasons in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from shadow_report import words
from shadow_report.compare.answers import Kind, kind
from shadow_report.compare.run import Run
from shadow_report.compare.tallies import EVERYTHING
from shadow_report.judge import findings, statistics
from shadow_report.judge.findings import Excess, Finding, Slowness
from shadow_report.judge.statistics import Interval, Quantile
from shadow_report.judge.thresholds import Thresholds

_MOST_FACTOR = 10_000  # more data than this many times as much is no advice
_DOUBT = 0.05  # a corrected p-value below this keeps a route from being waved through
_GAP_PAIRS = 10  # fewer copies expected in a block of time do not show whether the shadow was down


class Result(Enum):
    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


EXIT_STATUS = {Result.PASS: 0, Result.FAIL: 1, Result.INCONCLUSIVE: 3}


@dataclass(frozen=True)
class Statement:
    """One thing that was judged, of one route or (route "") of all. `needed`: how many pairs would settle it."""

    about: str
    route: str
    result: Result
    text: str
    needed: int | None = None


@dataclass(frozen=True)
class Verdict:
    """`statements`: those about everything, then routes that FAIL or raise doubts."""

    result: Result
    statements: tuple[Statement, ...]
    overall: Finding
    routes: tuple[Finding, ...]
    gaps: tuple[tuple[int, int], ...]

    @property
    def reasons(self) -> list[Statement]:
        """The statements that made the result."""
        return [each for each in self.statements if each.result is self.result]

    def of_route(self, route: str) -> list[Statement]:
        return [each for each in self.statements if each.route == route]


def judge(run: Run, thresholds: Thresholds) -> Verdict:
    """Every statement, and what follows from all of them: FAIL if one fails, PASS if all pass."""
    overall, routes = findings.measure(run, thresholds.min_pairs)
    rules = _Rules(run, thresholds)
    gaps = tuple(_gaps(run))
    statements = [
        *rules.logs(),
        rules.coverage(gaps),
        rules.errors(overall),
        rules.unfinished(overall),
        *rules.latencies(overall),
        *rules.sizes(overall),
    ]
    for finding in routes:
        about_route = (rules.errors(finding), rules.unfinished(finding), *rules.latencies(finding))
        statements += (each for each in about_route if rules.counts(each, finding))
        statements += (each for each in rules.sizes(finding) if each.result is Result.FAIL)
    results = {each.result for each in statements}
    result = next(each for each in (Result.FAIL, Result.INCONCLUSIVE, Result.PASS) if each in results)
    worst = sorted(routes, key=lambda each: (_severity(each, statements), each.errors.p_value))
    return Verdict(result, tuple(statements), overall, tuple(worst), gaps)


def _severity(finding: Finding, statements: list[Statement]) -> int:
    results = {each.result for each in statements if each.route == finding.route}
    return 0 if Result.FAIL in results else 1 if results else 2


class _Rules:
    """The rules of one run."""

    def __init__(self, run: Run, thresholds: Thresholds) -> None:
        self.run = run
        self.thresholds = thresholds
        self.live = run.sides["live"].name
        self.shadow = run.sides["shadow"].name

    def logs(self) -> Iterator[Statement]:
        """Unreadable lines: only worth a statement when there are too many."""
        share = self.run.bad_lines / max(self.run.lines, 1)
        if share > self.thresholds.max_bad_lines / 100:
            yield Statement(
                "logs",
                EVERYTHING,
                Result.INCONCLUSIVE,
                f"{words.percent(share)} of the lines cannot be read ({words.count(self.run.bad_lines)}), at "
                f"most {self.thresholds.max_bad_lines:g} % may: see what is wrong with them below",
            )

    def coverage(self, gaps: tuple[tuple[int, int], ...]) -> Statement:
        """Are there as many answered copies as the percentage says? A gap is named even when there are."""
        sums = self.run.shadow.by_route[EVERYTHING]
        share = statistics.wilson(sums.paired, sums.eligible)
        configured = min(self.run.mirror_percent, 100) / 100
        least = configured * self.thresholds.min_coverage / 100
        found = (
            f"{self.shadow} answered {words.percent(share.value)} of the requests that could be copied "
            f"({words.count(sums.paired)} of {words.count(sums.eligible)}, {words.percents(share)}); "
            f"{self.run.mirror_percent:g} % of them should be copied"
        )
        if not sums.eligible:
            return self._statement(
                "coverage", Result.INCONCLUSIVE, "no request could be copied: nothing to compare"
            )
        if share.high < least:
            why = f"; nothing or too little between {_times(self.run, gaps)}" if gaps else ""
            text = f"{found}{why}: it did not answer, or its lines are not in the logs"
            return self._statement("coverage", Result.FAIL, text)
        if share.low > configured * (2 - self.thresholds.min_coverage / 100):
            text = f"{found}: check that mirrorPercent belongs to these logs"
            return self._statement("coverage", Result.INCONCLUSIVE, text)
        note = f"; too little between {_times(self.run, gaps)}" if gaps else ""
        return self._statement("coverage", Result.PASS, found + note)

    def errors(self, finding: Finding) -> Statement:
        found = finding.errors
        answers = _new_answers(finding)
        text = (
            f"{words.percent(found.rate.value)} more requests fail in {self.shadow} than in {self.live} "
            f"({words.percents(found.rate)}): {words.count(found.worse)} got worse and "
            f"{words.count(found.better)} better of {words.count(found.total, 'pair')}{answers}"
        )
        return self._excess("errors", finding, found, text)

    def unfinished(self, finding: Finding) -> Statement:
        found = finding.unfinished
        text = (
            f"{words.percent(found.rate.value)} more requests end without a whole answer (code 0 or cut off) in "
            f"{self.shadow} than in {self.live} ({words.percents(found.rate)}): {words.count(found.worse)} only "
            f"there, {words.count(found.better)} only in {self.live}"
        )
        return self._excess("unfinished", finding, found, text)

    def _excess(self, about: str, finding: Finding, found: Excess, text: str) -> Statement:
        result = self._excess_result(found, finding.adjusted[about])
        statement = Statement(about, finding.route, result, text)
        if result is not Result.INCONCLUSIVE or (finding.route and not self._doubtful(about, finding)):
            return statement
        factor = _factor(lambda times: self._excess_settled(found, times))
        return self._needing(statement, found.total, factor)

    def _excess_result(self, found: Excess, p_value: float) -> Result:
        margin = self.thresholds.max_new_errors / 100
        if p_value < self.thresholds.alpha and all(rate.value > margin for rate in found.rates):
            return Result.FAIL
        return Result.PASS if any(rate.high <= margin for rate in found.rates) else Result.INCONCLUSIVE

    def _excess_settled(self, found: Excess, times: float) -> bool:
        worse, better, total = (round(each * times) for each in (found.worse, found.better, found.total))
        rates = (statistics.net_rate(worse, better, total),)
        more = Excess(worse, better, total, rates, statistics.mcnemar(worse, better))
        return self._excess_result(more, more.p_value) is not Result.INCONCLUSIVE

    def latencies(self, finding: Finding) -> Iterator[Statement]:
        for each in finding.slowness:
            yield self._latency(finding, each)
        if finding.route == EVERYTHING:
            measured = {each.share for each in finding.slowness}
            for share in findings.SHARES:
                if share not in measured:
                    yield self._too_few(finding, share)

    def _latency(self, finding: Finding, found: Slowness) -> Statement:
        quantile = found.quantiles[0]
        result = self._latency_result(found, finding.adjusted[found.name], 1)
        whose = "the app's own time" if self.run.measure == "app" else "the whole time in the proxy"
        text = (
            f"{found.name} changes by {words.change(quantile.ratio.value)} ({words.change(quantile.ratio.low)} "
            f"to {words.change(quantile.ratio.high)}): {words.time(quantile.other_us)} in {self.shadow}, "
            f"{words.time(quantile.reference_us)} in {self.live} ({whose})"
        )
        if len(found.quantiles) > 1:
            text += f"; {words.change(found.quantiles[1].ratio.value)} against the control"
        statement = Statement(found.name, finding.route, result, text)
        if result is not Result.INCONCLUSIVE or finding.route:
            return statement
        factor = _factor(
            lambda times: self._latency_result(found, found.p_value, times) is not Result.INCONCLUSIVE
        )
        return self._needing(statement, found.pairs, factor)

    def _latency_result(self, found: Slowness, p_value: float, times: float) -> Result:
        """With `times` as much data the standard error shrinks with the root of it."""
        percent = self.thresholds.max_slower_p99 if found.share >= 0.99 else self.thresholds.max_slower
        margin = 1 + percent / 100
        quantiles = [_with_more(each, times) for each in found.quantiles]
        p_value = p_value if times == 1 else max(each.p_value for each in quantiles)
        if p_value < self.thresholds.alpha and all(
            each.ratio.value > margin and each.difference_us.value > 1000 * self.thresholds.max_slower_ms
            for each in quantiles
        ):
            return Result.FAIL
        within = any(
            each.ratio.high <= margin or each.difference_us.high <= 1000 * self.thresholds.max_slower_ms
            for each in quantiles
        )
        return Result.PASS if within else Result.INCONCLUSIVE

    def _too_few(self, finding: Finding, share: float) -> Statement:
        pairs = int(self.run.shadow.histograms()[1].sum())
        needed = findings.needed_pairs(share)
        statement = Statement(
            f"p{100 * share:g}", EVERYTHING, Result.INCONCLUSIVE, f"p{100 * share:g} cannot be told"
        )
        if pairs < needed:
            text = f"{statement.text} from {words.count(pairs, 'pair')} with the same answer"
            return self._needing(replace(statement, text=text), pairs, needed / pairs if pairs else None)
        text = (
            f"{statement.text}: the pairs are in fewer than {findings.LEAST_BLOCKS} blocks of "
            f"{self.run.shadow.block_seconds} s; compare a longer time"
        )
        return replace(statement, text=text)

    def sizes(self, finding: Finding) -> Iterator[Statement]:
        """The mean size, where a threshold is set: answers may have good reasons to differ."""
        most, sums = self.thresholds.max_size_change / 100, finding.sums
        if not most or not sums.same_answer or not sums.reference_bytes:
            return
        ratio = sums.other_bytes / sums.reference_bytes
        result = Result.FAIL if abs(ratio - 1) > most else Result.PASS
        text = f"the mean size of an answer changes by {words.change(ratio)}, at most {100 * most:g} % is allowed"
        yield Statement("sizes", finding.route, result, text)

    def counts(self, statement: Statement, finding: Finding) -> bool:
        """Of a single route it counts that it fails, or that its errors raise doubts. That too few requests
        went there to be sure is no reason against the version; the page tells how much could hide."""
        return statement.result is Result.FAIL or (
            statement.result is Result.INCONCLUSIVE and self._doubtful(statement.about, finding)
        )

    def _doubtful(self, about: str, finding: Finding) -> bool:
        found = {"errors": finding.errors, "unfinished": finding.unfinished}.get(about)
        return (
            found is not None
            and finding.adjusted[about] < _DOUBT
            and found.rate.value > self.thresholds.max_new_errors / 100
        )

    def _statement(self, about: str, result: Result, text: str) -> Statement:
        return Statement(about, EVERYTHING, result, text)

    def _needing(self, statement: Statement, pairs: int, factor: float | None) -> Statement:
        """Adds how much more data it takes."""
        if factor is None:
            more = "no amount of data within reach would tell: it lies at the threshold"
            return replace(statement, text=f"{statement.text}; {more}" if pairs else statement.text)
        needed = round(pairs * factor)
        time = words.seconds(self.run.seconds * factor)
        more = (
            f"not sure yet: about {words.count(needed, 'pair')} are needed, {words.count(needed - pairs)} more, "
            f"which is {time} at this rate"
        )
        return replace(statement, text=f"{statement.text}; {more}", needed=needed)


def _with_more(quantile: Quantile, times: float) -> Quantile:
    return replace(quantile, standard_error=quantile.standard_error / times**0.5)


def _factor(settled: Callable[[float], bool]) -> float | None:
    """How many times as much data settles it, if what was measured so far is the truth."""
    times = 1.1
    while times < _MOST_FACTOR:
        if settled(times):
            return times
        times *= 1.1
    return None


def _new_answers(finding: Finding) -> str:
    """The commonest changes for the worse: "; 200 -> 500 (34)"."""
    changes = sorted(
        (
            (number, before, after)
            for (before, after), number in finding.sums.answers.items()
            if kind(after) in (Kind.CLIENT_ERROR, Kind.SERVER_ERROR) and kind(before) is Kind.OK
        ),
        reverse=True,
    )
    if not changes:
        return ""
    return "; " + ", ".join(
        f"{before} -> {after} ({words.count(number)})" for number, before, after in changes[:3]
    )


def _gaps(run: Run) -> Iterator[tuple[int, int]]:
    """Stretches of blocks in which far fewer copies were answered than should have been: first and last block."""
    expected = min(run.mirror_percent, 100) / 100
    start: int | None = None
    for block, sums in enumerate(run.shadow.by_block):
        copies = sums.eligible * expected
        is_gap = copies >= _GAP_PAIRS and sums.paired < copies / 2
        if is_gap and start is None:
            start = block
        if not is_gap and start is not None and copies >= _GAP_PAIRS:
            yield start, block - 1
            start = None
    if start is not None:
        yield start, run.shadow.blocks - 1


def _times(run: Run, gaps: tuple[tuple[int, int], ...]) -> str:
    size = run.shadow.block_seconds
    begin = run.window_us[0] / 1e6
    stretches = [
        f"{words.moment(begin + first * size)} and {words.moment(begin + (last + 1) * size)}"
        for first, last in gaps
    ]
    more = f" and {len(stretches) - 3} more times" if len(stretches) > 3 else ""
    return ", ".join(stretches[:3]) + more + " UTC"


def interval_text(interval: Interval) -> str:
    """For tables: the value and its bounds."""
    return f"{words.percent(interval.value)} ({words.percents(interval)})"
