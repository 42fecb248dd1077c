"""`python -m benchmarks.report.rates`: how often the shadow report errs, and what it finds, on drawn runs; as a
table. The table of docs/report.md is its output."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from lab.kit.simulated_runs import Service, run
from shadow_report.judge.statements import Result
from shadow_report.judge.thresholds import Thresholds
from shadow_report.judge.verdict import judge

EQUAL = {
    "nothing fails": Service(20_000),
    "0.05 % fail by chance": Service(20_000, noise=0.0005),
    "1 % fail by chance": Service(20_000, noise=0.01),
    "3,000 pairs, 0.2 % fail by chance": Service(3000, noise=0.002),
    "2 bad minutes on average": Service(20_000, bursts=2),
    "5 bad stretches of 20 s": Service(20_000, bursts=5, burst_seconds=20),
    "1 bad stretch of 3 min": Service(20_000, bursts=1, burst_seconds=180),
    "latencies wander by 10 %, for 1 min": Service(20_000, drift=0.1, drift_minutes=1),
    "latencies wander by 10 %, for 3 min": Service(20_000, drift=0.1, drift_minutes=3),
    "latencies wander by 10 %, for 10 min": Service(20_000, drift=0.1, drift_minutes=10),
    "whole milliseconds, median 3 ms": Service(20_000, whole_ms=True, median_us=3000),
    "ten minutes, 6,000 pairs, 0.2 % fail by chance": Service(6000, minutes=10, noise=0.002),
    "a tenth of 200,000 requests copied": Service(200_000, mirror_percent=10),
    "14 s, a tenth of 3,400 requests copied": Service(3400, minutes=14 / 60, mirror_percent=10),
}
DIFFERENT = {
    "is 30 % slower, 2,000 pairs": Service(2000, slower=1.3),
    "is 15 % slower, 6,000 pairs": Service(6000, slower=1.15),
    "is 15 % slower, 20,000 pairs": Service(20_000, slower=1.15),
    "is 9 % slower, which is allowed, 6,000 pairs": Service(6000, slower=1.09),
    "is 9 % slower, which is allowed, 20,000 pairs": Service(20_000, slower=1.09),
    "is 5 % slower, which is allowed, 20,000 pairs": Service(20_000, slower=1.05),
    "fails 1 % of a fifth of the requests, 6,000 pairs": Service(6000, failing=0.01),
    "the same, 20,000 pairs": Service(20_000, failing=0.01),
    "the same, 20,000 pairs, 1 % fail by chance": Service(20_000, failing=0.01, noise=0.01),
    "the same, 20,000 pairs, latencies wander by 10 %": Service(20_000, failing=0.01, drift=0.1),
    "fails 0.3 % of it, 20,000 pairs": Service(20_000, failing=0.003),
    "redirects 5 % of it, 20,000 pairs": Service(20_000, changed=0.05),
    "redirects 0.5 % of it, which is allowed, 20,000 pairs": Service(20_000, changed=0.005),
}


def row(name: str, service: Service, runs: int, thresholds: Thresholds) -> str:
    found = Counter(judge(run(service, seed), thresholds).result for seed in range(runs))
    shares = [f"{100 * found[each] / runs:.3g} %" for each in (Result.FAIL, Result.INCONCLUSIVE, Result.PASS)]
    return f"| {name} | {runs:,} | {' | '.join(shares)} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report.rates")
    parser.add_argument("--equal", type=int, default=500, help="runs of each kind of two equal versions")
    parser.add_argument("--different", type=int, default=100, help="runs of each kind of a different shadow")
    options = parser.parse_args()
    if min(options.equal, options.different) < 1:
        parser.error("--equal and --different are numbers from 1 on")
    for title, services, runs in (
        ("two equal versions, half an hour, 20,000 pairs", EQUAL, options.equal),
        ("the shadow, half an hour", DIFFERENT, options.different),
    ):
        print(f"\n| {title} | runs | FAIL | INCONCLUSIVE | PASS |\n|---|---|---|---|---|", flush=True)
        for name, service in services.items():
            print(row(name, service, runs, Thresholds()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
