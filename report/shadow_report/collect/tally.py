"""Counts what was collected, and what could not be had. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

SECOND = 1_000_000_000
_RATE_SECONDS = 30


@dataclass(frozen=True)
class Gap:
    """Lines of one container that could not be had. How many is not known: the proxy does not number them."""

    pod: str
    version: str
    begin: int  # nanoseconds since 1970: the last line before, 0 if there is none
    end: int  # the first line after, or when the pod was found to be gone
    why: str
    about: int | None = None  # lines at the pod's rate of before; None if that is not known

    def as_json(self) -> dict[str, Any]:
        return {
            "pod": self.pod,
            "version": self.version,
            "from": moment(self.begin) if self.begin else None,
            "to": moment(self.end),
            "why": self.why,
            "about_lines": self.about,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Gap:
        """What `as_json` made. Raises KeyError, TypeError or ValueError for anything else."""
        begin = nanoseconds(values["from"]) if values["from"] else 0
        end = nanoseconds(values["to"])
        return cls(values["pod"], values["version"], begin, end, values["why"], values["about_lines"])

    def as_text(self) -> str:
        seconds = f"{(self.end - self.begin) / SECOND:.1f} s" if self.begin else "the beginning"
        about = "" if self.about is None else f", about {self.about} lines at the rate of before"
        return f"{self.pod} ({self.version}): {seconds} of its log could not be had{about}: {self.why}"


@dataclass
class Tally:
    """What was collected so far."""

    requests: Counter[str] = field(default_factory=Counter)  # by version
    other: int = 0  # lines of the proxy that are not of the access log
    bad: Counter[str] = field(default_factory=Counter)  # lines of the access log that cannot be read, by why
    known: int = 0  # lines that came again after an interruption, and were not kept twice
    interruptions: int = 0
    restarts: int = 0  # of containers that were followed already
    pods: Counter[str] = field(default_factory=Counter)  # followed now, by version
    gaps: list[Gap] = field(default_factory=list)
    removed_files: int = 0
    removed_requests: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "requests": dict(sorted(self.requests.items())),
            "other_lines": self.other,
            "bad_lines": dict(sorted(self.bad.items())),
            "known_lines": self.known,
            "interruptions": self.interruptions,
            "restarts": self.restarts,
            "gaps": [gap.as_json() for gap in self.gaps],
            "removed_files": self.removed_files,
            "removed_requests": self.removed_requests,
        }


class Rate:
    """Lines a second, over the last half minute of a log."""

    def __init__(self) -> None:
        self._times: deque[int] = deque(maxlen=10_000)

    def note(self, time: int) -> None:
        self._times.append(time)
        while self._times[0] < time - _RATE_SECONDS * SECOND:
            self._times.popleft()

    def about(self, nanoseconds: int) -> int | None:
        """How many lines that long a time has."""
        if len(self._times) < 2 or self._times[-1] <= self._times[0]:
            return None
        spread = self._times[-1] - self._times[0]
        return round((len(self._times) - 1) * nanoseconds / spread)


def moment(nanoseconds: int) -> str:
    """As ISO 8601, in UTC with microseconds."""
    return datetime.fromtimestamp(nanoseconds / SECOND, UTC).isoformat(timespec="microseconds")


def nanoseconds(moment: str) -> int:
    """Since 1970, of a time as ISO 8601."""
    return round(datetime.fromisoformat(moment).timestamp() * 1_000_000) * 1000
