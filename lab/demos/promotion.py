"""`make report`: the shadow report on the lab, of a version with two faults that it should find."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from lab.cluster.lab import Lab
from lab.errors import LabError
from lab.kit.collection import Collection
from lab.kit.trial import Routes, Trial
from shadow_report.collect.show import progress_text

RATE = 200
LIVE: Routes = {"/": {"delayMs": 40}}
FAULTS: Routes = {
    "/": {"delayMs": 40},
    "/cart": {"delayMs": 40, "failEvery": 100},
    "/search": {"delayMs": 52},
}
TOLD = "v2 answers 1 % of /cart with 500 and takes 30 % longer for /search; all else is as in v1."


def report(lab: Lab, options: argparse.Namespace) -> int:
    """Deploys, collects, compares; 0 whatever the verdict: v2 is meant to fail."""
    lab.up()
    directory = lab.layout.root / "report"
    directory.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as project:
        trial = Trial(lab, Path(project))
        print(
            f"\nA shop of two versions, v1 live and v2 its shadow, with the access log on.\n{TOLD}",
            flush=True,
        )
        try:
            trial.deploy(LIVE, FAULTS)
            print(
                f"\n{RATE} live requests/s through the ingress gateway for {options.seconds} s:", flush=True
            )
            with trial.collecting(directory / "log", RATE) as collection:
                _watch(collection, options.seconds)
            compared = trial.compare(directory / "log", directory / "shadow-report.html")
        finally:
            trial.remove()
    print(f"\n{compared.printed.rstrip()}")
    print(f"logs: {directory / 'log'}")
    return 0


def _watch(collection: Collection, seconds: int) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(10, left))
        for latest in collection.of("progress")[-1:]:
            print(progress_text(latest), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.demos.promotion", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of traffic (default: 60)")
    try:
        return report(Lab(), parser.parse_args())
    except LabError as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
