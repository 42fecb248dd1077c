"""`make bench-transitions`: every change, under load, made in each of the compared ways, as one table."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from lab import Lab, LabError
from lab.kit.changes import Change, changes
from lab.kit.client_pods import run_load_pod

from .contenders import ByGatewayApi, ByHand, Contender, Ours, SharedRule, Walkthrough
from .measuring import Measured, measure

IN_ONE_GO = "replace v2 by v3 in one go"


def compare(
    lab: Lab, ways: Sequence[Callable[[Lab, Path], Contender]], wanted: list[Change]
) -> list[Measured]:
    """Makes every change in every way, one way after the other."""
    measured: list[Measured] = []
    for way in ways:
        with tempfile.TemporaryDirectory() as directory:
            contender = way(lab, Path(directory))
            try:
                contender.change(wanted[0].before)
                pod = run_load_pod(lab, contender.namespace)
                for number, change in enumerate(wanted, 1):
                    measured.append(measure(lab, contender, change, pod))
                    _tell(f"[{number}/{len(wanted)}]", measured[-1])
            finally:
                contender.remove()
    return measured


def _tell(progress: str, row: Measured) -> None:
    print(
        f"{progress} {row.way}: {row.change}: {row.sent} sent, {row.lost} + {row.lost_in_mesh} lost, "
        f"longest gap {row.longest_gap:.2f} s, {row.seconds:.1f} s",
        file=sys.stderr,
        flush=True,
    )


def table(measured: list[Measured]) -> str:
    """Markdown, a row a change: lost through the gateway + inside the mesh, longest gap, wall time."""
    ways = list(dict.fromkeys(row.way for row in measured))
    cells = {
        (
            row.change,
            row.way,
        ): f"{row.lost} + {row.lost_in_mesh}, {row.longest_gap:.2f} s, {row.seconds:.1f} s"
        for row in measured
    }
    lines = ["| change | " + " | ".join(ways) + " |", "|---" * (len(ways) + 1) + "|"]
    for change in dict.fromkeys(row.change for row in measured):
        lines.append("| " + " | ".join([change, *(cells.get((change, way), "-") for way in ways)]) + " |")
    sent = {way: sum(row.sent for row in measured if row.way == way) for way in ways}
    lost = {way: sum(row.lost + row.lost_in_mesh for row in measured if row.way == way) for way in ways}
    totals = [f"**{lost[way]} of {sent[way]}**" for way in ways]
    return "\n".join([*lines, "| " + " | ".join(["all, lost of sent", *totals]) + " |"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.changes", description=__doc__)
    parser.add_argument("--replicas", type=int, default=1, help="pods of each version (default: 1)")
    parser.add_argument("--only", help="only changes whose name contains this")
    parser.add_argument("--json", action="store_true", help="rows for programs")
    options = parser.parse_args()
    wanted = [change for change in changes(options.replicas) if (options.only or "") in change.name]
    if not wanted:
        names = ", ".join(change.name for change in changes())
        parser.error(f"--only {options.only!r} names no change; there are: {names}")
    lab = Lab()
    lab.up(lambda line: print(line, file=sys.stderr))
    measured = compare(lab, [Ours, ByGatewayApi, SharedRule, Walkthrough], wanted)
    replaced = [change for change in wanted if change.name == IN_ONE_GO]
    measured += compare(lab, [ByHand], replaced) if replaced else []
    print(json.dumps([asdict(row) for row in measured], indent=2) if options.json else table(measured))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as problem:
        sys.exit(str(problem))
