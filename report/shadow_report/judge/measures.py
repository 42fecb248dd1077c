"""Rules about what is measured: latencies, and sizes of answers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from shadow_report import words
from shadow_report.compare.tallies import EVERYTHING
from shadow_report.judge import findings, statistics
from shadow_report.judge.findings import Finding, Slowness
from shadow_report.judge.rules import BEYOND, Rules, more_needed
from shadow_report.judge.statements import Result, Statement


class Measures(Rules):
    """How long it took, and how much came."""

    def latencies(self, finding: Finding) -> Iterator[Statement]:
        for each in finding.slowness:
            yield self.latency(finding, each)
        if finding.route == EVERYTHING:
            measured = {each.share for each in finding.slowness}
            for share in findings.SHARES:
                if share not in measured:
                    yield self._too_few(share)

    def latency(self, finding: Finding, found: Slowness) -> Statement:
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
        factor = more_needed(lambda times: self._latency_settled(found.times(times), finding.tests))
        return self.needing(statement, found.pairs, factor)

    def _latency_result(self, found: Slowness, p_value: float) -> Result:
        if p_value < self.thresholds.alpha:
            return Result.FAIL
        return Result.PASS if found.within(self.thresholds) < BEYOND else Result.INCONCLUSIVE

    def _latency_settled(self, found: Slowness, tests: int) -> bool:
        return self._latency_result(found, tests * found.p_value(self.thresholds)) is not Result.INCONCLUSIVE

    def _too_few(self, share: float) -> Statement:
        pairs = int(self.run.shadow.histograms()[1].sum())
        needed = findings.needed_pairs(share)
        statement = self.doubt(f"p{100 * share:g}", f"p{100 * share:g} cannot be told")
        if pairs < needed:
            text = f"{statement.text} from {words.count(pairs, 'pair')} with the same answer"
            return self.needing(replace(statement, text=text), pairs, needed / pairs if pairs else None)
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
