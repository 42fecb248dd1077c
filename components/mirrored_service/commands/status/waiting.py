"""Why pods are not ready. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..doctor.subject import Object
from .roles import Role, is_ready

_LONGEST = 160


def waiting(roles: Sequence[Role], events: Sequence[Object]) -> list[str]:
    """One line for each pod that is not ready, and for each version that lacks pods altogether."""
    lines = []
    for role in roles:
        lines += [f"{pod['metadata']['name']}: {_why(pod, events)}" for pod in role.pods if not is_ready(pod)]
        if role.wanted is not None and len(role.pods) < role.wanted:
            lines.append(
                f"{role.version}: {role.wanted - len(role.pods)} of {role.wanted} pods are not made yet"
            )
    return lines


def _why(pod: Object, events: Sequence[Object]) -> str:
    reasons = [*_containers(pod), *_conditions(pod)]
    told = _last_event(pod, events)
    return _short("; ".join([*reasons[:1], *([told] if told else [])]) or "not ready yet")


def _containers(pod: Object) -> Iterator[str]:
    status = pod.get("status", {})
    for found in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        state = found.get("state", {})
        waits = state.get("waiting") or {}
        if waits.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            ended = (found.get("lastState", {}).get("terminated") or {}).get("exitCode")
            code = f", exit status {ended}" if ended is not None else ""
            yield f"container {found['name']}: {waits['reason']}{code}"
        elif "running" in state and not found.get("ready") and found.get("started", True):
            yield f"container {found['name']} runs and is not ready: its readiness probe fails"


def _conditions(pod: Object) -> Iterator[str]:
    for found in pod.get("status", {}).get("conditions") or ():
        if found["type"] == "PodScheduled" and found["status"] != "True":
            yield f"{found.get('reason', 'not scheduled')}: {found.get('message', '')}"


def _last_event(pod: Object, events: Sequence[Object]) -> str:
    """The newest warning about the pod."""
    found = [
        each
        for each in events
        if each.get("type") == "Warning"
        and each.get("involvedObject", {}).get("name") == pod["metadata"]["name"]
        and each.get("reason") != "FailedScheduling"  # a condition says the same
    ]
    newest = max(
        found, key=lambda each: each.get("lastTimestamp") or each.get("eventTime") or "", default=None
    )
    return f"{newest['reason']}: {newest.get('message', '')}" if newest else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."
