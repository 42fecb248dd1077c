"""`python -m benchmarks.report.contents`: how often the report errs about what answers hold, and what it finds,
next to the rule of Diffy: a field fails if the shadow differs in it more often than the control, by more than
20 % of both together and by more than 0.03 % of the requests (its defaults). Drawn runs; as a table, which
docs/answers.md has."""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict

from lab.kit.simulated_runs import Service, run
from shadow_report.compare.contents import NOTHING, Contents
from shadow_report.judge.statements import Result
from shadow_report.judge.thresholds import Thresholds
from shadow_report.judge.verdict import judge

_RELATIVE, _ABSOLUTE = 0.2, 0.0003
EQUAL = {
    "no field differs by chance, 5,000 answers": Service(5000, field_noise=0, control=True),
    "each field in 0.1 %, 500 answers": Service(500, field_noise=0.001, control=True),
    "in 0.5 %, 2,000 answers": Service(2000, field_noise=0.005, control=True),
    "in 5 %, 5,000 answers": Service(5000, field_noise=0.05, control=True),
    "in 30 %, 10,000 answers": Service(10_000, field_noise=0.3, control=True),
    "in 0.5 %, 2,000 answers, no control": Service(2000, field_noise=0.005),
}
DIFFERENT = {
    "1 % of the answers of a fifth, 5,000 answers": Service(
        5000, field_noise=0, field_changed=0.01, control=True
    ),
    "5 % of them": Service(5000, field_noise=0, field_changed=0.05, control=True),
    "5 % of them, each field differs by chance in 0.5 %": Service(
        5000, field_noise=0.005, field_changed=0.05, control=True
    ),
    "10 % of them, 10,000 answers, in 30 %": Service(
        10_000, field_noise=0.3, field_changed=0.1, control=True
    ),
    "30 % of them, 10,000 answers, in 30 %": Service(
        10_000, field_noise=0.3, field_changed=0.3, control=True
    ),
}


def diffy(contents: Contents) -> bool:
    """Does its rule find a field that differs?"""
    raw: Counter[tuple[str, str]] = Counter()
    noise: Counter[tuple[str, str]] = Counter()
    totals: dict[str, int] = defaultdict(int)
    for row in contents.rows:
        totals[row.route] += row.requests
    for each in contents.fields:
        raw[each.route, each.field] += each.requests * (each.shadow_changes != NOTHING)
        noise[each.route, each.field] += each.requests * (each.control_changes != NOTHING)
    return any(
        number - noise[key] > _RELATIVE * (number + noise[key])
        and number - noise[key] > _ABSOLUTE * totals[key[0]]
        for key, number in raw.items()
    )


def ours(service: Service, seed: int) -> tuple[Result, bool]:
    """The worst that is said of contents, and what Diffy's rule says of the same run."""
    made = run(service, seed)
    assert made.contents is not None
    found = {
        each.result
        for each in judge(made, Thresholds()).statements
        if each.about.startswith(("contents", "field"))
    }
    worst = next(each for each in (Result.FAIL, Result.INCONCLUSIVE, Result.PASS) if each in found)
    return worst, diffy(made.contents)


def row(name: str, service: Service, runs: int) -> str:
    found = [ours(service, seed) for seed in range(runs)]
    results = Counter(result for result, _ in found)
    shares = [
        f"{100 * results[each] / runs:.3g} %" for each in (Result.FAIL, Result.INCONCLUSIVE, Result.PASS)
    ]
    by_diffy = f"{100 * sum(fails for _, fails in found) / runs:.3g} %" if service.control else "needs one"
    return f"| {name} | {runs:,} | {' | '.join(shares)} | {by_diffy} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report.contents")
    parser.add_argument("--runs", type=int, default=100, help="of each kind (default: 100)")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs is a number from 1 on")
    for title, services in (
        ("two equal versions, 20 fields, 5 routes", EQUAL),
        ("the shadow changes a field in", DIFFERENT),
    ):
        heads = (title, "runs", "FAIL", "INCONCLUSIVE", "PASS", "Diffy's rule fails")
        print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
        for name, service in services.items():
            print(row(name, service, options.runs), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
