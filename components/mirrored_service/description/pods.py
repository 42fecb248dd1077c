"""What runs in the pods of a version that the component makes. None: not given."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Probe:
    path: str | None  # None: open a TCP connection instead
    period_seconds: int
    timeout_seconds: int
    failure_threshold: int


@dataclass(frozen=True)
class Rollout:
    max_surge: int
    max_unavailable: int
    deadline_seconds: int


@dataclass(frozen=True)
class Stop:
    delay_seconds: int
    grace_seconds: int


@dataclass(frozen=True)
class SecretKey:
    secret: pulumi.Input[str]
    key: str


@dataclass(frozen=True)
class EmptyDir:
    size_limit: str | None


@dataclass(frozen=True)
class Mount:
    """Of the four sources exactly one is given."""

    path: str
    config_map: pulumi.Input[str] | None
    secret: pulumi.Input[str] | None
    empty_dir: EmptyDir | None
    claim: pulumi.Input[str] | None
    read_only: bool
    sub_path: str | None


@dataclass(frozen=True)
class Toleration:
    key: str | None
    operator: str
    value: str | None
    effect: str | None
    toleration_seconds: int | None
