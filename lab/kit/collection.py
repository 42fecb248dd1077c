"""`shadow-report collect` as a program: what it tells, and what it has written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet

from lab.cluster.lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.errors import LabError

LIMIT_SECONDS = 120.0


def wait_until(condition: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + LIMIT_SECONDS
    while not condition():
        if time.monotonic() > give_up:
            raise LabError(f"not within {LIMIT_SECONDS:g} s: {what}")
        time.sleep(0.05)


class Collection:
    """A running `shadow-report collect`, and what it has written."""

    def __init__(self, lab: Lab, directory: Path, *options: str, kubeconfig: Path | None = None) -> None:
        self.directory = directory
        self.events: list[dict[str, Any]] = []
        command = ["-m", "shadow_report", "collect", "--json", "--output", str(directory), *options]
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=CHECKOUT,
            env={**os.environ, "KUBECONFIG": str(kubeconfig or lab.kubeconfig)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of a kind, so far."""
        return [event for event in self.events if event["event"] == kind]

    @property
    def collected(self) -> int:
        """Requests so far."""
        latest = self.of("progress")[-1:]
        return sum(latest[0]["requests"].values()) if latest else 0

    def wait_for_more(self, count: int = 100) -> None:
        """Until so many more requests are collected."""
        before = self.collected
        wait_until(lambda: self.collected >= before + count, f"{count} more requests than {before}")

    def wait_for_events(self, count: int) -> None:
        """Until it has told so many things more: of its progress it tells every second."""
        before = len(self.events)
        wait_until(lambda: len(self.events) >= before + count, f"{count} more events than {before}")

    def wait_for_pods(self, state: str, count: int) -> None:
        wait_until(
            lambda: sum(event["state"] == state for event in self.of("pod")) >= count, f"{count} pods {state}"
        )

    def wait_until_ready(self) -> None:
        """Until it knows which pods were there before."""
        wait_until(
            lambda: bool(self.of("ready")) or self.process.poll() is not None, "the collector is ready"
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def end(self) -> dict[str, Any]:
        """Asks it to end; returns what it says at last."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> dict[str, Any]:
        status = self.process.wait(60)
        self._reader.join(10)
        if status:
            raise LabError(f"the collector ended with exit status {status}, see above")
        return self.of("done")[-1]

    def rows(self) -> list[dict[str, Any]]:
        """All requests in the files, oldest first."""
        files = sorted(self.directory.glob("*.parquet"))
        found: list[dict[str, Any]] = pyarrow.parquet.read_table(files).to_pylist() if files else []
        return found
