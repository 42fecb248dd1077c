"""Everything that was found, as plain values for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from shadow_report.compare.contents import STATES, Contents
from shadow_report.compare.run import Run
from shadow_report.compare.tallies import EVERYTHING
from shadow_report.judge.differences import Difference
from shadow_report.judge.excess import Excess
from shadow_report.judge.findings import Finding, Slowness
from shadow_report.judge.statements import Verdict
from shadow_report.judge.statistics import Interval
from shadow_report.judge.thresholds import Thresholds

# It rises when a key goes or means something else; new keys leave it.
SCHEMA_VERSION = 1


def document(run: Run, verdict: Verdict, thresholds: Thresholds) -> dict[str, Any]:
    """Everything as plain values: verdict, statements, figures of every route, what was left out, thresholds."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "engine": run.engine,
        "verdict": verdict.result.value,
        "statements": [{**asdict(each), "result": each.result.value} for each in verdict.statements],
        "window": {"first": run.window_us[0] / 1e6, "last": run.window_us[1] / 1e6},
        "blockSeconds": run.shadow.block_seconds,
        "mirrorPercent": run.mirror_percent,
        "methods": list(run.methods),
        "latencyMeasure": run.measure,
        "callsWithoutGrpcStatus": run.grpc_unknown,
        "shadowLogBeginsLaterSeconds": run.late_us / 1e6,
        "sides": {name: asdict(side) for name, side in run.sides.items()},
        "sources": [asdict(source) for source in run.sources],
        "funnel": [asdict(each) for each in run.funnel],
        "leftOut": [asdict(each) for each in run.left_out],
        "notCollected": None if run.not_collected is None else [each.as_json() for each in run.not_collected],
        "all": _finding(verdict.overall),
        "routes": [_finding(each) for each in verdict.routes],
        "pods": [asdict(each) for each in run.pods],
        "restarts": None if run.restarts is None else [each.as_json() for each in run.restarts],
        "worseAnswers": [asdict(each) for each in run.worse],
        "newErrors": [asdict(each) for each in run.samples],
        "contents": None if run.contents is None else _contents(run.contents, verdict),
        "thresholds": asdict(thresholds),
    }


def _contents(found: Contents, verdict: Verdict) -> dict[str, Any]:
    return {
        "compared": found.compared(EVERYTHING),
        "states": {state: found.count(EVERYTHING, state) for state in STATES},
        "notComparable": found.left(),
        "digestOnOneSideOnly": found.one_sided,
        "hasControl": found.has_control,
        "differences": [
            {
                "route": finding.route,
                "field": each.field,
                **_difference(each),
                "ways": dict(each.ways),
                "valuesNotCompared": each.blind,
                "requestIds": list(found.examples.get((finding.route, each.field), ())),
            }
            for finding in verdict.routes
            for each in finding.fields
        ],
    }


def _difference(found: Difference) -> dict[str, Any]:
    values = None if found.doubted is None else round(found.doubted.worse)
    return {**_excess(found.changed), "otherValues": values}


def _finding(finding: Finding) -> dict[str, Any]:
    sums = finding.sums
    return {
        "route": finding.route or None,
        "eligible": sums.eligible,
        "paired": sums.paired,
        "compared": sums.compared,
        "answers": [
            {"live": live, "shadow": shadow, "requests": n}
            for (live, shadow), n in sorted(sums.answers.items())
        ],
        "leftOut": sums.untold,
        "errors": _excess(finding.errors),
        "changes": _excess(finding.changes),
        "unfinished": _excess(finding.unfinished),
        "latency": [_slowness(each) for each in finding.slowness],
        "contents": None if finding.contents is None else _difference(finding.contents),
        "order": None if finding.order is None else _excess(finding.order.changed),
        "sizes": {"known": sums.sized, "same": sums.same_size},
        "pValues": finding.p_values,
        "pValuesAfterHolm": finding.adjusted,
    }


def _excess(excess: Excess) -> dict[str, Any]:
    net = excess.net
    return {
        "worse": round(net.worse),
        "better": round(net.better),
        "pairs": round(net.total),
        "failuresPerEvent": net.burst,
        "rate": _interval(net.rate),
    }


def _slowness(slowness: Slowness) -> dict[str, Any]:
    quantile = slowness.quantiles[0]
    return {
        "quantile": slowness.share,
        "liveMicroseconds": quantile.reference_us,
        "shadowMicroseconds": quantile.other_us,
        "ratio": _interval(quantile.change),
        "differenceMicroseconds": _interval(quantile.difference_us),
        "resolutionMicroseconds": slowness.resolution_us,
    }


def _interval(interval: Interval) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in asdict(interval).items()}
