"""`python -m benchmarks.answers`: processor time of a proxy for a request, with digests of answers and without.

An Envoy by itself, without TLS: processor time can be told on a busy machine. Of latency on the mesh
`python -m benchmarks.answers.latency` tells."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.answers.bodies import body
from lab.kit.digesting_proxy import KEY, Answer, running
from mirrored_service.description.answer_digests import AnswerDigests
from mirrored_service.rendering.answer_digests import lua

SIZES = (1_000, 10_000, 60_000, 100_000)
WITHOUT = "-- nothing"
_TICK = os.sysconf("SC_CLK_TCK")
_MOST_JSON = 65_536


def microseconds(code: str, size: int, requests: int) -> float:
    """Processor time of the proxy for one request."""
    with tempfile.TemporaryDirectory() as directory, running(code, Path(directory)) as proxy:
        answers = [Answer(body(size))] * requests
        proxy.ask(answers[: requests // 4])
        before = _processor_seconds(proxy.pid)
        proxy.ask(answers)
        return (_processor_seconds(proxy.pid) - before) / requests * 1e6


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers")
    parser.add_argument("--requests", type=int, default=3000, help="of each kind and round (default: 3000)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts (default: 3)")
    options = parser.parse_args()
    if min(options.requests, options.rounds) < 1:
        parser.error("--requests and --rounds are numbers from 1 on")
    every, some = (lua(KEY, AnswerDigests(KEY, one_of, _MOST_JSON, False), ("*",)) for one_of in (1, 10))
    heads = ("JSON of", "without", "1 of 10", "every answer", "ratio, 1 of 10", "ratio, every")
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for size in SIZES:
        rounds = [
            [microseconds(code, size, options.requests) for code in (WITHOUT, some, every)]
            for _ in range(options.rounds)
        ]
        base, of_some, of_all = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(
            f"| {size / 1000:g} kB | {base:.0f} µs | {of_some:.0f} µs | {of_all:.0f} µs | {of_some / base:.2f} "
            f"| {of_all / base:.2f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
