"""What a file says besides the command line: thresholds of single routes, and limits of the shadow by itself,
whatever the live version does, such as a service level objective."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from shadow_report import words
from shadow_report.compare.answers import Kind, kind
from shadow_report.compare.run import Run
from shadow_report.compare.tallies import BUCKET, EVERYTHING, Sums
from shadow_report.errors import ReportError
from shadow_report.judge.statements import Result, Statement, Verdict, result_of
from shadow_report.judge.statistics import NetRate
from shadow_report.judge.thresholds import Thresholds, settings

ALL = "all"  # the section about all requests
# Milliseconds that at most this share of the answers may take longer than.
_LATENCIES = {"max-p50-ms": 0.5, "max-p95-ms": 0.95, "max-p99-ms": 0.99}
_ERRORS = "max-server-errors"  # percent
LIMITS = (*_LATENCIES, _ERRORS)
# Those that are of the whole run.
_NOT_OF_ROUTES = ("alpha", "min_minutes", "max_bad_lines", "max_slower_p99")


@dataclass(frozen=True)
class Rules:
    """`limits`: by route, and by their names in LIMITS; EVERYTHING stands for all requests."""

    thresholds: Thresholds
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def read(path: Path, thresholds: Thresholds) -> Rules:
    """The rules of a file in TOML: a section a route, and `all`. `thresholds` are those of the command line,
    which hold where the file says nothing. Raises ReportError."""
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ReportError(
            f"--thresholds {path}: {problem}: write TOML, such as [all] and max-p95-ms = 300"
        ) from None
    limits: dict[str, dict[str, float]] = {}
    own: dict[str, Thresholds] = {}
    for name, values in sections.items():
        route = EVERYTHING if name == ALL else name
        checked = _checked(path, name, values)
        limits[route] = {key: value for key, value in checked.items() if key in LIMITS}
        changed = {key.replace("-", "_"): value for key, value in checked.items() if key not in LIMITS}
        if route != EVERYTHING:
            own[route] = replace(thresholds, **changed)
    return Rules(replace(thresholds, by_route=own), limits)


def _checked(path: Path, name: str, values: Any) -> dict[str, float]:
    """Of `all` the command line has the thresholds: no two places say the same."""
    flags = () if name == ALL else (each.name for each in settings() if each.name not in _NOT_OF_ROUTES)
    allowed = (*LIMITS, *(flag.replace("_", "-") for flag in flags))
    if not isinstance(values, dict):
        raise ReportError(
            f'--thresholds {path}: {name!r} stands outside of a section: write [all] or ["GET /"] first'
        )
    for key, value in values.items():
        if key not in allowed:
            raise ReportError(
                f"--thresholds {path}: {name}: {key!r} is unknown; allowed: {', '.join(allowed)}"
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise ReportError(
                f"--thresholds {path}: {name}: {key} is {value!r}: a number from 0 on is allowed"
            )
    return values


def hold(verdict: Verdict, run: Run, rules: Rules) -> Verdict:
    """The verdict with a statement for each limit, and for each route of the file that nobody asked for."""
    statements = (*verdict.statements, *_statements(run, rules))
    return replace(verdict, statements=statements, result=result_of(statements))


def _statements(run: Run, rules: Rules) -> Iterator[Statement]:
    for route in dict.fromkeys((*rules.limits, *rules.thresholds.by_route)):
        if route not in run.shadow.by_route:
            text = "the file of thresholds names it, and no request of it was compared: see how it is called"
            yield Statement("thresholds", route, Result.INCONCLUSIVE, text)
            continue
        for name, limit in rules.limits.get(route, {}).items():
            yield _errors(run, route, limit) if name == _ERRORS else _latency(run, route, name, limit)


def _errors(run: Run, route: str, limit: float) -> Statement:
    blocks = run.shadow.blocks_of[route]
    answered = [_answers(each) for each in blocks]
    found = _rate([failed for failed, _ in answered], [total for _, total in answered])
    text = (
        f"{words.percent(found.rate.value)} of the answers of {run.sides['shadow'].name} are server errors "
        f"({words.percents(found.rate)}); at most {limit:g} % may be"
    )
    return Statement(_ERRORS, route, _result(found, limit / 100), text)


def _answers(sums: Sums) -> tuple[int, int]:
    """How many of the shadow's answers are server errors, and how many there are."""
    kinds = [(kind(other), number) for (_, other), number in sums.answers.items()]
    failed = sum(number for each, number in kinds if each is Kind.SERVER_ERROR)
    fine = sum(number for each, number in kinds if each in (Kind.OK, Kind.CLIENT_ERROR))
    return failed, failed + fine


def _latency(run: Run, route: str, name: str, limit: float) -> Statement:
    share = _LATENCIES[name]
    histogram = run.shadow.histograms(route)[1]
    # Of the bucket in which the limit lies nothing is known: it counts as within.
    first = math.ceil(math.log(max(1000 * limit, 1)) / BUCKET)
    found = _rate(histogram[:, first:].sum(axis=1), histogram.sum(axis=1))
    text = (
        f"{words.percent(found.rate.value)} of the answers of {run.sides['shadow'].name} take longer than "
        f"{limit:g} ms ({words.percents(found.rate)}); at most {100 * (1 - share):g} % may"
    )
    return Statement(name, route, _result(found, 1 - share), text)


def _rate(number: Any, total: Any) -> NetRate:
    counted, everything = (np.asarray(each, dtype=np.float64) for each in (number, total))
    return NetRate.of_blocks(counted, np.zeros_like(counted), everything)


def _result(found: NetRate, most: float) -> Result:
    """FAIL if the interval lies beyond the limit, PASS if within."""
    if not found.total:
        return Result.INCONCLUSIVE
    return (
        Result.FAIL
        if found.rate.low > most
        else Result.PASS
        if found.rate.high <= most
        else Result.INCONCLUSIVE
    )
