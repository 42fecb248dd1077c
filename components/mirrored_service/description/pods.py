"""How a version's pods take over from each other, and end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rollout:
    max_surge: int
    max_unavailable: int
    deadline_seconds: int
    min_ready_seconds: int


@dataclass(frozen=True)
class Stop:
    delay_seconds: int
    grace_seconds: int
