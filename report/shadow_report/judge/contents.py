"""Rules about what answers hold, where the logs tell it by digests. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from shadow_report import words
from shadow_report.compare import contents as compared
from shadow_report.compare.contents import BODY, BYTES, FIELDS, LEFT, ORDER, SAME, Contents
from shadow_report.compare.tallies import EVERYTHING
from shadow_report.judge import statistics
from shadow_report.judge.differences import ABOUT, Difference
from shadow_report.judge.findings import Finding
from shadow_report.judge.rules import BEYOND, DOUBT, FEW, Rules, more_needed
from shadow_report.judge.statements import Result, Statement
from shadow_report.judge.statistics import NetRate

_TOLD = 3  # fields that a statement names
_WHY = "some of it may be chance: a control (--control) tells chance from change"


class Held(Rules):
    """What the shadow's answers hold otherwise."""

    def contents(self, finding: Finding, routes: list[Finding]) -> Iterator[Statement]:
        """Of all answers; `routes` are all of them, for the fields that differ."""
        found = self.run.contents
        if found is None or finding.contents is None:
            return
        yield from self._one_sided(found)
        yield from self._left_out(found)
        if not found.compared(EVERYTHING):
            yield self.doubt(ABOUT, "no answer could be compared with the live version's")
            return
        text = f"{self._text(finding.contents)}; {_same(found)}{_fields(routes)}{_blind(found)}"
        yield self._judged(finding, finding.contents, text)
        if finding.order:
            yield self._judged(finding, finding.order, self._of_order(finding.order))

    def route_contents(self, finding: Finding) -> Iterator[Statement]:
        """The fields of one route that differ beyond chance, or that may."""
        told = list(self._of_fields(finding))
        yield from told
        whole = finding.contents
        if whole and not told and self._stands_out(finding, whole):
            yield self._judged(finding, whole, self._text(whole))
        if finding.order and self._stands_out(finding, finding.order):
            yield self._judged(finding, finding.order, self._of_order(finding.order))

    def _of_fields(self, finding: Finding) -> Iterator[Statement]:
        for each in finding.fields:
            if self._stands_out(finding, each):
                ways = ", ".join(f"{way} ({words.count(number)})" for way, number in each.ways[:_TOLD])
                yield self._judged(finding, each, f"{compared.spelt(each.field)}: {ways}; {self._text(each)}")

    def _text(self, found: Difference) -> str:
        net, doubted = found.changed.net, found.doubted
        many = f"of {words.count(net.total)} answers of {self.shadow}"
        rate = f"{words.percent(net.rate.value)}, {words.percents(net.rate)}"
        if doubted is None:
            control = self.run.sides["control"].name
            what = "differ there" if found.field else "hold something else"
            return (
                f"{words.count(net.worse)} {many} {what} than those of {self.live}, and of {control} do not; "
                f"{words.count(net.better)} the other way round (net {rate})"
            )
        what = "it" if found.field else "fields"
        return (
            f"{words.count(net.worse)} {many} lack {what} or have another type there, "
            f"{words.count(net.better)} the other way round (net {rate}); {words.count(doubted.worse)} have "
            f"another value ({words.percents(doubted.rate)})"
        )

    def _of_order(self, found: Difference) -> str:
        net = found.changed.net
        return (
            f"{words.count(net.worse)} of {words.count(net.total)} answers of {self.shadow} hold the same as "
            f"those of {self.live}, with arrays in another order; {words.count(net.better)} the other way round "
            f"(net {words.percent(net.rate.value)}, {words.percents(net.rate)})"
        )

    def _judged(self, finding: Finding, found: Difference, text: str) -> Statement:
        margin = found.margin(self.thresholds)
        p_value = finding.adjusted.get(found.about, 1.0)
        result = self._result(found, p_value, margin)
        statement = Statement(found.about, finding.route, result, text)
        if result is not Result.INCONCLUSIVE:
            return statement
        if found.doubted and found.doubted.rate.value > margin:
            return Statement(found.about, finding.route, result, f"{text}; {_WHY}")
        if finding.route:
            return statement
        factor = more_needed(lambda times: self._settled(found, times, finding.tests, margin))
        return self.needing(statement, round(found.changed.net.total), factor)

    def _result(self, found: Difference, p_value: float, margin: float) -> Result:
        if p_value < self.thresholds.alpha:
            return Result.FAIL
        within = [found.changed.net.within(margin), _within(found.doubted, margin)]
        return Result.PASS if max(within) < BEYOND else Result.INCONCLUSIVE

    def _settled(self, found: Difference, times: float, tests: int, margin: float) -> bool:
        changed = found.changed.times(times)
        doubted = found.doubted.times(times) if found.doubted else None
        more = Difference(found.field, changed, doubted)
        return self._result(more, tests * changed.p_value(margin), margin) is not Result.INCONCLUSIVE

    def _stands_out(self, finding: Finding, found: Difference) -> bool:
        """Beyond chance, nearly, or most of what a route got; or other values, which nobody knows the reason
        of."""
        margin, adjusted = found.margin(self.thresholds), finding.adjusted.get(found.about, 1.0)
        net = found.changed.net
        if adjusted < DOUBT or (found.other_values >= FEW and found.other_values > margin * net.total):
            return True
        more = net.worse - net.better
        return more > margin * net.total and more >= FEW and more > net.total / 2

    def _one_sided(self, found: Contents) -> Iterator[Statement]:
        both = found.compared(EVERYTHING) + sum(found.left().values())
        share = found.one_sided / max(found.one_sided + both, 1)
        if share > self.thresholds.max_left_out / 100:
            yield self.doubt(
                ABOUT,
                f"{words.percent(share)} of the answers that could be compared have a digest in one version's "
                f"log only ({words.count(found.one_sided)}): both need answerDigests with the same settings, a "
                "proxy that compiles Lua, and the log's two labels",
            )

    def _left_out(self, found: Contents) -> Iterator[Statement]:
        left = sum(found.left().values())
        total = left + found.compared(EVERYTHING)
        share = statistics.wilson(left, total)
        if total and share.low > self.thresholds.max_left_out / 100:
            why = ", ".join(f"{LEFT[why]} ({words.count(number)})" for why, number in found.left().items())
            yield self.doubt(
                ABOUT,
                f"{words.percent(share.value)} of the answers with a digest cannot be compared "
                f"({words.count(left)} of {words.count(total)}): {why}; at most {self.thresholds.max_left_out:g} "
                "% may (--max-left-out)",
            )


def _within(doubted: NetRate | None, margin: float) -> float:
    return doubted.within(margin) if doubted else 0.0


def _same(found: Contents) -> str:
    """How answers are to each other."""
    counts = [found.count(EVERYTHING, state) for state in (BYTES, SAME, ORDER, FIELDS, BODY)]
    said = (
        "the same to the byte",
        "the same JSON",
        "the same in another order",
        "other JSON",
        "other bodies",
    )
    return ", ".join(
        f"{words.count(number)} {what}" for number, what in zip(counts, said, strict=True) if number
    )


def _blind(found: Contents) -> str:
    if not found.blind:
        return ""
    number = words.count(len(found.blind), "field")
    return f"; {number} that change by themselves are not compared by their values"


def _fields(routes: list[Finding]) -> str:
    """The fields that differ most often."""
    differing = [
        (each.differing, finding.route, each)
        for finding in routes
        for each in finding.fields
        if not each.blind
    ]
    most = sorted((each for each in differing if each[0]), key=lambda each: (-each[0], each[1]))[:_TOLD]
    if not most:
        return ""
    return "; most often " + ", ".join(
        f"{compared.spelt(each.field)} of {route} ({words.count(number)})" for number, route, each in most
    )
