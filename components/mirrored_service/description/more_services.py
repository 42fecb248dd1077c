"""Further Services that lead to the live version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .ports import ROUTED, Port


@dataclass(frozen=True)
class Entry:
    """One of its ports."""

    spec: Mapping[str, Any]  # Kubernetes' ServicePort without targetPort
    target: Port | int | str  # a port of the service, or one of the pods as Kubernetes knows it

    @property
    def may_be_http(self) -> bool:
        """May the mesh know its requests? Where nothing is told of a port, Istio guesses by what is sent."""
        told = self.spec.get("appProtocol")
        return self.spec.get("protocol", "TCP") == "TCP" and (told is None or told in ROUTED)


@dataclass(frozen=True)
class MoreService:
    name: str
    annotations: Mapping[str, str]
    spec: Mapping[str, Any]  # Kubernetes' ServiceSpec without ports and selector
    ports: tuple[Entry, ...]

    def is_routed_like(self, routed: list[Port]) -> bool:
        """Can routes for the service, of which these ports are routed, be those for callers of this name too?

        With one routed port they are for every port, so none may lead elsewhere; with several they tell them
        apart by number.
        """
        ours = [entry for entry in self.ports if entry.may_be_http]
        return bool(ours) and all(
            entry.target in routed and (len(routed) == 1 or _number(entry) == entry.target) for entry in ours
        )


def _number(entry: Entry) -> Any:
    """The port that the entry leads to, if callers use the same number for it."""
    target = entry.target
    return target if isinstance(target, Port) and target.number == entry.spec["port"] else None
