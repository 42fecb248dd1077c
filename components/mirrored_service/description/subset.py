"""One version of the service.

Spelt as the arguments are, but for capitals; what each property means is said there. None: not given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from .copies import MirrorLimits, shares
from .isolation import ShadowIsolation
from .pods import Mount, Probe, Rollout, SecretKey, Stop, Toleration

COPIES = "-copies"


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
    command: tuple[pulumi.Input[str], ...]
    args: tuple[pulumi.Input[str], ...]
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
    def run_by_others(self) -> bool:
        return bool(self.pod_labels)

    @property
    def copies_name(self) -> str:
        """The Istio subset that this version gets copies through."""
        return self.name + COPIES

    def mirror_shares(self) -> list[float]:
        """The percentages of this subset's mirrors."""
        return shares(self.mirror_percent)


def protected_name(subset: Subset, workload: str) -> str:
    """What ends the resource name of the policy by which a workload refuses the version."""
    return f"{subset.name}-{workload}"
