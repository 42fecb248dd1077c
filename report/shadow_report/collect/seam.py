"""Joins what is read of a container's log before and after an interruption, without a line lost or doubled.

The kubelet takes a moment to read from in whole seconds, so a log that is read on starts with lines that were
read before. Every line carries its time in nanoseconds; together with what it says that tells it from others.

Whether lines are missing in between is seen by the last line that was read: it comes again, or the log was cut
off behind it. The kubelet serves a container's newest log file only: what it has rotated away cannot be had.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable
from enum import Enum

SECOND = 1_000_000_000
# stdout and stderr are written by two threads: a line may stand behind one that is a little younger.
OVERLAP = 2 * SECOND

Key = tuple[int, int]  # nanoseconds since 1970, and what the line says


class Line(Enum):
    """What a line is to what was read before."""

    NEW = "new"
    KNOWN = "known"
    EARLY = "early"  # before the first moment wanted
    BREAK = "break"  # new, and the last line that was read before did not come again


def key(time: int, text: bytes) -> Key:
    """Tells a line from others; the same in every process, as it is kept with the lines."""
    return time, int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "big")


class Seam:
    """Where the reading of one container's log is; all of the container's restarts are one log here."""

    def __init__(self, start: int = 0, recent: Iterable[Key] = ()) -> None:
        """`start`: nanoseconds since 1970, lines before are not wanted. `recent`: that of an earlier reading."""
        self.start = start
        self._recent: deque[Key] = deque(recent)
        self._newest = max((time for time, _ in self._recent), default=0)
        self._known: Counter[Key] = Counter()
        self._last: Key | None = None
        self._joined = True
        self.since = 0

    @property
    def newest(self) -> int:
        """Time of the youngest line, 0 if there is none."""
        return self._newest

    @property
    def recent(self) -> list[Key]:
        """The last lines, from which another seam can go on."""
        return list(self._recent)

    @property
    def joined(self) -> bool:
        """Did the last line of before come again, or was there none?"""
        return self._joined

    def reopen(self) -> int:
        """To be called before reading on; returns the moment to read from, in nanoseconds: a whole second.

        A container that was restarted has two logs: both are read from that moment, the older one first.
        """
        self.since = max(self.start, self._newest - OVERLAP) // SECOND * SECOND
        self._known = Counter(line for line in self._recent if line[0] >= self.since)
        self._last = self._recent[-1] if self._recent else None
        self._joined = self._last is None
        return self.since

    def accept_break(self) -> None:
        """What is missing cannot be had: the lines that follow are new."""
        self._joined = True

    def admit(self, line: Key) -> Line:
        """What this line is; a new one is remembered. After BREAK look elsewhere, or accept the break."""
        if self._known[line] > 0:
            self._known[line] -= 1
            self._joined = self._joined or line == self._last
            return Line.KNOWN
        if line[0] < self.start:
            return Line.EARLY
        if not self._joined:
            return Line.BREAK
        self._remember(line)
        return Line.NEW

    def _remember(self, line: Key) -> None:
        self._recent.append(line)
        self._newest = max(self._newest, line[0])
        # A whole second more than the overlap, as `since` is rounded down.
        oldest = self._newest - OVERLAP - SECOND
        # The last line always stays: by it the log is joined.
        while len(self._recent) > 1 and self._recent[0][0] < oldest:
            self._recent.popleft()
