"""Everything that was found: in a cluster, or in files. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..doctor import names
from ..doctor.subject import Object, key


@dataclass(frozen=True)
class World:
    objects: Sequence[Object]
    live: bool  # they are the cluster's, with what it fills in and counts
    unread: Mapping[str, str] = field(default_factory=dict)  # what could not be read, and why

    def of(self, kind: str, namespace: str | None = None) -> list[Object]:
        """All of a kind; of one namespace, if it is said."""
        return [each for each in self.objects if each["kind"] == kind and namespace in (None, key(each)[1])]

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        return next((each for each in self.of(kind, namespace) if key(each)[2] == name), None)


def http(virtual_service: Object) -> list[dict[str, Any]]:
    return list(virtual_service["spec"].get("http") or ())


def destinations(route: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [member.get("destination") or {} for member in route.get("route") or ()]


def led_to(virtual_service: Object, route: Mapping[str, Any], domain: str) -> Iterator[str]:
    """The full names of the hosts that a route leads to."""
    for destination in destinations(route):
        yield names.full(str(destination.get("host", "")), key(virtual_service)[1], domain)


def age(found: Object) -> tuple[str, str, str]:
    """Istio's order: by creation, then by name."""
    _, namespace, name = key(found)
    return found["metadata"].get("creationTimestamp") or "9999", name, namespace
