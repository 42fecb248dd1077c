"""What each section of the page says. Words and tables; pictures are drawn in charts and figures."""

from __future__ import annotations

from collections import Counter
from typing import Any

from shadow_report import words
from shadow_report.compare.answers import Kind, kind
from shadow_report.compare.run import Run
from shadow_report.compare.tallies import EVERYTHING, Sums
from shadow_report.judge.findings import Finding
from shadow_report.judge.statements import Result, Verdict
from shadow_report.judge.statistics import Interval
from shadow_report.judge.thresholds import Thresholds, settings
from shadow_report.output.page import charts, contents, figures
from shadow_report.output.page.parts import Section, linked, pictures, table, text


def sections(run: Run, verdict: Verdict, thresholds: Thresholds, trace_link: str) -> list[Section]:
    """All of them, in the order of the page. `trace_link`: see page.render."""
    return [
        Section("statements", "What was judged", [_statements(verdict)]),
        Section("coverage", "What was compared", [_funnel(run), _facts(run)]),
        Section("errors", f"Errors that only {run.sides['shadow'].name} has", _samples(run, trace_link)),
        Section("pods", "Pods", _pods(run)),
        Section("answers", "Answers", [_matrix(run)]),
        Section("contents", "What answers hold", contents.parts(run, verdict, trace_link)),
        Section("latency", "Latency", _latency(run, verdict)),
        Section("routes", "Routes, worst first", _routes(run, verdict)),
        Section("sizes", "Sizes", [_sizes(run)]),
        Section("timeline", "Timeline", [pictures(*figures.timeline(run)), _timeline(run)]),
        Section("left-out", "What was left out", [_left_out(run), _not_collected(run), _sources(run)]),
        Section("thresholds", "Thresholds", [_thresholds(thresholds)]),
    ]


def _statements(verdict: Verdict) -> dict[str, Any]:
    rows = [[each.about, each.route or "all", each.result.value, each.text] for each in verdict.statements]
    return table("Every statement, and its result", ("about", "route", "result", "why"), rows)


def _funnel(run: Run) -> dict[str, Any]:
    most = max((step.number for step in run.funnel), default=0) or 1
    rows = [
        [
            step.what,
            words.count(step.number),
            charts.bar(step.number / most, words.percent(step.number / most)),
        ]
        for step in run.funnel
    ]
    return table("From lines to pairs", ("step", "requests", "share of the first"), rows, (1,))


def _facts(run: Run) -> dict[str, Any]:
    window = " to ".join(words.moment(each / 1e6, day=True) for each in run.window_us)
    rows: list[list[object]] = [
        ["window", f"{window} UTC ({words.seconds(run.seconds)}), in blocks of {run.shadow.block_seconds} s"],
        ["mirrorPercent, as configured", f"{run.mirror_percent:g} %"],
        ["methods that are copied", ", ".join(run.methods)],
        ["latency", "the app's own time" if run.measure == "app" else "the proxy's whole time"],
    ]
    for name, side in run.sides.items():
        lines = f"{words.count(side.lines, 'line')} of {words.count(side.pods, 'pod')}"
        clock = f"; its clocks are {words.time(side.offset_us)} later" if name != "live" else ""
        rows.append([name, f"{side.name}: {lines}{clock}"])
    if run.templates:
        rows.append(["templates", ", ".join(run.templates)])
    return table("The run", ("what", "value"), rows)


def _samples(run: Run, trace_link: str) -> list[dict[str, Any]]:
    flags = [
        [f"{each.reference} -> {each.other}", each.flags, words.count(each.requests)] for each in run.worse
    ]
    rows = [
        [
            each.route,
            each.path,
            f"{each.reference} -> {each.other}",
            each.flags,
            linked(each.request_id, trace_link),
        ]
        for each in run.samples
    ]
    heads = ("route", "path", "answers", "flags", "request id")
    return [
        table(
            "Answers that got worse, by Envoy's flags",
            ("answers", "flags", "requests"),
            flags,
            (2,),
        ),
        table("Samples of requests that got worse", heads, rows),
    ]


def _pods(run: Run) -> list[dict[str, Any]]:
    restarts = Counter[str]()
    for restart in run.restarts or ():
        restarts[restart.pod] += restart.times
    rows = [
        [
            each.name,
            run.sides[each.side].name,
            words.count(each.requests),
            words.percent(each.server_errors / each.requests),
            words.percent(each.unfinished / each.requests),
            *("unknown" if us is None else words.time(us) for us in (each.p50_us, each.p95_us)),
            "unknown" if run.restarts is None else words.count(restarts[each.name]),
        ]
        for each in run.pods
    ]
    heads = ("pod", "version", "requests", "server errors", "unfinished", "p50", "p95", "restarts")
    return [
        table(
            "Each pod by itself, those with the most failures of a version first", heads, rows, range(2, 8)
        ),
        text(
            "One pod that is far from the others of its version points at that pod, and not at the version."
        ),
        _restarts(run),
    ]


def _restarts(run: Run) -> dict[str, Any]:
    if run.restarts is None:
        return text(
            "No collector that watches pods wrote these logs: whether containers restarted is not known."
        )
    rows = [
        [
            each.pod,
            each.version,
            each.container,
            words.moment(each.at / 1e9, day=run.days),
            each.why,
            words.count(each.times),
        ]
        for each in run.restarts
    ]
    heads = ("pod", "version", "container", "ended (UTC)", "why", "times")
    return table("Containers that ended within the window and were started again", heads, rows, (5,))


def _matrix(run: Run) -> dict[str, Any]:
    answers = run.shadow.by_route[EVERYTHING].answers
    heads = sorted({other for _, other in answers}, key=_answer_order)
    rows = [
        [live, *(words.count(answers[live, other]) if answers[live, other] else "" for other in heads)]
        for live in sorted({live for live, _ in answers}, key=_answer_order)
    ]
    return table(
        f"Rows: what {run.sides['live'].name} answered; columns: {run.sides['shadow'].name} to the same",
        ("answer", *heads),
        rows,
        range(1, len(heads) + 1),
    )


def _answer_order(answer: str) -> tuple[int, str]:
    return list(Kind).index(kind(answer)), answer


def _latency(run: Run, verdict: Verdict) -> list[dict[str, Any]]:
    reference, other = run.shadow.histograms()
    if not other.any():
        return [text("No pair has the same answer and a latency on both sides.")]
    rows = [
        [
            each.name,
            words.time(each.quantiles[0].reference_us),
            words.time(each.quantiles[0].other_us),
            words.time(each.quantiles[0].difference_us.value),
            _ratio(each.quantiles[0].change),
            _ratio(each.quantiles[1].change) if len(each.quantiles) > 1 else "",
        ]
        for each in verdict.overall.slowness
    ]
    heads = (
        "quantile",
        run.sides["live"].name,
        run.sides["shadow"].name,
        "difference",
        "change",
        "against the control",
    )
    drawn = [
        figures.distribution(run, reference, other),
        *figures.ratios(run, reference, other),
        *figures.latency_over_time(run, reference, other),
    ]
    return [pictures(*drawn), table("Quantiles, with 95 % intervals", heads, rows, (1, 2, 3))]


def _ratio(interval: Any) -> str:
    return f"{words.change(interval.value)} ({words.change(interval.low)} to {words.change(interval.high)})"


def _routes(run: Run, verdict: Verdict) -> list[dict[str, Any]]:
    rows = [_route(each, verdict) for each in verdict.routes]
    heads = (
        "route",
        "result",
        "pairs",
        "answered",
        "left out",
        "more errors",
        "changed answers",
        "p50",
        "p95",
    )
    return [
        table("Routes, with 95 % intervals", heads, rows, (2, 3, 4)),
        text(
            "A route without a result shows no difference beyond chance; its interval tells how much could hide. "
            "Its p-values are corrected for how many routes there are (Holm)."
        ),
    ]


def _route(finding: Finding, verdict: Verdict) -> list[object]:
    results = [each.result for each in verdict.of_route(finding.route)]
    worst = next((each.value for each in (Result.FAIL, Result.INCONCLUSIVE) if each in results), "")
    by_name = {each.name: _ratio(each.quantiles[0].change) for each in finding.slowness}
    sums = finding.sums
    return [
        finding.route,
        worst,
        words.count(sums.compared),
        words.percent(sums.paired / sums.eligible) if sums.eligible else "",
        words.count(sums.untold),
        _interval(finding.errors.net.rate),
        _interval(finding.changes.net.rate),
        by_name.get("p50", "too few"),
        by_name.get("p95", "too few"),
    ]


def _sizes(run: Run) -> dict[str, Any]:
    rows = [_size(route or "all", run.shadow.by_route[route]) for route in (EVERYTHING, *run.shadow.routes)]
    heads = ("route", "same answer", "same size", "mean size live", "mean size shadow", "change")
    return table(
        "Sizes of bodies where both answered the same", heads, [row for row in rows if row], (1, 2, 3, 4, 5)
    )


def _size(route: str, sums: Sums) -> list[object]:
    if not sums.sized:
        return []
    means = [total / sums.sized for total in (sums.reference_bytes, sums.other_bytes)]
    change = words.change(means[1] / means[0]) if means[0] else ""
    sizes = [f"{mean:,.0f} B" for mean in means]
    return [
        route,
        words.count(sums.sized),
        words.percent(sums.same_size / sums.sized),
        *sizes,
        change,
    ]


def _timeline(run: Run) -> dict[str, Any]:
    begin, size = run.window_us[0] / 1e6, run.shadow.block_seconds
    rows = [
        [
            words.moment(begin + block * size, day=run.days),
            words.count(sums.eligible),
            words.count(sums.paired),
            words.count(sums.worse),
            words.count(sums.better),
        ]
        for block, sums in enumerate(run.shadow.by_block)
        if sums.worse or sums.better or sums.paired < sums.eligible * min(run.mirror_percent, 100) / 200
    ]
    heads = ("begin (UTC)", "requests", "answered", "worse", "better")
    return table("Blocks with differing answers, or with few of them", heads, rows, (1, 2, 3, 4))


def _left_out(run: Run) -> dict[str, Any]:
    rows = [[each.what, words.count(each.number)] for each in run.left_out]
    rows.append(["lines that could not be read", words.count(run.bad_lines)])
    return table("Left out of the comparison, or to be known", ("what", "number"), rows, (1,))


def _not_collected(run: Run) -> dict[str, Any]:
    if run.not_collected is None:
        return text("No summary of a collector lies beside the logs: whether lines are missing is not known.")
    rows = [
        [
            each.pod,
            each.version,
            words.moment(each.begin / 1e9, day=run.days) if each.begin else "the beginning",
            words.moment(each.end / 1e9, day=run.days),
            words.count(each.about) if each.about is not None else "unknown",
            each.why,
        ]
        for each in run.not_collected
    ]
    heads = ("pod", "version", "from (UTC)", "to", "lines, about", "why")
    return table("Logs of this time that the collector could not have", heads, rows, (4,))


def _sources(run: Run) -> dict[str, Any]:
    rows = [
        [each.name, each.format, words.count(each.lines), words.count(each.bad), "; ".join(each.problems)]
        for each in run.sources
    ]
    return table(
        "Files", ("file", "format", "lines", "bad lines", "what is wrong with the first"), rows, (2, 3)
    )


def _thresholds(thresholds: Thresholds) -> dict[str, Any]:
    rows = [
        [f"--{each.name.replace('_', '-')}", f"{getattr(thresholds, each.name):g}", each.metadata["meaning"]]
        for each in settings()
    ]
    return table(
        "What counts as worse, and how sure the report has to be", ("flag", "value", "meaning"), rows, (1,)
    )


def _interval(interval: Interval) -> str:
    """The value and its bounds."""
    return f"{words.percent(interval.value)} ({words.percents(interval)})"
