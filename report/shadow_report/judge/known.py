"""Rules about what is known at all: the logs, the window, the control, coverage, and what was left out. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from shadow_report import words
from shadow_report.compare.answers import Kind, kind
from shadow_report.compare.run import Run
from shadow_report.compare.tallies import EVERYTHING, Sums
from shadow_report.judge import findings, statistics
from shadow_report.judge.findings import Finding
from shadow_report.judge.rules import DOUBT, FEW, Rules, moments, more_needed
from shadow_report.judge.statements import Result, Statement
from shadow_report.judge.statistics import Interval

_GAP_PAIRS = 10  # fewer copies expected in a block of time do not show whether the shadow was down


class Known(Rules):
    """What must be known before anything can be judged."""

    def logs(self) -> Iterator[Statement]:
        """What the logs do not tell: only worth a statement when it is too much."""
        share = self.run.bad_lines / max(self.run.lines, 1)
        if share > self.thresholds.max_bad_lines / 100:
            yield self.doubt(
                "logs",
                f"{words.percent(share)} of the lines cannot be read ({words.count(self.run.bad_lines)}), at "
                f"most {self.thresholds.max_bad_lines:g} % may: see what is wrong with them below",
            )
        if self.run.grpc_unknown:
            yield self.doubt(
                "gRPC",
                f"{words.count(self.run.grpc_unknown, 'call')} by gRPC have no gRPC status in the logs, so that "
                "one that failed looks like 200: log grpc_status (%GRPC_STATUS_NUMBER%)",
            )

    def window(self) -> Iterator[Statement]:
        """Is it long enough, and did both logs begin together?"""
        least = 60 * self.thresholds.min_minutes
        if self.run.seconds < least:
            yield self.doubt(
                "duration",
                f"{words.seconds(self.run.seconds)} were compared, and what is rare or drifts does not show in "
                f"less than {words.seconds(least)} (--min-minutes): compare a longer time",
            )
        if self.run.late_us:
            begin = words.moment(self.run.window_us[0] / 1e6, day=True)
            yield self.doubt(
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
            yield self.doubt(
                "control",
                f"{name} answered {words.percent(share.value)} of the requests that could be copied: too little "
                "to compare with; see whether it is mirrored to and its log is there, or leave --control out",
            )
            return
        noise = findings.excess(self.run, EVERYTHING, lambda each: each.worse, lambda each: each.better).noise
        if noise and noise.beyond(self.thresholds.max_new_errors / 100) < self.thresholds.alpha:
            yield self.doubt(
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
        least = findings.least_coverage(self.run, self.thresholds)
        too_few = statistics.too_few(sums.paired, sums.eligible, least) < self.thresholds.alpha
        return sums.compared > 0 and not too_few

    def coverage(self, finding: Finding, gaps: tuple[tuple[int, int], ...]) -> Statement:
        """Are there as many answered copies as the percentage says? A gap is named even when there are."""
        sums = finding.sums
        share = statistics.wilson(sums.paired, sums.eligible)
        least = findings.least_coverage(self.run, self.thresholds)
        most = min(self.run.mirror_percent / 100 * (2 - self.thresholds.min_coverage / 100), 1)
        if not sums.eligible:
            return self.doubt("coverage", "no request could be copied: nothing to compare")
        found = self._coverage_text(sums, share)
        if finding.adjusted.get("coverage", 1.0) < self.thresholds.alpha:
            why = f"; nothing or too little between {moments(self.run, gaps)}" if gaps else ""
            causes = (
                "it did not answer, the calling proxies dropped copies (mirrorLimits), or lines are missing"
            )
            return Statement("coverage", EVERYTHING, Result.FAIL, f"{found}{why}: {causes}")
        not_copied = sums.eligible - sums.paired
        if statistics.too_few(not_copied, sums.eligible, 1 - most) < self.thresholds.alpha:
            return self.doubt("coverage", f"{found}: check that mirrorPercent belongs to these logs")
        text = found + (f"; too little between {moments(self.run, gaps)}" if gaps else "")
        if share.low >= least:
            return Statement("coverage", EVERYTHING, Result.PASS, text)
        factor = more_needed(lambda times: self._coverage_settled(finding, times, least))
        return self.needing(self.doubt("coverage", text), sums.paired, factor)

    def _coverage_settled(self, finding: Finding, times: float, least: float) -> bool:
        paired, eligible = (round(times * each) for each in (finding.sums.paired, finding.sums.eligible))
        p_value = finding.tests * statistics.too_few(paired, eligible, least)
        return p_value < self.thresholds.alpha or statistics.wilson(paired, eligible).low >= least

    def _coverage_text(self, sums: Sums, share: Interval) -> str:
        return (
            f"{self.shadow} answered {words.percent(share.value)} of the requests that could be copied "
            f"({words.count(sums.paired)} of {words.count(sums.eligible)}, {words.percents(share)}); "
            f"{self.run.mirror_percent:g} % of them should be copied"
        )

    def route_coverage(self, finding: Finding) -> Iterator[Statement]:
        sums = finding.sums
        p_value = finding.adjusted.get("coverage", 1.0)
        share = statistics.wilson(sums.paired, sums.eligible)
        none = sums.eligible >= FEW and not sums.paired and self.run.mirror_percent >= 100
        if p_value >= DOUBT and not none:
            return
        result = Result.FAIL if p_value < self.thresholds.alpha else Result.INCONCLUSIVE
        yield Statement("coverage", finding.route, result, self._coverage_text(sums, share))

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


def outages(run: Run, alpha: float) -> Iterator[tuple[int, int]]:
    """Stretches of blocks in which far fewer copies were answered than should have been, and than chance explains
    that often in all of them: first and last block."""
    expected = min(run.mirror_percent, 100) / 100
    start: int | None = None
    for block, sums in enumerate(run.shadow.by_block):
        copies = sums.eligible * expected
        p_value = run.shadow.blocks * statistics.too_few(sums.paired, sums.eligible, expected)
        is_gap = copies >= _GAP_PAIRS and sums.paired < copies / 2 and p_value < alpha
        if is_gap and start is None:
            start = block
        if not is_gap and start is not None and copies >= _GAP_PAIRS:
            yield start, block - 1
            start = None
    if start is not None:
        yield start, run.shadow.blocks - 1
