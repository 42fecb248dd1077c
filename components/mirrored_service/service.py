"""The checked and complete description of a service, which the manifests are rendered from.

Made by `model.parse` alone; frozen, so that what was checked stays true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

COPIES = "-copies"


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
class Subset:
    name: str
    image: pulumi.Input[str]
    weight: int
    mirror_percent: float
    replicas: int
    container_port: int
    env: Mapping[str, pulumi.Input[str]]
    requests: Mapping[str, str]
    limits: Mapping[str, str]
    command: tuple[str, ...]
    args: tuple[str, ...]
    probe: Probe
    rollout: Rollout
    stop: Stop

    @property
    def live(self) -> bool:
        return self.weight > 0

    @property
    def shadow(self) -> bool:
        return self.mirror_percent > 0

    @property
    def copies_name(self) -> str:
        """The Istio subset that this version gets copies through."""
        return self.name + COPIES

    def mirror_shares(self) -> list[float]:
        """The percentages of this subset's mirrors: Istio takes at most 100 for one, so 250 is 100, 100, 50."""
        full, rest = divmod(self.mirror_percent, 100)
        rest = round(rest, 4)
        return [100] * int(full) + ([int(rest) if rest == int(rest) else rest] if rest else [])


@dataclass(frozen=True)
class Gateway:
    existing: str | None
    selector: Mapping[str, str]
    port: int


@dataclass(frozen=True)
class AccessLog:
    providers: tuple[str, ...]  # none: the mesh's own log, and no Telemetry


@dataclass(frozen=True)
class Service:
    name: str
    namespace: str
    create_namespace: bool
    port: int
    protocol: str
    hosts: tuple[str, ...]
    gateway: Gateway
    subsets: tuple[Subset, ...]  # by name, so that the order in which they were written changes nothing
    methods: tuple[str, ...]
    access_log: AccessLog
    settle_seconds: float
    keep_on_destroy: bool
    requests_per_second: float  # as the user expects them; 0: not stated

    @property
    def live(self) -> list[Subset]:
        return [subset for subset in self.subsets if subset.live]

    @property
    def shadows(self) -> list[Subset]:
        return [subset for subset in self.subsets if subset.shadow]

    @property
    def main(self) -> Subset:
        """The live subset with the largest weight; of equals, the first by name."""
        return max(self.live, key=lambda subset: subset.weight)

    @property
    def copies_everything(self) -> bool:
        return self.methods == ("*",)

    @property
    def host(self) -> str:
        """The name callers inside the cluster use."""
        return f"{self.name}.{self.namespace}.svc.cluster.local"

    @property
    def versions_name(self) -> str:
        return f"{self.name}-versions"

    @property
    def versions_host(self) -> str:
        """The name only the mesh's routes use: every version is behind it."""
        return f"{self.versions_name}.{self.namespace}.svc.cluster.local"

    def urls(self) -> list[str]:
        """Where the service is reached through its own gateway; a wildcard host has no URL."""
        if self.gateway.existing:
            return []
        port = "" if self.gateway.port == 80 else f":{self.gateway.port}"
        return [f"http://{host}{port}/" for host in self.hosts if "*" not in host]
