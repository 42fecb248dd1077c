"""The checked and complete description of one version, which its objects are rendered from.

Spelt as the arguments are, but for capitals; what each property means is said there. None: not given.
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


@dataclass(frozen=True)
class OutlierDetection:
    consecutive_errors: int
    interval_seconds: int
    ejection_seconds: int
    max_ejection_percent: int


@dataclass(frozen=True)
class MirrorLimits:
    connections: int
    pending_requests: int
    requests: int
    requests_per_connection: int | None
    http2: bool | None  # None: the mesh decides
    outlier_detection: OutlierDetection | None


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


@dataclass(frozen=True)
class Subset:
    name: str
    image: pulumi.Input[str]
    pod_labels: Mapping[str, str]  # of pods that others run; none: the component makes them
    weight: int
    mirror_percent: float
    replicas: int
    container_port: int
    env: Mapping[str, pulumi.Input[str]]
    secret_env: Mapping[str, SecretKey]
    service_account: str | None
    mounts: tuple[Mount, ...]
    image_pull_secrets: tuple[str, ...]
    node_selector: Mapping[str, str]
    tolerations: tuple[Toleration, ...]
    pod_security: str
    run_as_user: int | None
    requests: Mapping[str, str]
    limits: Mapping[str, str]
    command: tuple[str, ...]
    args: tuple[str, ...]
    probe: Probe
    rollout: Rollout
    stop: Stop
    mirror_limits: MirrorLimits
    shadow_isolation: ShadowIsolation | None

    @property
    def live(self) -> bool:
        return self.weight > 0

    @property
    def shadow(self) -> bool:
        return self.mirror_percent > 0

    @property
    def foreign(self) -> bool:
        """Do others run its pods?"""
        return bool(self.pod_labels)

    @property
    def copies_name(self) -> str:
        """The Istio subset that this version gets copies through."""
        return self.name + COPIES

    def mirror_shares(self) -> list[float]:
        """The percentages of this subset's mirrors."""
        return shares(self.mirror_percent)


def shares(percent: float) -> list[float]:
    """The percentages of the mirrors of one target: Istio takes at most 100 for one, so 250 is 100, 100, 50."""
    full, rest = divmod(percent, 100)
    rest = round(rest, 4)
    return [100] * int(full) + ([int(rest) if rest == int(rest) else rest] if rest else [])
