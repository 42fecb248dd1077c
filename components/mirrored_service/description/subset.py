"""One version of the service.

Spelt as the arguments are, but for capitals; what each property means is said there. None: not given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from .copies import MirrorLimits, shares
from .isolation import ShadowIsolation
from .pods import Rollout, Stop

COPIES = "-copies"


@dataclass(frozen=True)
class Subset:
    name: str
    image: pulumi.Input[str]
    pod_labels: Mapping[str, str]  # of pods that others run; none: the component makes them
    weight: int
    mirror_percent: float
    replicas: int  # unless somebody else counts
    autoscaling: Mapping[str, Any] | None  # as Kubernetes' HorizontalPodAutoscalerSpec, without its target
    scaled_by_others: bool
    container_port: int  # for the first port of the service
    container_ports: Mapping[str, int]  # for the others, by name
    env: Mapping[str, pulumi.Input[str]]
    pod_template: Mapping[str, Any]  # as Kubernetes' PodTemplateSpec, to be merged over what is rendered
    pod_security: str
    requests: Mapping[str, str]
    limits: Mapping[str, str]
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
    def counted_here(self) -> bool:
        """Does the config say how many pods there are?"""
        return self.autoscaling is None and not self.scaled_by_others

    @property
    def least_pods(self) -> int | None:
        """The pods that there are at least; None: who knows."""
        if self.autoscaling is not None:
            return int(self.autoscaling.get("minReplicas") or 1)
        return None if self.scaled_by_others else self.replicas

    @property
    def service_account(self) -> str | None:
        """Whom the pods run as, where the template says so."""
        return self._pod.get("serviceAccountName")

    @property
    def grace_seconds(self) -> int:
        """Seconds after which a pod that has not ended is killed."""
        seconds: int = self._pod.get("terminationGracePeriodSeconds") or self.stop.grace_seconds
        return seconds

    @property
    def _pod(self) -> Mapping[str, Any]:
        return self.pod_template.get("spec") or {}

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
