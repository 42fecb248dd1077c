"""Makes one change under load, and counts every request."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lab import Lab
from lab.kit.changes import Change
from lab.kit.load import from_pod, load, through_gateway

from .contenders import Contender


@dataclass(frozen=True)
class Measured:
    """One change, made in one way."""

    change: str
    way: str
    sent: int
    lost: int  # through the gateway
    lost_in_mesh: int
    longest_gap: float  # seconds without an answer, through the gateway
    seconds: float  # until the change was done


def measure(lab: Lab, contender: Contender, change: Change, pod: str, rest: float = 0) -> Measured:
    """Brings about what was before and makes the change under load; `rest` is seconds given to proxies that learn
    slowly, before the load and after the change."""
    streams = [
        through_gateway(lab, contender.host, rate=200),
        through_gateway(lab, contender.host, rate=100, keep_alive=True),
        from_pod(contender.namespace, pod, "http://nginx/load", rate=20),
    ]
    contender.change(change.before)
    time.sleep(rest)
    with load(lab, streams) as counted:
        begun = time.monotonic()
        contender.change(change.after)
        seconds = time.monotonic() - begun
        time.sleep(rest)
    *gateway, mesh = counted
    return Measured(
        change=change.name,
        way=contender.name,
        sent=sum(stream.sent for stream in counted),
        lost=sum(stream.lost(change.answering()) for stream in gateway),
        lost_in_mesh=mesh.lost(change.answering()),
        longest_gap=max(stream.longest_gap for stream in gateway),
        seconds=seconds,
    )
