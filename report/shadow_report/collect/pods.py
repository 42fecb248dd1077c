"""What the API says of a pod and of the container whose log is read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shadow_report.collect.tally import SECOND, moment, nanoseconds

VERSION_LABEL = "version"


@dataclass(frozen=True)
class Restart:
    """A container that ended and was started again, the sidecar or any other. `times`: how often since it was
    last looked at; only of the last time it is known when and why."""

    pod: str
    version: str
    container: str
    at: int  # nanoseconds since 1970: when it ended
    why: str
    times: int = 1

    def as_json(self) -> dict[str, Any]:
        return {
            "pod": self.pod,
            "version": self.version,
            "container": self.container,
            "at": moment(self.at),
            "why": self.why,
            "times": self.times,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Restart:
        """What `as_json` made. Raises KeyError, TypeError or ValueError for anything else."""
        at = nanoseconds(values["at"])
        return cls(values["pod"], values["version"], values["container"], at, values["why"], values["times"])

    def as_text(self) -> str:
        """What a person is told."""
        often = "" if self.times == 1 else f", {self.times} times"
        return f"{self.pod} ({self.version}): {self.container} was started again{often}: {self.why}"


@dataclass(frozen=True)
class Ended:
    """The last end of a container that was started again since, and how often it was."""

    container: str
    restarts: int
    at: int
    why: str


@dataclass(frozen=True)
class Watched:
    """One pod that is followed, as it was when the API was last heard of."""

    name: str
    uid: str
    version: str
    restarts: int  # of the container; -1 before it first started
    ended: tuple[Ended, ...] = field(default=(), compare=False)  # of all its containers

    @property
    def log(self) -> str:
        """Tells this pod's log from others; a new pod may have the name of an old one."""
        return f"{self.name}/{self.uid}"


def watched(pod: Mapping[str, Any], container: str) -> Watched | None:
    """The pod as far as its container is concerned; None if it has no such container, or no version."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
    version = metadata.get("labels", {}).get(VERSION_LABEL)
    names = [part["name"] for part in (*spec.get("initContainers", []), *spec["containers"])]
    if version is None or container not in names:
        return None
    # Istio's sidecar is an init container where Kubernetes knows sidecars.
    statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    found: Mapping[str, Any] = next((part for part in statuses if part["name"] == container), {})
    started = {"running", "terminated"} & {*found.get("state", {}), *found.get("lastState", {})}
    return Watched(
        name=metadata["name"],
        uid=metadata["uid"],
        version=version,
        restarts=found.get("restartCount", 0) if started else -1,
        ended=tuple(_ended(statuses)),
    )


def _ended(statuses: Iterable[Mapping[str, Any]]) -> Iterator[Ended]:
    for each in statuses:
        last = each.get("lastState", {}).get("terminated")
        if last and each.get("restartCount") and last.get("finishedAt"):
            why = f"{last.get('reason') or 'ended'}, exit code {last.get('exitCode', 'unknown')}"
            at = round(datetime.fromisoformat(last["finishedAt"]).timestamp()) * SECOND
            yield Ended(each["name"], each["restartCount"], at, why)


class Restarts:
    """Tells the restarts that nobody was told of yet."""

    def __init__(self, noted: Iterable[Restart]) -> None:
        """`noted`: what an earlier collector knew."""
        self._noted = {(each.pod, each.container, each.at) for each in noted}
        self._counts: dict[tuple[str, str], int] = {}

    def news(self, pod: Watched, since: int) -> Iterator[Restart]:
        """Those of a pod since a moment, in nanoseconds; 0 for a pod that is new."""
        for each in pod.ended:
            known = self._counts.get((pod.log, each.container), each.restarts - 1 if since else 0)
            self._counts[pod.log, each.container] = each.restarts
            times = each.restarts - known
            if times > 0 and each.at >= since and (pod.name, each.container, each.at) not in self._noted:
                yield Restart(pod.name, pod.version, each.container, each.at, each.why, times)
