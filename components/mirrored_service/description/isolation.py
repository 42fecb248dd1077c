"""What a version may reach while it is not live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    labels: Mapping[str, str]
    namespace: str | None  # None: the service's


@dataclass(frozen=True)
class NetworkPolicy:
    pods: tuple[Workload, ...]
    cidrs: tuple[str, ...]


@dataclass(frozen=True)
class ShadowIsolation:
    may_reach: tuple[str, ...]
    protects: Mapping[str, Workload]
    network_policy: NetworkPolicy | None
