"""Watches copies arrive: reads what the proxies of the shadows' pods count, over and over."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from .arrivals import Arrivals
from .cluster import Cluster
from .errors import CommandError

READ_AT_ONCE = 8
PAUSE_SECONDS = 0.2  # between two readings, so that they cost little


class Watch:
    """Readings of the counters of these versions' pods during a block."""

    def __init__(self, cluster: Cluster, versions: Sequence[str]) -> None:
        self.arrivals = Arrivals()
        self.unread: dict[str, str] = {}  # pods whose proxy did not answer, and why
        self._seen_until: float | None = None  # a copy that came before this moment was counted
        self._cluster, self._versions = cluster, versions
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def until_quiet(self, since: float, quiet: float, limit: float) -> bool:
        """Waits until no copy has arrived for `quiet` seconds; False if that is not so `limit` seconds on."""
        while time.monotonic() - since < limit:
            if self._seen_until and self._seen_until - max(since, self.arrivals.last or since) >= quiet:
                return True
            time.sleep(0.1)
        return False

    def _loop(self) -> None:
        with ThreadPoolExecutor(READ_AT_ONCE) as pool:
            while not self._end.is_set():
                begun = time.monotonic()
                self._read_all(pool)
                self._seen_until = begun
                self._end.wait(PAUSE_SECONDS)

    def _read_all(self, pool: ThreadPoolExecutor) -> None:
        unread = {}
        try:
            pods = self._cluster.pods(self._versions)
        except CommandError as error:
            self.unread = {"pods": str(error)}
            return
        for pod, result in zip(pods, pool.map(self._read, pods), strict=True):
            if isinstance(result, str):
                unread[pod] = result
            else:
                self.arrivals.read(pod, *result)
        self.unread = unread

    def _read(self, pod: str) -> tuple[int, float] | str:
        """The count and when it was read; or why it was not."""
        try:
            return self._cluster.requests_passed_on(pod), time.monotonic()
        except CommandError as error:
            return str(error)
