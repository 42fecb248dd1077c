"""The section of what answers hold: how the shadow's differ, and in which fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from shadow_report import words
from shadow_report.compare.contents import LEFT, STATES, spelt
from shadow_report.compare.run import Run
from shadow_report.compare.tallies import EVERYTHING
from shadow_report.judge.differences import Difference
from shadow_report.judge.findings import Finding
from shadow_report.judge.statements import Result, Verdict
from shadow_report.output.page.parts import linked, table, text


def parts(run: Run, verdict: Verdict, trace_link: str) -> list[dict[str, Any]]:
    found = run.contents
    if found is None:
        return [text("The logs hold no digests of answers, so that nothing is known of what these hold.")]
    said = (
        "the same to the byte",
        "the same JSON, spelt otherwise",
        "the same JSON, with arrays in another order",
        "other JSON",
        "other bodies, that are not JSON",
    )
    total = found.compared(EVERYTHING)
    states = [
        [what, words.count(number), words.percent(number / total) if total else ""]
        for what, number in zip(said, (found.count(EVERYTHING, each) for each in STATES), strict=True)
        if number
    ]
    left = [[LEFT[why], words.count(number)] for why, number in found.left().items()]
    left.append(["a digest in one version's log only", words.count(found.one_sided)])
    rows = [
        _field(run, verdict, finding, each, trace_link)
        for finding in verdict.routes
        for each in finding.fields
    ]
    heads = (
        "route",
        "field",
        "result",
        "how it differs",
        "answers",
        "share",
        "the other way round",
        "request ids",
    )
    return [
        table("Fields in which answers differ, worst first", heads, sorted(rows, key=_worst), (4, 5, 6)),
        text(_how_counted(run)),
        table("Answers to the same requests", ("they are", "answers", "share"), states, (1, 2)),
        table("Answers that cannot be compared", ("why", "answers"), left, (1,)),
    ]


def _field(run: Run, verdict: Verdict, finding: Finding, found: Difference, trace_link: str) -> list[object]:
    results = [each.result.value for each in verdict.of_route(finding.route) if each.about == found.about]
    net = found.changed.net
    ids = run.contents.examples.get((finding.route, found.field), ()) if run.contents else ()
    return [
        finding.route,
        spelt(found.field),
        results[0] if results else "values not compared" if found.blind else "",
        ", ".join(f"{way} ({words.count(times)})" for way, times in found.ways),
        words.count(found.differing),
        words.percent(found.differing / net.total) if net.total else "",
        words.count(net.better),
        Markup(", ").join(linked(each, trace_link) for each in ids),
    ]


def _worst(row: Sequence[object]) -> tuple[int, str, str]:
    order = [Result.FAIL.value, Result.INCONCLUSIVE.value, Result.PASS.value, "", "values not compared"]
    return order.index(str(row[2])), str(row[0]), str(row[1])


def _how_counted(run: Run) -> str:
    control = run.sides.get("control")
    if control is not None and run.contents and run.contents.has_control:
        return (
            f"Counted is what differs from {run.sides['live'].name} in {run.sides['shadow'].name} and not in "
            f"{control.name}, against what differs in {control.name} only. Values that even {control.name} "
            "changes nearly always are not compared, only whether they are there and of which type: a change of "
            "them would not be seen."
        )
    return (
        "Without a control nobody knows what differs by chance: another value is no failure, and no pass. Values "
        "that look like ids or times are not compared, only whether they are there and of which type."
    )
