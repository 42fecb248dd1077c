"""What each version is, going by the routes in the cluster. Pure, and total: people write routes of any shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...description.subset import COPIES
from ...rendering.known_routes import http
from ..doctor.selectors import by_labels
from ..doctor.subject import Object, Subject, Version, labels

_OVER = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Role:
    """A version, and its pods."""

    version: str
    weight: float  # of live requests, in per cent
    percent: (
        float  # of the requests that are copied at all, in per cent; above 100: more than one copy of each
    )
    wanted: int | None  # pods; None: others run them
    pods: tuple[Object, ...]

    @property
    def name(self) -> str:
        return "live" if self.weight else "shadow" if self.percent else "idle"

    @property
    def ready(self) -> int:
        return sum(is_ready(pod) for pod in self.pods)


def roles(subject: Subject, pods: Sequence[Object]) -> list[Role]:
    """One for each version, the live ones first."""
    routes = [route for found in subject.routes for route in http(found)]
    wanted = {
        found["metadata"]["name"]: found["spec"].get("replicas", 1) for found in subject.of("Deployment")
    }
    found = [
        Role(
            version.name,
            max((_weight(route, version.name) for route in routes), default=0),
            max((_percent(route, version.name) for route in routes), default=0),
            wanted.get(f"{subject.name}-{version.name}"),
            tuple(_of(version, pods)),
        )
        for version in subject.versions
    ]
    return sorted(found, key=lambda role: (-role.weight, -role.percent, role.version))


def copied_methods(subject: Subject) -> list[str]:
    """The methods of the requests that are copied; none: every one."""
    copying = [route for found in subject.routes for route in http(found) if _list(route, "mirrors")]
    methods = [
        str(_entry(_entry(match, "method"), "exact") or "")
        for route in copying
        for match in _list(route, "match")
    ]
    return list(dict.fromkeys(methods)) if methods and all(methods) else []


def is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)


def _of(version: Version, pods: Sequence[Object]) -> Iterator[Object]:
    for pod in pods:
        ended = pod.get("status", {}).get("phase") in _OVER or "deletionTimestamp" in pod["metadata"]
        if by_labels(version.selector, labels(pod)) and not ended:
            yield pod


def _weight(route: object, version: str) -> float:
    found = _list(route, "route")
    alone = 100.0 if len(found) == 1 else 0.0
    return sum(
        _number(_entry(member, "weight"), alone)
        for member in found
        if _entry(_entry(member, "destination"), "subset") == version
    )


def _percent(route: object, version: str) -> float:
    """Without a percentage Istio copies everything."""
    return sum(
        _number(_entry(_entry(member, "percentage"), "value"), 100.0)
        for member in _list(route, "mirrors")
        if _entry(_entry(member, "destination"), "subset") in (version, version + COPIES)
    )


def _entry(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _list(value: object, name: str) -> list[Any]:
    found = _entry(value, name)
    return list(found) if isinstance(found, Sequence) and not isinstance(found, str) else []


def _number(value: object, missing: float) -> float:
    return float(value) if isinstance(value, (int, float)) else missing
