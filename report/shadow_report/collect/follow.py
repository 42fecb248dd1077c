"""Follows one container's log: through lost connections, restarts of the container, and to the pod's end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol

from shadow_report.collect import lines
from shadow_report.collect.lines import Reader, Row
from shadow_report.collect.pods import Watched
from shadow_report.collect.seam import Line, Seam, key
from shadow_report.collect.tally import Gap, Rate, Tally
from shadow_report.text_logs import BadLineError

FIRST_PAUSE = 0.2  # seconds before reading on after an interruption; doubled each time
LONGEST_PAUSE = 5.0

ROTATED = "the kubelet had rotated the log away, or removed that of an earlier container"
GONE = "the pod went while its log could not be read"
RESTARTED = "the container was restarted more than once, and the kubelet keeps the log of the last one only"


class NoLogError(Exception):
    """The container has no such log now: it has not started yet, is gone, or was never restarted."""


class InterruptedReadingError(Exception):
    """The connection was lost, or there was none."""


class Logs(Protocol):
    """Where pods and their logs come from."""

    async def pod(self, name: str) -> Watched | None:
        """The pod as it is now; None if it is gone. Raises InterruptedReadingError."""

    def log(self, pod: str, since: int, *, previous: bool = False) -> AsyncGenerator[bytes]:
        """The whole lines of a pod's log from `since` on (nanoseconds), until the container ends.

        `previous`: of the container before its last restart. Raises NoLogError and InterruptedReadingError.
        """


class Follower:
    """Reads one pod's log to its end; `add` is given each request once."""

    def __init__(
        self,
        logs: Logs,
        pod: Watched,
        seam: Seam,
        tally: Tally,
        add: Callable[[Row], None],
        report: Callable[[Gap], None] = lambda gap: None,
        reader: Reader = lines.request,
    ) -> None:
        """`seam`: where to begin. A pod whose beginning is not wanted has had its restarts until now."""
        self.pod = pod
        self.seam = seam
        self._logs = logs
        self._tally = tally
        self._add = add
        self._report = report
        self._reader = reader
        self._rate = Rate()
        # Restarts whose earlier logs were read. Of those from before our time the last may reach into it.
        self._restarts_read = max(0, pod.restarts - 1) if seam.start or seam.newest else 0
        self._interrupted = False
        self._changed = asyncio.Event()

    def update(self, pod: Watched) -> None:
        """The API says something new of the pod."""
        self.pod = pod
        self.wake()

    def wake(self) -> None:
        """Something may have happened to the pod."""
        self._changed.set()

    async def run(self) -> None:
        """Ends when the pod is gone and its log is read."""
        pause = FIRST_PAUSE
        while True:
            try:
                now = await self._logs.pod(self.pod.name)
                if now is None or now.uid != self.pod.uid:
                    return self._end()
                self.pod = now
                news = await self._read_on()
            except InterruptedReadingError:
                self._tally.interruptions += not self._interrupted
                self._interrupted = True
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            self._interrupted = False
            if not news:
                await self._wait()

    async def _read_on(self) -> bool:
        """Reads until the container ends. Was there anything new?"""
        if self.pod.restarts < 0:
            return False
        try:
            read, broken = await self._read_all(look_back=self.pod.restarts > self._restarts_read)
            if broken:
                # The log goes on behind lines that we have not seen. The container may have been restarted, and
                # the API does not say so yet: the rest would be in the log of the one before.
                more, _ = await self._read_all(look_back=True)
                read += more
        except NoLogError:
            return False
        return read > 0

    async def _read_all(self, *, look_back: bool) -> tuple[int, bool]:
        """Reads the log of the container before, if asked to, and then of this one; returns as `_read` does."""
        since = self.seam.reopen()
        read = await self._read_previous(since) if look_back else 0
        more, broken = await self._read(since, previous=False, last_resort=look_back)
        return read + more, broken

    async def _read_previous(self, since: int) -> int:
        known = self.pod.restarts  # more may be told of while we read
        if known - self._restarts_read > 1 and self.seam.joined:
            self._note_gap(time.time_ns(), RESTARTED)
        if self.seam.newest:
            self._tally.restarts += known - self._restarts_read
        try:
            read, _ = await self._read(since, previous=True, last_resort=True)
        except NoLogError:
            read = 0
        self._restarts_read = known
        return read

    async def _read(self, since: int, *, previous: bool, last_resort: bool) -> tuple[int, bool]:
        """How many new lines there were, and whether reading stopped as lines before them are missing."""
        read = 0
        async with aclosing(self._logs.log(self.pod.name, since, previous=previous)) as found:
            async for line in found:
                self._interrupted = False
                parts = lines.split(line)
                if parts is None:
                    self._tally.bad["without the kubelet's time"] += 1
                    continue
                told = self.seam.admit(key(*parts))
                if told is Line.BREAK:
                    if not last_resort:
                        return read, True
                    self._note_gap(parts[0], ROTATED)
                    self.seam.accept_break()
                    told = self.seam.admit(key(*parts))
                if told is Line.NEW:
                    read += 1
                    self._take(*parts)
                elif told is Line.KNOWN:
                    self._tally.known += 1
        return read, False

    def _take(self, when: int, text: bytes) -> None:
        self._rate.note(when)
        try:
            row = self._reader(text)
        except BadLineError as problem:
            self._tally.bad[str(problem)] += 1
            return
        if row is None:
            self._tally.other += 1
            return
        row["pod"], row["version"] = self.pod.name, self.pod.version
        self._tally.requests[self.pod.version] += 1
        self._add(row)

    def _end(self) -> None:
        if self._interrupted:
            self._note_gap(time.time_ns(), GONE)

    def _note_gap(self, end: int, why: str) -> None:
        begin = self.seam.newest
        about = self._rate.about(end - begin) if begin else None
        gap = Gap(self.pod.name, self.pod.version, begin, end, why, about)
        self._tally.gaps.append(gap)
        self._report(gap)

    async def _wait(self) -> None:
        """Until the API says something of the pod; not for long, as it may have said so a moment ago."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), LONGEST_PAUSE)
        except TimeoutError:
            return
