"""The changes that people make, each as the versions before and after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Subsets = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Change:
    """One `pulumi up`: from these versions to those."""

    name: str
    before: Subsets
    after: Subsets

    def answering(self) -> set[str]:
        """Who may answer during the change: what runs in versions that are live before or after it."""
        subsets = [*self.before.values(), *self.after.values()]
        return {_answer(subset["image"]) for subset in subsets if subset.get("weight")}


def image(version: str) -> str:
    """The test server that answers "nginx <version>"."""
    return f"lab.local/nginx-{version}:1"


def _answer(name: str) -> str:
    return name.removeprefix("lab.local/nginx-").removesuffix(":1")


def changes(replicas: int = 1) -> list[Change]:
    """All changes in an order in which each begins where the last one ended, as far as that is possible."""

    def version(name: str, **properties: Any) -> dict[str, Any]:
        return {"image": image(name), "replicas": replicas, **properties}

    def live(name: str, weight: int = 100) -> dict[str, Any]:
        return version(name, weight=weight)

    def shadow(name: str, percent: float = 100) -> dict[str, Any]:
        return version(name, mirrorPercent=percent)

    v1_alone: Subsets = {"v1": live("v1")}
    off: Subsets = {"v1": live("v1"), "v2": version("v2")}
    mirrored: Subsets = {"v1": live("v1"), "v2": shadow("v2")}
    half: Subsets = {"v1": live("v1"), "v2": shadow("v2", 50)}
    other_shadow: Subsets = {"v1": live("v1"), "v2": shadow("v3")}
    two_shadows: Subsets = {"v1": live("v1"), "v2": shadow("v2"), "v3": shadow("v3")}
    updated: Subsets = {"v1": live("v3"), "v2": shadow("v2")}
    scaled: Subsets = {"v1": {**live("v1"), "replicas": 3 * replicas}, "v2": shadow("v2")}
    moved: Subsets = {"v1": {**live("v1"), "containerPort": 8080}, "v2": shadow("v2")}
    promoted: Subsets = {"v1": version("v1"), "v2": live("v2")}
    v2_alone: Subsets = {"v2": live("v2")}
    v3_alone: Subsets = {"v3": live("v3")}
    split: Subsets = {"v1": live("v1", 90), "v2": live("v2", 10)}
    return [
        Change("a shadow added", v1_alone, mirrored),
        Change("percentage changed", mirrored, half),
        Change("mirror off", half, off),
        Change("split 90/10", off, split),
        Change("split back", split, off),
        Change("mirror on", off, mirrored),
        Change("replicas up", mirrored, scaled),
        Change("replicas down", scaled, mirrored),
        Change("promote", mirrored, promoted),
        Change("roll back", promoted, mirrored),
        Change("a shadow's image changed", mirrored, other_shadow),
        Change("two shadows at once", v1_alone, two_shadows),
        Change("a shadow removed", two_shadows, mirrored),
        Change("live port changed in place", mirrored, moved),
        Change("live image changed in place", mirrored, updated),
        Change("promote and remove v1", mirrored, v2_alone),
        Change("replace v2 by v3 in one go", v2_alone, v3_alone),
    ]
