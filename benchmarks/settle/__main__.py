"""`make bench-settle`: what is lost with which `settleSeconds` and `stop.delaySeconds`, on a mesh at rest and on
one whose proxies learn late."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.changes.contenders import Ours
from benchmarks.changes.measuring import Measured, measure
from lab import Lab, LabError
from lab.kit.changes import Change, Subsets, image
from lab.kit.client_pods import run_load_pod

from .late_pushes import late_pushes


@dataclass(frozen=True)
class Pauses:
    """The two times that proxies are given."""

    settle: float  # settleSeconds
    stop: int  # stop.delaySeconds

    def __str__(self) -> str:
        return f"settleSeconds {self.settle:g}, stop.delaySeconds {self.stop}"


@dataclass(frozen=True)
class Row:
    pauses: Pauses
    late: bool  # istiod pushes 10 s after a change
    measured: Measured

    @property
    def column(self) -> str:
        return f"{self.measured.change}, {'pushes 10 s late' if self.late else 'mesh at rest'}"


PAUSES = [Pauses(0, 5), Pauses(2, 5), Pauses(5, 5), Pauses(12, 5), Pauses(2, 15), Pauses(12, 15)]
LONGEST_PUSH_SECONDS = 12  # istiod's 10, and the push itself


def changes(pauses: Pauses) -> list[Change]:
    """The two changes in which pods that serve go: a proxy that was not told in time asks them in vain."""

    def alone(version: str, answer: str) -> Subsets:
        stop = {"delaySeconds": pauses.stop, "graceSeconds": pauses.stop + 25}
        return {version: {"image": image(answer), "weight": 100, "stop": stop}}

    return [
        Change("replace v1 by v2 in one go", alone("v1", "v1"), alone("v2", "v2")),
        Change("live image changed in place", alone("v2", "v2"), alone("v2", "v3")),
    ]


def compare(lab: Lab, tried: list[Pauses], meshes: list[bool], rounds: int) -> list[Row]:
    """Both changes with every pair of pauses, on each of the meshes (True: with late pushes)."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as directory:
        contender = Ours(lab, Path(directory))
        try:
            contender.change(changes(tried[0])[0].before)
            pod = run_load_pod(lab, contender.namespace)
            for late in meshes:
                with late_pushes(lab) if late else contextlib.nullcontext():
                    for pauses in tried * rounds:
                        contender.scratch.base["settleSeconds"] = pauses.settle
                        for change in changes(pauses):
                            measured = measure(lab, contender, change, pod, rest=LONGEST_PUSH_SECONDS)
                            rows.append(Row(pauses, late, measured))
                            tell(rows[-1])
        finally:
            contender.remove()
    return rows


def tell(row: Row) -> None:
    done = row.measured
    print(
        f"settleSeconds {row.pauses.settle:g}, stop.delaySeconds {row.pauses.stop}: {row.column}: "
        f"{done.lost} + {done.lost_in_mesh} of {done.sent} lost, {done.seconds:.1f} s",
        file=sys.stderr,
        flush=True,
    )


def table(rows: list[Row]) -> str:
    """Markdown, a cell a change: lost of sent in each round, and how long the longest took."""
    columns = list(dict.fromkeys(row.column for row in rows))
    lines = [
        f"| `settleSeconds` | `stop.delaySeconds` | {' | '.join(columns)} |",
        "|---" * (2 + len(columns)) + "|",
    ]
    for pauses in dict.fromkeys(row.pauses for row in rows):
        cells = [
            _cell([row.measured for row in rows if (row.pauses, row.column) == (pauses, column)])
            for column in columns
        ]
        lines.append(f"| {pauses.settle:g} | {pauses.stop} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(rounds: list[Measured]) -> str:
    lost = ", ".join(f"{each.lost + each.lost_in_mesh}" for each in rounds)
    return f"{lost} of {rounds[0].sent}, {max(each.seconds for each in rounds):.1f} s"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.settle", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="runs of each change (default: 2)")
    parser.add_argument("--late-only", action="store_true", help="without the mesh at rest")
    parser.add_argument("--json", action="store_true", help="rows for programs")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds is a number from 1 on")
    lab = Lab()
    lab.up(lambda line: print(line, file=sys.stderr))
    rows = compare(lab, PAUSES, [True] if options.late_only else [False, True], options.rounds)
    print(json.dumps([asdict(row) for row in rows], indent=2) if options.json else table(rows))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as problem:
        sys.exit(str(problem))
