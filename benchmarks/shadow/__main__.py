"""`make bench-shadow`: what a shadow that hangs costs live requests and the gateway, against no shadow at all."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab import Lab, LabError
from lab.kit import templates
from lab.kit.changes import image
from lab.kit.ingress_proxy import IngressProxy
from lab.kit.load import load, through_gateway
from lab.kit.scratch import ScratchStack
from mirrored_service import MirroredServiceArgs

RATE = 300
CALM_SECONDS = 5  # after a change, whose own work is not what is measured
# What each shadow does to its copies, by the port of the test server that does it. Two runs without a shadow,
# first and last: what changes between them is the machine.
SHADOWS: dict[str, int | None] = {
    "no shadow": None,
    "never answers": 82,
    "answers in 30 s": 83,
    "no shadow again": None,
}
BASES = [shadow for shadow, port in SHADOWS.items() if port is None]
SERVICE: MirroredServiceArgs = {"name": "nginx", "namespace": "unused", "subsets": {}}


@dataclass(frozen=True)
class Run:
    """Live requests next to one shadow."""

    shadow: str
    sent: int
    lost: int
    median_ms: float
    p99_ms: float
    waiting_copies: int  # at the end, in the gateway
    grown_mib: float  # how much more memory the gateway used at the end
    peak_mib: float  # the gateway's largest resident set meanwhile


def subsets(port: int | None, copies: int | None) -> dict[str, Any]:
    live = {"v1": {"image": image("v1"), "weight": 100}}
    if port is None:
        return live
    shadow: dict[str, Any] = {"image": image("v2"), "mirrorPercent": 100, "containerPort": port}
    shadow |= {**templates.probed(), "stop": {"delaySeconds": 0}}
    if copies:
        shadow["mirrorLimits"] = {"requests": copies}
    return {**live, "v2": shadow}


def measure(
    scratch: ScratchStack, proxy: IngressProxy, shadow: str, seconds: float, copies: int | None
) -> Run:
    # All versions but v1 go before each run: copies that a shadow let wait end with its pods.
    scratch.deploy(subsets(None, None))
    scratch.deploy(subsets(SHADOWS[shadow], copies))
    time.sleep(CALM_SECONDS)
    proxy.forget_peak()
    used = proxy.used_mib()
    stream = through_gateway(scratch.lab, scratch.host, rate=RATE, keep_alive=True)
    with load(scratch.lab, [stream]) as counted:
        time.sleep(seconds)
    (live,) = counted
    return Run(
        shadow=shadow,
        sent=live.sent,
        lost=live.lost({"v1"}),
        median_ms=live.percentile(50) * 1000,
        p99_ms=live.percentile(99) * 1000,
        waiting_copies=proxy.waiting_copies(scratch.namespace, "v2"),
        grown_mib=proxy.used_mib() - used,
        peak_mib=proxy.peak_mib,
    )


def compare(lab: Lab, seconds: float, rounds: int, copies: int | None) -> list[dict[str, Run]]:
    """Rounds of one run with each shadow, every other round backwards, so that none profits from its place."""
    measured = []
    with tempfile.TemporaryDirectory() as directory:
        scratch = ScratchStack(lab, Path(directory), SERVICE)
        try:
            proxy = IngressProxy(lab)
            for number in range(rounds):
                turn = list(SHADOWS) if number % 2 == 0 else list(SHADOWS)[::-1]
                runs = {shadow: measure(scratch, proxy, shadow, seconds, copies) for shadow in turn}
                measured.append(runs)
                tell(number + 1, rounds, runs)
        finally:
            scratch.remove()
    return measured


def tell(number: int, rounds: int, runs: dict[str, Run]) -> None:
    told = ", ".join(f"{shadow} {run.p99_ms:.1f} ms" for shadow, run in runs.items())
    print(f"[{number}/{rounds}] p99: {told}", file=sys.stderr, flush=True)


def table(measured: list[dict[str, Run]]) -> str:
    """Markdown: medians of the rounds, lost requests of all of them, and the most memory: used at the end above
    that used at the start, and resident, of which the gateway gives nothing back."""
    lines = [
        "| shadow | sent | lost | median | p99 | p99 to those without, by round | copies waiting "
        "| gateway grew by | had at most |",
        "|---" * 9 + "|",
    ]
    for shadow in SHADOWS:
        runs = [each[shadow] for each in measured]
        ratios = [
            each[shadow].p99_ms / statistics.mean(each[base].p99_ms for base in BASES) for each in measured
        ]
        cells = [
            shadow,
            f"{sum(run.sent for run in runs)}",
            f"{sum(run.lost for run in runs)}",
            f"{statistics.median(run.median_ms for run in runs):.2f} ms",
            f"{statistics.median(run.p99_ms for run in runs):.2f} ms",
            f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})",
            f"{max(run.waiting_copies for run in runs)}",
            f"{max(run.grown_mib for run in runs):.0f} MiB",
            f"{max(run.peak_mib for run in runs):.0f} MiB",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shadow", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="load on each shadow (default: 60)")
    parser.add_argument("--rounds", type=int, default=5, help="runs with each shadow (default: 5)")
    parser.add_argument("--copies", type=int, help="copies that may wait (default: the component's own)")
    parser.add_argument("--json", action="store_true", help="every run, for programs")
    options = parser.parse_args()
    if options.rounds < 1 or not 1 <= options.seconds <= 240:
        parser.error("--rounds is a number from 1 on, --seconds one from 1 to 240")
    lab = Lab()
    lab.up(lambda line: print(line, file=sys.stderr))
    measured = compare(lab, options.seconds, options.rounds, options.copies)
    rows = [{shadow: asdict(run) for shadow, run in runs.items()} for runs in measured]
    print(json.dumps(rows, indent=2) if options.json else table(measured))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as problem:
        sys.exit(str(problem))
