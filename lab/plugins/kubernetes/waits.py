"""Waiting: until an object is ready, until it is gone. Every wait has a limit and ends at once on Cancel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .client import Cluster
from .errors import ApiError, UnreadyError
from .readiness import READY, Verdict, has_pods, pod_troubles, selects_pods, service, workload
from .state import SKIP_AWAIT, TIMEOUT_SECONDS, annotation, describe, is_true, metadata
from .values import Object

Tell = Callable[[str], None]

DEFAULT_SECONDS = 600.0
_POLL_SECONDS = 0.15
# Pods that just start have passing troubles that nobody needs to hear of.
_QUIET_SECONDS = 2.0
# How long a Service that selects no pods at all must stay so before it counts as ready, as it does officially.
_SETTLE_SECONDS = 10.0
# The official provider ignores skipAwait when it deletes other kinds than these.
_SKIP_DELETE_WAIT = (
    ("v1", "Namespace"),
    ("v1", "Pod"),
    ("v1", "ReplicationController"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("batch/v1", "Job"),
)


def time_limit(inputs: Object, requested: float) -> float:
    """Seconds to wait: the resource option customTimeouts, else the annotation, else ten minutes."""
    if requested:
        return requested
    text = annotation(inputs, TIMEOUT_SECONDS)
    return float(text) if text.isdigit() else DEFAULT_SECONDS


class Waiter:
    """Waits for objects of one cluster."""

    def __init__(self, cluster: Cluster, cancelled: threading.Event) -> None:
        self._cluster = cluster
        self._cancelled = cancelled

    def until_ready(self, inputs: Object, live: Object, limit: float, tell: Tell) -> Object:
        """The object once it is ready; UnreadyError if it is not in time."""
        if is_true(inputs, SKIP_AWAIT):
            return live
        started = time.monotonic()
        while True:
            elapsed = time.monotonic() - started
            verdict = self.judge(live, settled=elapsed > _SETTLE_SECONDS)
            if verdict.ready:
                return live
            if verdict.hopeless or elapsed > limit:
                raise self._unready(
                    f"'{metadata(live)['name']}' timed out waiting to be Ready", verdict, live
                )
            troubles = self._pod_troubles(live) if elapsed > _QUIET_SECONDS else []
            tell("; ".join([verdict.waiting_for, *troubles]))
            if self._cancelled.wait(_POLL_SECONDS):
                message = f"Resource operation was cancelled for {metadata(live)['name']!r}"
                raise self._unready(message, verdict, live)
            live = self._cluster.get(live)

    def check_ready(self, inputs: Object, live: Object) -> None:
        """UnreadyError if the object is not ready at this moment."""
        if is_true(inputs, SKIP_AWAIT):
            return
        verdict = self.judge(live, settled=True)
        if not verdict.ready:
            message = f"Resource '{metadata(live)['name']}' was created but failed to initialize"
            raise self._unready(message, verdict, live)

    def until_gone(self, inputs: Object, live: Object, limit: float, tell: Tell) -> None:
        """Returns when the object no longer exists; a new one of the same name is not the old one."""
        kind = (live.get("apiVersion", ""), live.get("kind", ""))
        if is_true(inputs, SKIP_AWAIT) and kind in _SKIP_DELETE_WAIT:
            return
        started = time.monotonic()
        while (found := self._cluster.find(live)) is not None:
            if metadata(found).get("uid") != metadata(live).get("uid", metadata(found).get("uid")):
                return
            waiting = _what_holds(found)
            tell(f"Waiting for {describe(found)} to be deleted: {waiting}")
            if time.monotonic() - started > limit:
                raise UnreadyError(
                    f"timed out waiting for the deletion of {describe(found)}", [waiting], found
                )
            if self._cancelled.wait(_POLL_SECONDS):
                raise UnreadyError(f"the deletion of {describe(found)} was cancelled", [waiting], found)

    def judge(self, live: Object, *, settled: bool) -> Verdict:
        """Is the object ready now?"""
        if (live.get("apiVersion"), live.get("kind")) == ("v1", "Service"):
            return service(live, self._endpoints(live) if selects_pods(live) else [], settled=settled)
        if live.get("kind") == "PersistentVolumeClaim" and self._binds_later(live):
            return READY
        return workload(live)

    def _endpoints(self, live: Object) -> list[Object]:
        found = metadata(live)
        slices = self._cluster.list(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            found["namespace"],
            labelSelector=f"kubernetes.io/service-name={found['name']}",
        )
        return [endpoint for part in slices for endpoint in part.get("endpoints") or []]

    def _binds_later(self, claim: Object) -> bool:
        name = claim.get("spec", {}).get("storageClassName")
        wanted = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
        storage = self._cluster.find(wanted) if name else None
        return storage is not None and storage.get("volumeBindingMode") == "WaitForFirstConsumer"

    def _unready(self, message: str, verdict: Verdict, live: Object) -> UnreadyError:
        return UnreadyError(message, verdict.reasons + self._pod_troubles(live), live)

    def _pod_troubles(self, live: Object) -> list[str]:
        labels = live.get("spec", {}).get("selector", {}).get("matchLabels") if has_pods(live) else None
        if not labels:
            return []
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        try:
            pods = self._cluster.list("v1", "Pod", metadata(live)["namespace"], labelSelector=selector)
        except ApiError:
            return []
        return pod_troubles(pods)


def _what_holds(deleted: Object) -> str:
    """Why an object that was deleted is still there."""
    names = metadata(deleted).get("finalizers") or []
    # The garbage collector's own: it is deleting what belongs to the object.
    foreign = [name for name in names if name != "foregroundDeletion"]
    if foreign:
        return f"finalizers might be preventing deletion ({', '.join(foreign)})"
    return "what belongs to it is being deleted"
