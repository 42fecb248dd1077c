"""When is an object ready? Pure rules over what the API server says, one function a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .state import describe, full_name
from .values import Object


@dataclass(frozen=True)
class Verdict:
    """Whether an object is ready; if not, what it waits for now, and what speaks against it."""

    ready: bool
    waiting_for: str = ""
    reasons: list[str] = field(default_factory=list)
    # Waiting longer cannot help.
    hopeless: bool = False


READY = Verdict(ready=True)


def workload(obj: Object) -> Verdict:
    """Everything that can be judged by the object alone."""
    rule = _RULES.get((obj.get("apiVersion", ""), obj.get("kind", "")))
    return rule(obj) if rule else READY


def has_pods(obj: Object) -> bool:
    """Does this kind run pods whose troubles explain why it is not ready?"""
    return obj.get("kind") in ("Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet")


def _deployment(obj: Object) -> Verdict:
    status, wanted = obj.get("status", {}), obj.get("spec", {}).get("replicas", 1)
    if not _observed(obj):
        return Verdict(False, "Waiting for the Deployment controller to see the change")
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    reasons = [
        f"[{condition.get('reason', kind)}] {condition.get('message', '')}"
        for kind in ("Progressing", "Available")
        if (condition := _condition(obj, kind)) and condition.get("status") != "True"
    ]
    rolled_out = updated >= wanted and status.get("replicas", 0) <= updated and available >= wanted
    if rolled_out and not reasons:
        return READY
    progress = (
        f"Waiting for app ReplicaSet to be available ({min(available, updated)}/{wanted} Pods available)"
    )
    missing = [] if available >= wanted else ["Minimum number of live Pods was not attained"]
    return Verdict(False, progress, reasons + missing)


def _stateful_set(obj: Object) -> Verdict:
    status, wanted = obj.get("status", {}), obj.get("spec", {}).get("replicas", 1)
    ready = status.get("readyReplicas", 0)
    moved = status.get("currentRevision") == status.get("updateRevision")
    if _observed(obj) and ready >= wanted and moved:
        return READY
    return Verdict(
        False, f"Waiting for StatefulSet Pods ({ready}/{wanted} ready)", ["Not all Pods are ready"]
    )


def _daemon_set(obj: Object) -> Verdict:
    status = obj.get("status", {})
    wanted = status.get("desiredNumberScheduled", 0)
    ready = min(status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0))
    if _observed(obj) and ready >= wanted:
        return READY
    return Verdict(
        False, f"Waiting for DaemonSet Pods ({ready}/{wanted} available)", ["Not all Pods are available"]
    )


def _job(obj: Object) -> Verdict:
    if _is_true(obj, "Complete"):
        return READY
    failed = _condition(obj, "Failed")
    if failed.get("status") == "True":
        return Verdict(False, "", [f"[{failed.get('reason')}] {failed.get('message')}"], hopeless=True)
    return Verdict(False, "Waiting for the Job to complete", ["The Job has not completed"])


def _pod(obj: Object) -> Verdict:
    phase = obj.get("status", {}).get("phase")
    if phase == "Succeeded" or _is_true(obj, "Ready"):
        return READY
    return Verdict(False, "Waiting for the Pod to be ready", pod_troubles([obj]) or [f"The Pod is {phase}"])


def _volume(obj: Object) -> Verdict:
    phase = obj.get("status", {}).get("phase")
    if phase in ("Available", "Bound"):
        return READY
    return Verdict(False, f"Waiting for {describe(obj)} to be available", [f"The volume is {phase}"])


def _ingress(obj: Object) -> Verdict:
    if obj.get("status", {}).get("loadBalancer", {}).get("ingress"):
        return READY
    return Verdict(False, "Waiting for an address", ["Ingress was not allocated an address"])


def service(obj: Object, endpoints: Iterable[Object], *, settled: bool = False) -> Verdict:
    """A Service is ready when it has its address, and every endpoint it has is ready.

    One that selects no pods at all is ready once that has settled.
    """
    spec = obj.get("spec", {})
    has_address = obj.get("status", {}).get("loadBalancer", {}).get("ingress")
    if spec.get("type") == "LoadBalancer" and not has_address:
        reason = "Service was not allocated an IP address; does your cloud provider support this?"
        return Verdict(False, "Waiting for a load balancer address", [reason])
    if not selects_pods(obj):
        return READY
    ready = [endpoint.get("conditions", {}).get("ready", True) for endpoint in endpoints]
    if all(ready) and (ready or settled):
        return READY
    reason = (
        "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' "
        "may not match labels on any Pods"
    )
    return Verdict(False, f"Finding Pods to direct traffic to ({sum(ready)}/{len(ready)} ready)", [reason])


def selects_pods(service: Object) -> bool:
    """Is this a Service whose endpoints come from a selector and sit behind an address?"""
    spec = service.get("spec", {})
    return (
        bool(spec.get("selector")) and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None"
    )


def pod_troubles(pods: Iterable[Object]) -> list[str]:
    """What keeps pods from being ready, one line a container: ImagePullBackOff, CrashLoopBackOff and so on."""
    found = []
    for pod in pods:
        if pod["metadata"].get("deletionTimestamp") or _is_true(pod, "Ready"):
            continue
        status = pod.get("status", {})
        unscheduled = _condition(pod, "PodScheduled")
        if unscheduled.get("status") == "False":
            found.append(f"[Pod {full_name(pod)}]: {unscheduled.get('message')}")
        for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
            found += [f"[Pod {full_name(pod)}]: {trouble}" for trouble in _container_troubles(container)]
    return found


def _container_troubles(container: Object) -> list[str]:
    if container.get("ready"):
        return []
    found, name = [], container.get("name")
    waiting = container.get("state", {}).get("waiting", {})
    if waiting.get("reason") and waiting["reason"] not in ("ContainerCreating", "PodInitializing"):
        found.append(f"container {name!r}: [{waiting['reason']}] {waiting.get('message', '')}")
    for state in (container.get("state", {}), container.get("lastState", {})):
        ended = state.get("terminated", {})
        if ended and ended.get("exitCode"):
            found.append(
                f"container {name!r} ended with exit code {ended['exitCode']} ({ended.get('reason')})"
            )
    return found


def _observed(obj: Object) -> bool:
    return bool(obj.get("status", {}).get("observedGeneration", 0) >= obj["metadata"].get("generation", 0))


def _condition(obj: Object, kind: str) -> dict[str, Any]:
    for condition in obj.get("status", {}).get("conditions") or []:
        if condition.get("type") == kind:
            return dict(condition)
    return {}


def _is_true(obj: Object, kind: str) -> bool:
    return _condition(obj, kind).get("status") == "True"


_RULES: dict[tuple[str, str], Callable[[Object], Verdict]] = {
    ("apps/v1", "Deployment"): _deployment,
    ("apps/v1", "StatefulSet"): _stateful_set,
    ("apps/v1", "DaemonSet"): _daemon_set,
    ("batch/v1", "Job"): _job,
    ("v1", "Pod"): _pod,
    ("v1", "PersistentVolume"): _volume,
    ("v1", "PersistentVolumeClaim"): _volume,
    ("networking.k8s.io/v1", "Ingress"): _ingress,
}
