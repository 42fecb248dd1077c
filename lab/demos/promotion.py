"""`make report`: the shadow report on the lab, of a version with three faults that it should find."""

from __future__ import annotations

import argparse
import secrets
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
HOLDS = {"id": 7, "name": "a lamp", "price": 12.5, "tags": ["light", "new"]}
USUAL = {"delayMs": 40, "holds": HOLDS}
LIVE: Routes = {"/": USUAL}
FAULTS: Routes = {
    "/": USUAL,
    "/cart": {**USUAL, "failEvery": 100},
    "/items": {**USUAL, "oddEvery": 20, "odd": {**HOLDS, "price": "12.50"}},
    "/search": {**USUAL, "delayMs": 52},
}
TOLD = (
    "v2 answers 1 % of /cart with 500, takes 30 % longer for /search, and says the price of /items as text in\n"
    "5 % of its answers; all else is as in v1."
)


def report(lab: Lab, options: argparse.Namespace) -> int:
    """Deploys, collects, compares; 0 whatever the verdict: v2 is meant to fail."""
    lab.up()
    directory = lab.layout.root / "report"
    directory.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as project:
        trial = Trial(lab, Path(project))
        print(
            "\nA shop of two versions, v1 live and v2 its shadow, with the access log and digests of answers\n"
            f"on. {TOLD}",
            flush=True,
        )
        try:
            # Of every answer, as there are few.
            trial.deploy(LIVE, FAULTS, digests={"key": secrets.token_hex(16), "oneOf": 1})
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
