"""Aggregates of runs that never happened, drawn directly: a thousand of them in the time of one that reads
files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shadow_report.compare.answers import MISSING
from shadow_report.compare.contents import (
    BETTER,
    BYTES,
    FIELDS,
    NOTHING,
    VALUE,
    WORSE,
    Contents,
    FieldRow,
    Row,
)
from shadow_report.compare.run import Run, Side
from shadow_report.compare.tallies import BUCKET, Answers, Comparison, Latencies
from shadow_report.compare.windows import block_seconds

ROUTES = ("GET /", "GET /orders/{id}", "GET /users/{id}/cart", "GET /search", "GET /static/app.js")
_SHARES = np.array((0.4, 0.2, 0.2, 0.1, 0.1))
_ANSWERS = ("200", "500", "302", MISSING)
_FIELDS = 20


@dataclass(frozen=True)
class Service:
    """`pairs`: requests, of which `mirror_percent` are copied, each by chance of its own, as Istio draws them; of
    contents all are. Shares are of 1. Of either version by itself: `noise`, how often it fails; `bursts`, how
    many minutes there are on average in which it fails all requests for `burst_seconds`; `drift`, by how much its
    latencies wander (of their logarithm, one standard deviation), and `drift_minutes`, after how long it forgets.
    Of the shadow on the second route: `failing`, how often it fails there; `changed`, how often it redirects.
    `control`: is there a copy of the live version? `copies_fail`: how often any copy fails. `whole_ms`: latencies
    are known in whole milliseconds. Of the answers' contents, of 20 fields: `field_noise`, how often a copy of
    the live version, or the shadow, has another value in each, and `field_changed`, how often the shadow has one
    in the first field on the second route; None: contents are not compared."""

    pairs: int = 6000
    mirror_percent: float = 100
    minutes: float = 30
    slower: float = 1.0
    noise: float = 0.0
    failing: float = 0.0
    changed: float = 0.0
    bursts: float = 0.0
    burst_seconds: float = 60
    drift: float = 0.0
    drift_minutes: float = 3.0
    median_us: float = 20_000
    whole_ms: bool = False
    control: bool = False
    copies_fail: float = 0.0
    field_noise: float | None = None
    field_changed: float = 0.0


Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


class _Drawn:
    """The requests, and what each version makes of them."""

    def __init__(self, service: Service, seed: int) -> None:
        self.service = service
        self.random = np.random.default_rng(seed)
        self.seconds = service.minutes * 60
        self.size = block_seconds(self.seconds)
        self.blocks = int(self.seconds // self.size)
        self.at = np.sort(self.random.uniform(0, self.blocks * self.size, service.pairs))
        self.block = (self.at // self.size).astype(np.int64)
        self.route = self.random.choice(len(ROUTES), service.pairs, p=_SHARES).astype(np.int64)
        weather = self.random.normal(0, 0.1, self.blocks)[self.block]  # every version feels a slow minute
        self.shared = self.random.normal(0, 0.3, service.pairs) + weather

    def version(self, *, shadow: bool = False, copy: bool = True) -> tuple[Whole, Floats]:
        """Its answers, as indices of _ANSWERS, and its latencies."""
        service, pairs = self.service, self.service.pairs
        fails = (self.random.random(pairs) < service.noise) | self._in_a_burst()
        latencies = np.exp(self.shared + self.random.normal(0, 0.3, pairs) + self._drift())
        latencies *= service.median_us * (service.slower if shadow else 1.0)
        if service.whole_ms:
            latencies = np.maximum(np.floor(latencies / 1000) * 1000, 1)
        answers = np.zeros(pairs, np.int64)
        if copy and service.copies_fail:
            fails |= self.random.random(pairs) < service.copies_fail
        if shadow:
            answers[(self.route == 1) & (self.random.random(pairs) < service.changed)] = 2
            fails |= (self.route == 1) & (self.random.random(pairs) < service.failing)
        answers[fails] = 1
        return answers, latencies

    def _in_a_burst(self) -> Bools:
        begins = self.random.uniform(0, self.seconds, self.random.poisson(self.service.bursts))
        within = [(self.at >= begin) & (self.at < begin + self.service.burst_seconds) for begin in begins]
        return np.logical_or.reduce(within) if within else np.zeros(len(self.at), bool)

    def _drift(self) -> Floats:
        """Wanders around 0 from second to second."""
        kept = float(np.exp(-1 / (60 * self.service.drift_minutes)))
        steps = self.random.normal(0, self.service.drift * np.sqrt(1 - kept**2), int(self.seconds) + 1)
        wandered, value = np.empty_like(steps), self.random.normal(0, self.service.drift)
        for second, step in enumerate(steps if self.service.drift else ()):
            value = kept * value + step
            wandered[second] = value
        return wandered[self.at.astype(int)] if self.service.drift else np.zeros(len(self.at))

    def _copied(self) -> Bools:
        if self.service.mirror_percent == 100:
            return np.ones(self.service.pairs, bool)
        return self.random.random(self.service.pairs) < self.service.mirror_percent / 100

    def contents(self) -> Contents:
        """What answers hold, one request with all versions after the other."""
        service = self.service
        shape = (service.pairs, _FIELDS)
        shadow = self.random.random(shape) < (service.field_noise or 0)
        shadow[:, 0] |= (self.route == 1) & (self.random.random(service.pairs) < service.field_changed)
        if not service.control:
            changes = np.where(shadow.any(axis=1), VALUE, NOTHING)
            return self._contents(changes, shadow, np.zeros(shape, bool))
        control = self.random.random(shape) < (service.field_noise or 0)
        net = (shadow & ~control).sum(axis=1) - (control & ~shadow).sum(axis=1)
        return self._contents(np.select([net > 0, net < 0], [WORSE, BETTER], NOTHING), shadow, control)

    def _contents(self, changes: npt.NDArray[np.str_], shadow: Bools, control: Bools) -> Contents:
        answers = Counter(zip(self.block.tolist(), self.route.tolist(), changes.tolist(), strict=True))
        rows = (
            Row(block, ROUTES[route], FIELDS if change else BYTES, change, NOTHING, number)
            for (block, route, change), number in answers.items()
        )
        where, of = np.nonzero(shadow | control)
        columns = (self.block[where], self.route[where], of, shadow[where, of], control[where, of])
        differing = Counter(zip(*(column.tolist() for column in columns), strict=True))
        fields = (
            FieldRow(block, ROUTES[route], f"$.f{place}", "n", "n", "n", _value(here), _value(there), number)
            for (block, route, place, here, there), number in differing.items()
        )
        return Contents(tuple(rows), tuple(fields), self.blocks, self.service.control)

    def comparison(self, live: tuple[Whole, Floats], other: tuple[Whole, Floats]) -> Comparison:
        answers = np.where(self._copied(), other[0], _ANSWERS.index(MISSING))
        same = live[0] == answers
        rows = _answers(self.block, self.route, live[0], answers)
        latencies = _latencies(self.block[same], self.route[same], [live[1][same], other[1][same]])
        return Comparison(tuple(rows), latencies, self.blocks, self.size)


def _value(differs: bool) -> str:
    return VALUE if differs else NOTHING


def run(service: Service, seed: int) -> Run:
    """One run."""
    drawn = _Drawn(service, seed)
    live = drawn.version(copy=False)
    shadow = drawn.comparison(live, drawn.version(shadow=True))
    control = drawn.comparison(live, drawn.version()) if service.control else None
    names = {"live": "v1", "shadow": "v2", **({"control": "v1b"} if service.control else {})}
    sides = {name: Side((version,), service.pairs, 1) for name, version in names.items()}
    window = (0, drawn.blocks * drawn.size * 1_000_000)
    made = Run(sides, (), window, 0, service.mirror_percent, ("GET",), "app", (), (), shadow, control)
    return made if service.field_noise is None else replace(made, contents=drawn.contents())


def _answers(block: Whole, route: Whole, reference: Whole, other: Whole) -> list[Answers]:
    number = len(_ANSWERS)
    code = ((block * len(ROUTES) + route) * number + reference) * number + other
    found, counts = np.unique(code, return_counts=True)
    return [
        Answers(
            int(each) // number**2 // len(ROUTES),
            ROUTES[int(each) // number**2 % len(ROUTES)],
            _ANSWERS[int(each) // number % number],
            _ANSWERS[int(each) % number],
            int(count),
            sized=0,
            same_size=0,
            reference_bytes=0,
            other_bytes=0,
        )
        for each, count in zip(found, counts, strict=True)
    ]


def _latencies(block: Whole, route: Whole, latencies: list[Floats]) -> Latencies:
    buckets = np.concatenate([np.floor(np.log(each) / BUCKET).astype(np.int64) for each in latencies])
    sides = np.repeat([0, 1], len(block))
    shape = (int(block.max(initial=0)) + 1, len(ROUTES), 2, int(buckets.max(initial=0)) + 1)
    rows = np.ravel_multi_index((np.tile(block, 2), np.tile(route, 2), sides, buckets), shape)
    counted = np.bincount(rows)
    found = np.flatnonzero(counted)
    its_block, its_route, side, bucket = np.unravel_index(found, shape)
    return Latencies(ROUTES, its_block, its_route, side.astype(bool), bucket, counted[found])
