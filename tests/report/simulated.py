"""Aggregates of runs that never happened, drawn directly: a thousand of them in the time of one that reads
files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shadow_report.compare.run import Run, Side
from shadow_report.compare.tallies import Answers, Comparison, Latencies
from shadow_report.judge.statistics import BUCKET

ROUTES = ("GET /", "GET /orders/{id}", "GET /users/{id}/cart", "GET /search", "GET /static/app.js")
BLOCKS = 30


@dataclass(frozen=True)
class Service:
    """`noise`: how often either version fails by itself; `failing`: how often the shadow fails on the second
    route."""

    pairs: int = 6000
    slower: float = 1.0
    noise: float = 0.0
    failing: float = 0.0


def run(service: Service, seed: int) -> Run:
    """One run of half an hour."""
    random = np.random.default_rng(seed)
    pairs = service.pairs
    block = np.sort(random.integers(0, BLOCKS, pairs))
    route = random.choice(len(ROUTES), pairs, p=(0.4, 0.2, 0.2, 0.1, 0.1))
    shared = random.normal(0, 0.3, pairs) + random.normal(0, 0.1, BLOCKS)[block]  # both feel a slow minute
    latencies = [20_000 * np.exp(shared + random.normal(0, 0.3, pairs)) for _ in range(2)]
    latencies[1] *= service.slower
    fails = [random.random(pairs) < service.noise for _ in range(2)]
    fails[1] |= (route == 1) & (random.random(pairs) < service.failing)
    same = ~(fails[0] | fails[1])
    comparison = Comparison(
        tuple(_answers(block, route, fails)),
        _latencies(block[same], route[same], [each[same] for each in latencies]),
        BLOCKS,
        60,
    )
    sides = {name: Side((version,), pairs, 1) for name, version in (("live", "v1"), ("shadow", "v2"))}
    return Run(sides, (), (0, BLOCKS * 60_000_000), 0, 100, ("GET",), "app", (), (), comparison)


def _answers(
    block: npt.NDArray[np.int64], route: npt.NDArray[np.int64], fails: list[npt.NDArray[np.bool_]]
) -> list[Answers]:
    code = ((block * len(ROUTES) + route) * 2 + fails[0]) * 2 + fails[1]
    found, counts = np.unique(code, return_counts=True)
    texts = ("200", "500")
    return [
        Answers(
            int(each) // 4 // len(ROUTES),
            ROUTES[int(each) // 4 % len(ROUTES)],
            texts[each // 2 % 2],
            texts[each % 2],
            int(count),
            0,
            0,
            0,
        )
        for each, count in zip(found, counts, strict=True)
    ]


def _latencies(
    block: npt.NDArray[np.int64], route: npt.NDArray[np.int64], latencies: list[npt.NDArray[np.float64]]
) -> Latencies:
    buckets = [np.floor(np.log(each) / BUCKET).astype(np.int64) for each in latencies]
    sides = np.repeat([False, True], len(block))
    rows = np.stack([np.tile(block, 2), np.tile(route, 2), sides, np.concatenate(buckets)])
    unique, counts = np.unique(rows, axis=1, return_counts=True)
    return Latencies(ROUTES, unique[0], unique[1], unique[2].astype(bool), unique[3], counts)
