"""All checks, in the order in which their findings are told; and what comes of them together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import conditions, drift, mesh, ownership, permissions, pods, routes, rules
from .finding import DANGER, SEVERITIES, WARNING, Finding, NotChecked, NotReadError
from .seen import Seen

CHECKS: dict[str, Callable[[Seen], Iterator[Finding | NotChecked]]] = {
    "ambient": mesh.ambient,
    "istio-version": mesh.version,
    "injection": mesh.injection,
    "sidecars": mesh.sidecars,
    "mesh-visibility": mesh.visibility,
    "debounce": mesh.debounce,
    "default-traffic-policy": mesh.default_traffic_policy,
    "log-provider": mesh.log_provider,
    "gateway": routes.gateways,
    "route-conditions": conditions.route_conditions,
    "shared-host": routes.shared_hosts,
    "mesh-host": routes.mesh_hosts,
    "routed-past": routes.routed_past,
    "destination-rule": rules.destination_rule,
    "second-service": pods.second_service,
    "disruption-budget": pods.disruption_budget,
    "autoscaler": pods.autoscaler,
    "sidecar-resource": pods.sidecar_resource,
    "authorization-policy": pods.authorization_policy,
    "peer-authentication": pods.peer_authentication,
    "request-authentication": pods.request_authentication,
    "network-policy": pods.network_policy,
    "foreign-object": ownership.foreign_object,
    "same-names": ownership.same_names,
    "field-owners": ownership.field_owners,
    "as-configured": drift.as_configured,
    "left-over": drift.left_over,
    "permissions": permissions.permissions,
}
# With a config alone: what the cluster has is not compared with itself.
NEED_A_CONFIG = ("as-configured", "left-over", "permissions")

HEALTHY, DANGEROUS, CANNOT_TELL = 0, 1, 2


@dataclass(frozen=True)
class Diagnosis:
    """The findings of each check, the worst first; and what was not checked, by check."""

    findings: tuple[tuple[str, Finding], ...]
    not_checked: tuple[tuple[str, str], ...]
    compared: bool  # with a config

    def status(self, *, strict: bool) -> int:
        """The exit status: what is dangerous counts, warnings too if `strict`."""
        severities = {finding.severity for _, finding in self.findings}
        if severities & ({DANGER, WARNING} if strict else {DANGER}):
            return DANGEROUS
        return CANNOT_TELL if self.not_checked else HEALTHY


def judge(seen: Seen) -> Diagnosis:
    findings: list[tuple[str, Finding]] = []
    gaps: list[tuple[str, str]] = []
    for name, check in CHECKS.items():
        try:
            for found in check(seen):
                if isinstance(found, Finding):
                    findings.append((name, found))
                else:
                    gaps.append((name, found.why))
        except NotReadError as problem:
            gaps.append((name, str(problem)))
    findings.sort(key=lambda entry: SEVERITIES.index(entry[1].severity))
    return Diagnosis(tuple(findings), tuple(dict.fromkeys(gaps)), seen.subject.configured)
