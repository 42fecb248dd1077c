"""The rules: from what was measured to PASS, FAIL or INCONCLUSIVE, with the reasons in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from shadow_report import words
from shadow_report.compare.answers import Kind, kind
from shadow_report.compare.run import Run
from shadow_report.compare.tallies import EVERYTHING, Sums
from shadow_report.judge import findings, statistics
from shadow_report.judge.findings import Excess, Finding, Slowness
from shadow_report.judge.statistics import CONFIDENCE, Interval
from shadow_report.judge.thresholds import Thresholds

_BEYOND = (1 - CONFIDENCE) / 2
_MOST_FACTOR = 10_000  # more data than this many times as much is no advice
_DOUBT = 0.05  # a corrected p-value below this keeps a route from being waved through
_FEW = 3  # so many requests of a route, most of what it got, are no chance
_GAP_PAIRS = 10  # fewer copies expected in a block of time do not show whether the shadow was down
_TOGETHER = 3  # so many failures for one event are worth a word


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
    rules = _Rules(run, thresholds)
    doubts = [*rules.logs(), *rules.window(), *rules.control()]
    if not rules.is_control_there():
        run = replace(run, control=None)
        rules = _Rules(run, thresholds)
    overall, routes = findings.measure(
        run, thresholds, use_control=not any(each.about == "control" for each in doubts)
    )
    gaps = tuple(_gaps(run))
    statements = [
        *doubts,
        rules.coverage(gaps),
        rules.left_out(overall),
        rules.errors(overall),
        rules.changes(overall),
        rules.unfinished(overall),
        *rules.latencies(overall),
        *rules.sizes(overall),
    ]
    for finding in routes:
        statements += _Rules(run, thresholds.of(finding.route)).of_route(finding)
    worst = sorted(routes, key=lambda each: _severity(each, statements))
    return Verdict(result_of(statements), tuple(statements), overall, tuple(worst), gaps)


def result_of(statements: Iterable[Statement]) -> Result:
    """FAIL if one fails, PASS if all pass."""
    results = {each.result for each in statements}
    return next(each for each in (Result.FAIL, Result.INCONCLUSIVE, Result.PASS) if each in results)


def _severity(finding: Finding, statements: list[Statement]) -> tuple[int, float]:
    results = {each.result for each in statements if each.route == finding.route}
    rank = 0 if Result.FAIL in results else 1 if results else 2
    return rank, min(finding.p_values.values(), default=1.0)


class _Rules:
    """The rules of one run."""

    def __init__(self, run: Run, thresholds: Thresholds) -> None:
        self.run = run
        self.thresholds = thresholds
        self.live = run.sides["live"].name
        self.shadow = run.sides["shadow"].name

    def logs(self) -> Iterator[Statement]:
        """What the logs do not tell: only worth a statement when it is too much."""
        share = self.run.bad_lines / max(self.run.lines, 1)
        if share > self.thresholds.max_bad_lines / 100:
            yield self._doubt(
                "logs",
                f"{words.percent(share)} of the lines cannot be read ({words.count(self.run.bad_lines)}), at "
                f"most {self.thresholds.max_bad_lines:g} % may: see what is wrong with them below",
            )
        if self.run.grpc_unknown:
            yield self._doubt(
                "gRPC",
                f"{words.count(self.run.grpc_unknown, 'call')} by gRPC have no gRPC status in the logs, so that "
                "one that failed looks like 200: log grpc_status (%GRPC_STATUS_NUMBER%)",
            )

    def window(self) -> Iterator[Statement]:
        """Is it long enough, and did both logs begin together?"""
        least = 60 * self.thresholds.min_minutes
        if self.run.seconds < least:
            yield self._doubt(
                "duration",
                f"{words.seconds(self.run.seconds)} were compared, and what is rare or drifts does not show in "
                f"less than {words.seconds(least)} (--min-minutes): compare a longer time",
            )
        if self.run.late_us:
            begin = words.moment(self.run.window_us[0] / 1e6, day=True)
            yield self._doubt(
                "window",
                f"the log of {self.shadow} begins {words.seconds(self.run.late_us / 1e6)} after that of "
                f"{self.live}, and what was before is not compared: if copies were switched on then, say so with "
                f"--from '{begin}'",
            )

    def control(self) -> Iterator[Statement]:
        """A control that does not behave like the live version, of which it is a copy, is no yardstick."""
        if self.run.control is None:
            return
        name = self.run.sides["control"].name
        sums = self.run.control.by_route[EVERYTHING]
        if not self.is_control_there():
            share = statistics.wilson(sums.paired, sums.eligible)
            yield self._doubt(
                "control",
                f"{name} answered {words.percent(share.value)} of the requests that could be copied: too little "
                "to compare with; see whether it is mirrored to and its log is there, or leave --control out",
            )
            return
        noise = findings.excess(self.run, EVERYTHING, lambda each: each.worse, lambda each: each.better).noise
        if noise and noise.beyond(self.thresholds.max_new_errors / 100) < self.thresholds.alpha:
            yield self._doubt(
                "control",
                f"{name}, a copy of {self.live}, fails for {words.percent(noise.rate.value)} more requests than "
                f"{self.live} itself ({words.percents(noise.rate)}): find out why, as with it no error of "
                f"{self.shadow} can be told from what copies meet",
            )

    def is_control_there(self) -> bool:
        """Has it answered enough to say what copies meet?"""
        if self.run.control is None:
            return False
        sums = self.run.control.by_route[EVERYTHING]
        share = statistics.wilson(sums.paired, sums.eligible)
        return sums.compared > 0 and share.high >= findings.least_coverage(self.run, self.thresholds)

    def coverage(self, gaps: tuple[tuple[int, int], ...]) -> Statement:
        """Are there as many answered copies as the percentage says? A gap is named even when there are."""
        sums = self.run.shadow.by_route[EVERYTHING]
        share = statistics.wilson(sums.paired, sums.eligible)
        least = findings.least_coverage(self.run, self.thresholds)
        most = min(self.run.mirror_percent, 100) / 100 * (2 - self.thresholds.min_coverage / 100)
        if not sums.eligible:
            return self._doubt("coverage", "no request could be copied: nothing to compare")
        found = self._coverage_text(sums, share)
        if share.high < least:
            why = f"; nothing or too little between {_times(self.run, gaps)}" if gaps else ""
            text = f"{found}{why}: it did not answer, or its lines are not in the logs"
            return Statement("coverage", EVERYTHING, Result.FAIL, text)
        if share.low > most:
            return self._doubt("coverage", f"{found}: check that mirrorPercent belongs to these logs")
        text = found + (f"; too little between {_times(self.run, gaps)}" if gaps else "")
        if share.low >= least:
            return Statement("coverage", EVERYTHING, Result.PASS, text)
        factor = _factor(lambda times: _settled(share.value, sums.eligible * times, least))
        return self._needing(self._doubt("coverage", text), sums.paired, factor)

    def _coverage_text(self, sums: Sums, share: Interval) -> str:
        return (
            f"{self.shadow} answered {words.percent(share.value)} of the requests that could be copied "
            f"({words.count(sums.paired)} of {words.count(sums.eligible)}, {words.percents(share)}); "
            f"{self.run.mirror_percent:g} % of them should be copied"
        )

    def left_out(self, finding: Finding) -> Statement:
        """Nothing is known of the requests whose copies cannot be told."""
        sums = finding.sums
        total = sums.untold + sums.eligible
        share = statistics.wilson(sums.untold, total)
        without = sum(n for (_, other), n in sums.answers.items() if kind(other) is Kind.WITHOUT_ID)
        text = (
            f"{words.percent(share.value)} of the requests are left out ({words.count(sums.untold)} of "
            f"{words.count(total)}): {words.count(without)} without a request id, "
            f"{words.count(sums.untold - without)} whose id occurs another number of times in {self.shadow}"
        )
        if share.low > self.thresholds.max_left_out / 100:
            more = "log x-request-id of every request, and see what repeats requests with the same id"
            text += f"; at most {self.thresholds.max_left_out:g} % may (--max-left-out): {more}"
            return Statement("left out", finding.route, Result.INCONCLUSIVE, text)
        return Statement("left out", finding.route, Result.PASS, text)

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
        if result is not Result.INCONCLUSIVE or (finding.route and not self._doubtful(about, finding)):
            return statement
        factor = _factor(lambda times: self._excess_settled(found.times(times), margin / 100, finding.tests))
        return self._needing(statement, round(found.net.total), factor)

    def _excess_result(self, found: Excess, p_value: float, margin: float) -> Result:
        if p_value < self.thresholds.alpha and not found.as_of_control(self.thresholds.alpha):
            return Result.FAIL
        return Result.PASS if found.net.within(margin) < _BEYOND else Result.INCONCLUSIVE

    def _excess_settled(self, found: Excess, margin: float, tests: int) -> bool:
        return self._excess_result(found, tests * found.p_value(margin), margin) is not Result.INCONCLUSIVE

    def _together(self, found: Excess) -> str:
        """When it was, where failures came together."""
        first, last, number = found.peak
        if found.net.burst < _TOGETHER or number < _TOGETHER:
            return ""
        events = max(round(found.net.worse / found.net.burst), 1)
        when = _times(self.run, ((first, last),))
        return (
            f"; they came together, {words.count(number)} between {when}, and count as "
            f"{words.count(events, 'event')}"
        )

    def latencies(self, finding: Finding) -> Iterator[Statement]:
        for each in finding.slowness:
            yield self._latency(finding, each)
        if finding.route == EVERYTHING:
            measured = {each.share for each in finding.slowness}
            for share in findings.SHARES:
                if share not in measured:
                    yield self._too_few(share)

    def _latency(self, finding: Finding, found: Slowness) -> Statement:
        quantile = found.quantiles[0]
        result = self._latency_result(found, finding.adjusted[found.name])
        whose = "the app's own time" if self.run.measure == "app" else "the whole time in the proxy"
        if found.resolution_us > 1:
            whose += ", known in whole milliseconds"
        text = (
            f"{found.name} changes by {words.change(quantile.change.value)} ({words.change(quantile.change.low)} "
            f"to {words.change(quantile.change.high)}): {words.time(quantile.other_us)} in {self.shadow}, "
            f"{words.time(quantile.reference_us)} in {self.live} ({whose})"
        )
        if len(found.quantiles) > 1:
            text += f"; {words.change(found.quantiles[1].change.value)} against the control"
        statement = Statement(found.name, finding.route, result, text)
        if result is not Result.INCONCLUSIVE or finding.route:
            return statement
        factor = _factor(lambda times: self._latency_settled(found.times(times), finding.tests))
        return self._needing(statement, found.pairs, factor)

    def _latency_result(self, found: Slowness, p_value: float) -> Result:
        if p_value < self.thresholds.alpha:
            return Result.FAIL
        return Result.PASS if found.within(self.thresholds) < _BEYOND else Result.INCONCLUSIVE

    def _latency_settled(self, found: Slowness, tests: int) -> bool:
        return self._latency_result(found, tests * found.p_value(self.thresholds)) is not Result.INCONCLUSIVE

    def _too_few(self, share: float) -> Statement:
        pairs = int(self.run.shadow.histograms()[1].sum())
        needed = findings.needed_pairs(share)
        statement = self._doubt(f"p{100 * share:g}", f"p{100 * share:g} cannot be told")
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
        if not most or (finding.route and sums.sized < self.thresholds.min_pairs):
            return
        if not sums.sized:
            text = "no size of an answer is known: log bytes_sent, or leave --max-size-change out"
            yield Statement("sizes", finding.route, Result.INCONCLUSIVE, text)
            return
        if not sums.reference_bytes or not sums.other_bytes:
            result = Result.FAIL if sums.reference_bytes != sums.other_bytes else Result.PASS
            text = (
                f"all answers of {self.live} have {words.count(sums.reference_bytes, 'byte')} together, those of "
                f"{self.shadow} {words.count(sums.other_bytes, 'byte')}"
            )
            yield Statement("sizes", finding.route, result, text)
            return
        blocks = self.run.shadow.blocks_of[finding.route]
        sides = [
            np.array([getattr(each, name) for each in blocks], dtype=np.float64)
            for name in ("reference_bytes", "other_bytes")
        ]
        found = statistics.ratio_of_sums(*sides)
        change = found.interval
        beyond = change.low > 1 + most or change.high < 1 - most
        within = 1 - most <= change.low and change.high <= 1 + most
        result = Result.FAIL if beyond else Result.PASS if within else Result.INCONCLUSIVE
        text = (
            f"the mean size of an answer changes by {words.change(change.value)} ({words.change(change.low)} to "
            f"{words.change(change.high)}), at most {100 * most:g} % is allowed"
        )
        yield Statement("sizes", finding.route, result, text)

    def of_route(self, finding: Finding) -> Iterator[Statement]:
        """Of a single route it counts that it fails, or that there are doubts about its answers. That too few
        requests went there to be sure is no reason against the version; the page tells how much could hide."""
        for about, rule in (
            ("errors", self.errors),
            ("changes", self.changes),
            ("unfinished", self.unfinished),
        ):
            if finding.adjusted.get(about, 1.0) < self.thresholds.alpha or self._doubtful(about, finding):
                yield rule(finding)
        yield from self._route_coverage(finding)
        yield from (
            self._latency(finding, each)
            for each in finding.slowness
            if finding.adjusted[each.name] < self.thresholds.alpha
        )
        yield from (each for each in self.sizes(finding) if each.result is not Result.PASS)
        if finding.sums.untold and (left_out := self.left_out(finding)).result is not Result.PASS:
            yield left_out

    def _route_coverage(self, finding: Finding) -> Iterator[Statement]:
        sums = finding.sums
        p_value = finding.adjusted.get("coverage", 1.0)
        share = statistics.wilson(sums.paired, sums.eligible)
        none = sums.eligible >= _FEW and not sums.paired and self.run.mirror_percent >= 100
        if p_value >= _DOUBT and not none:
            return
        result = Result.FAIL if p_value < self.thresholds.alpha else Result.INCONCLUSIVE
        yield Statement("coverage", finding.route, result, self._coverage_text(sums, share))

    def _doubtful(self, about: str, finding: Finding) -> bool:
        """Nearly significant, or most of what a route got, however little that was."""
        found, margin = {
            "errors": (finding.errors, self.thresholds.max_new_errors),
            "changes": (finding.changes, self.thresholds.max_changed),
            "unfinished": (finding.unfinished, self.thresholds.max_new_errors),
        }[about]
        net = found.net.worse - found.net.better
        if net <= margin / 100 * found.net.total:
            return False
        return finding.adjusted.get(about, 1.0) < _DOUBT or (net >= _FEW and net > found.net.total / 2)

    def _doubt(self, about: str, text: str) -> Statement:
        return Statement(about, EVERYTHING, Result.INCONCLUSIVE, text)

    def _needing(self, statement: Statement, pairs: int, factor: float | None) -> Statement:
        """Adds how much more data it takes."""
        if factor is None:
            more = "no amount of data within reach would tell: it lies at the threshold"
            if self.run.control:
                more += ", or the control shows as much"
            return replace(statement, text=f"{statement.text}; {more}" if pairs else statement.text)
        needed = round(pairs * factor)
        time = words.seconds(self.run.seconds * factor)
        more = (
            f"not sure yet: about {words.count(needed, 'pair')} are needed, {words.count(needed - pairs)} more, "
            f"which is {time} at this rate"
        )
        return replace(statement, text=f"{statement.text}; {more}", needed=needed)


def _settled(share: float, total: float, least: float) -> bool:
    found = statistics.wilson(round(share * total), round(total))
    return found.low >= least or found.high < least


def _factor(settled: Callable[[float], bool]) -> float | None:
    """How many times as much data settles it, if what was measured so far is the truth."""
    times = 1.1
    while times < _MOST_FACTOR:
        if settled(times):
            return times
        times *= 1.1
    return None


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
        f"{words.moment(begin + first * size, day=run.days)} and "
        f"{words.moment(begin + (last + 1) * size, day=run.days)}"
        for first, last in gaps
    ]
    more = f" and {len(stretches) - 3} more times" if len(stretches) > 3 else ""
    return ", ".join(stretches[:3]) + more + " UTC"


def interval_text(interval: Interval) -> str:
    """For tables: the value and its bounds."""
    return f"{words.percent(interval.value)} ({words.percents(interval)})"
