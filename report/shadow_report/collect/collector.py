"""Holds the collector together: follows pods as they come, writes files as they fill, and ends in good order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from shadow_report.collect import summary
from shadow_report.collect.cluster import Cluster
from shadow_report.collect.follow import Follower
from shadow_report.collect.lines import Reader
from shadow_report.collect.pods import Restarts, Watched
from shadow_report.collect.seam import Seam
from shadow_report.collect.store import Store
from shadow_report.collect.summary import Summary
from shadow_report.collect.tally import Gap, Tally, moment
from shadow_report.errors import ReportError

MOST_WAITING = 100_000  # requests in memory, some 150 MB
# Proxies write their log at least every 10 s: the line of a request may come that much later.
LATE_SECONDS = 11.0
TELL_SECONDS = 1.0
QUIET_SECONDS = 30.0  # without a request, after which something may be wrong

Tell = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Plan:
    """What is wanted, and in which pieces."""

    begin: int  # nanoseconds since 1970: what was logged before is not wanted
    seconds: float | None  # how long to collect; None: until asked to end
    file_seconds: float  # a file for so much time
    reader: Reader


class Collector:
    """Collects until its time is over, or until `end` is called."""

    def __init__(self, cluster: Cluster, store: Store, plan: Plan, tell: Tell) -> None:
        """`tell` is given each event with what there is to say of it."""
        earlier = summary.read(store.directory) or Summary()
        self.tally = Tally(gaps=list(earlier.gaps))
        self.restarts = list(earlier.restarts)  # of all containers
        self._news = Restarts(earlier.restarts)
        self._cluster = cluster
        self._store = store
        self._plan = plan
        self._tell = tell
        self._earlier = store.seams()
        self._followers: dict[str, Follower] = {}
        self._ended: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._first_pods = True
        self._began = self._written = time.monotonic()
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Stops reading; what was read is written."""
        self._ending.set()

    async def run(self) -> None:
        """Raises ReportError when the cluster refuses what is needed; what was read until then is kept."""
        try:
            async with asyncio.TaskGroup() as group:
                self._start(group, self._follow_all(group))
                self._start(group, self._keep_telling())
                await self._until_end()
                for task in self._tasks:
                    task.cancel()
        except* ReportError as problems:
            raise problems.exceptions[0] from None
        finally:
            self._write()
            self._store.summarize(self.summary())

    def summary(self) -> dict[str, Any]:
        """What was collected."""
        return {
            "namespace": self._cluster.namespace,
            "selector": self._cluster.selector,
            "from": moment(self._plan.begin),
            "to": moment(time.time_ns()),
            "files": len(self._store.files),
            "bytes": self._store.bytes,
            **self.tally.as_json(),
            "container_restarts": [each.as_json() for each in self.restarts],
        }

    def progress(self) -> dict[str, Any]:
        """How it goes."""
        return {
            "seconds": round(time.monotonic() - self._began, 1),
            "pods": dict(sorted(self.tally.pods.items())),
            "files": len(self._store.files),
            "bytes": self._store.bytes,
            **self.tally.as_json(),
        }

    def _start(self, group: asyncio.TaskGroup, work: Any) -> None:
        task = group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_end(self) -> None:
        wanted = None if self._plan.seconds is None else self._plan.seconds + LATE_SECONDS
        try:
            await asyncio.wait_for(self._ending.wait(), wanted)
        except TimeoutError:
            return

    async def _follow_all(self, group: asyncio.TaskGroup) -> None:
        async with aclosing(self._cluster.changes()) as changes:
            async for pods in changes:
                for log, pod in pods.items():
                    self._note_restarts(log, pod)
                    if log in self._followers:
                        self._followers[log].update(pod)
                    elif log not in self._ended:
                        self._followers[log] = self._follower(log, pod)
                        self._start(group, self._follow(log))
                for log in self._followers.keys() - pods.keys():
                    self._followers[log].wake()
                if self._first_pods:
                    self._first_pods = False
                    self._tell("ready", {"pods": len(pods)})

    def _follower(self, log: str, pod: Watched) -> Follower:
        return Follower(
            self._cluster,
            pod,
            self._seam(log),
            self.tally,
            add=self._store.add,
            report=self._tell_gap,
            reader=self._plan.reader,
        )

    async def _follow(self, log: str) -> None:
        pod = self._followers[log].pod
        self.tally.pods[pod.version] += 1
        self._tell("pod", {"pod": pod.name, "version": pod.version, "state": "followed"})
        await self._followers[log].run()
        self._ended.add(log)  # what we know of the pods may be older than that
        del self._followers[log]
        self.tally.pods[pod.version] -= 1
        self._tell("pod", {"pod": pod.name, "version": pod.version, "state": "gone"})

    def _seam(self, log: str) -> Seam:
        """Where to begin: where an earlier collector ended, now, or with all that a new pod has logged."""
        if log in self._earlier:
            return Seam(*self._earlier[log])
        return Seam(self._begin(log))

    def _begin(self, log: str) -> int:
        """From when on a log is wanted."""
        if log in self._earlier:
            return self._earlier[log][0]
        return self._plan.begin if self._first_pods and not self._earlier else 0

    def _note_restarts(self, log: str, pod: Watched) -> None:
        for each in self._news.news(pod, self._begin(log)):
            self.restarts.append(each)
            self._tell("restart", {**each.as_json(), "text": each.as_text()})

    def _tell_gap(self, gap: Gap) -> None:
        self._tell("gap", {**gap.as_json(), "text": gap.as_text()})

    async def _keep_telling(self) -> None:
        warned = False
        while True:
            await asyncio.sleep(TELL_SECONDS)
            if self._store.waiting >= MOST_WAITING or self._file_is_due():
                self._write()
            self._tell("progress", self.progress())
            quiet = not self.tally.requests.total() and time.monotonic() - self._began > QUIET_SECONDS
            if quiet and not warned:
                self._tell("warning", {"text": self._why_quiet()})
                warned = True

    def _why_quiet(self) -> str:
        if not self._followers:
            return (
                f"no pod in namespace {self._cluster.namespace} matches {self._cluster.selector} and has a "
                f"container {self._cluster.container} and a label version; waiting for one"
            )
        return (
            f"no request yet in the logs of {len(self._followers)} pods: is there traffic, does accessLog name a "
            "provider, and does the mesh's config have that provider (docs/collect.md)?"
        )

    def _file_is_due(self) -> bool:
        return time.monotonic() - self._written >= self._plan.file_seconds

    def _write(self) -> None:
        self._written = time.monotonic()
        read = {log: (follower.seam.start, follower.seam.recent) for log, follower in self._followers.items()}
        file = self._store.write(read)
        if file is None:
            return
        self._tell("file", {"file": file.path.name, "requests": file.requests, "bytes": file.bytes})
        removed = self._store.make_room()
        if removed is not None:
            self.tally.removed_files += removed.files
            self.tally.removed_requests += removed.requests
            self._tell("removed", {"files": removed.files, "requests": removed.requests})
        self._store.summarize(self.summary())
