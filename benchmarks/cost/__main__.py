"""`make bench-cost`: `pulumi preview` and `pulumi up` with nothing to change, with the component, with the same
objects declared by hand, and with nothing at all."""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import Lab, LabError

from . import imports
from .contenders import Contender
from .usage import Usage

NAMES = ("empty", "plain", "component")
VERBS = ("preview", "up")
Round = dict[str, Usage]  # one run of each contender, right after one another


@dataclass(frozen=True)
class Row:
    """One verb at one number of services."""

    services: int
    verb: str
    timed: list[Round]
    sampled: Round  # a round of its own, as sampling memory takes time

    def ratio(self, value: Callable[[Usage], float], base: str) -> float:
        """Median of the rounds' ratios: what else the machine did hits both sides of one."""
        return statistics.median(value(each["component"]) / value(each[base]) for each in self.timed)

    def median(self, name: str, value: Callable[[Usage], float]) -> float:
        return statistics.median(value(each[name]) for each in self.timed)


def measure(lab: Lab, sizes: list[int], rounds: int) -> list[Row]:
    """Deploys every contender at every size, and measures them in turn."""
    rows = []
    with contextlib.ExitStack() as cleanup:
        directory = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
        contenders = [Contender(lab, name, directory, max(sizes)) for name in NAMES]
        for contender in contenders:
            contender.create()
            cleanup.callback(contender.remove)
        for size in sorted(sizes):
            for contender in contenders:
                tell(f"{size} services: {contender.name} is deployed")
                contender.deploy(size)
            rows += [compare(contenders, size, verb, rounds) for verb in VERBS]
    return rows


def compare(contenders: list[Contender], size: int, verb: str, rounds: int) -> Row:
    timed = []
    for number in range(rounds):
        # Every other round backwards, so that none profits from its place.
        turn = contenders if number % 2 else contenders[::-1]
        timed.append({each.name: each.measure(verb) for each in turn})
        seconds = ", ".join(f"{name} {timed[-1][name].seconds:.1f} s" for name in NAMES)
        tell(f"{size} services, {verb} [{number + 1}/{rounds}]: {seconds}")
    return Row(size, verb, timed, {each.name: each.measure(verb, memory=True) for each in contenders})


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def seconds(usage: Usage) -> float:
    return usage.seconds


def cpu_seconds(usage: Usage) -> float:
    return usage.cpu_seconds


def cost_table(rows: list[Row]) -> str:
    """Markdown: medians of wall time, and the component's time and memory as multiples of the others'."""
    lines = [
        "| services | command | empty | plain | component | component to plain | to empty "
        "| processor time to plain | to empty | program's memory | to plain | to empty "
        "| memory of all processes | to plain | to empty |",
        "|---" * 15 + "|",
    ]
    for row in rows:
        wall = [f"{row.median(name, seconds):.2f} s" for name in NAMES]
        ratios = [f"**{row.ratio(seconds, 'plain'):.2f}**", f"{row.ratio(seconds, 'empty'):.2f}"]
        ratios += [f"{row.ratio(cpu_seconds, base):.2f}" for base in ("plain", "empty")]
        cells = [f"{row.services}", row.verb, *wall, *ratios]
        used = {name: (usage.program_mib, usage.tree_mib) for name, usage in row.sampled.items()}
        for kind in range(2):
            ours = used["component"][kind]
            cells += [
                f"{ours:.0f} MiB",
                f"{ours / used['plain'][kind]:.2f}",
                f"{ours / used['empty'][kind]:.2f}",
            ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def import_table(rows: list[imports.Imported]) -> str:
    lines = ["| import | wall | processor | peak memory |", "|---" * 4 + "|"]
    lines += [
        f"| {row.what} | {row.seconds * 1000:.0f} ms | {row.cpu_seconds * 1000:.0f} ms | {row.mib:.0f} MiB |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--services", type=int, nargs="+", default=[1, 20, 50], help="default: 1 20 50")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each command (default: 7)")
    parser.add_argument("--json", action="store_true", help="every run, for programs")
    options = parser.parse_args()
    if min(*options.services, options.rounds) < 1:
        parser.error("--services and --rounds are numbers from 1 on")
    lab = Lab()
    lab.up(tell)
    imported = imports.measure(options.rounds)
    rows = measure(lab, options.services, options.rounds)
    if options.json:
        everything = {"imports": [asdict(row) for row in imported], "runs": [asdict(row) for row in rows]}
        print(json.dumps(everything, indent=2))
    else:
        print(f"{import_table(imported)}\n\n{cost_table(rows)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as problem:
        sys.exit(str(problem))
