"""Runs a command and measures it: wall time, processor time and, if asked for, memory."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import LabError

SAMPLE_SECONDS = 0.1
# How the official language host and the lab's name the process that runs a program.
_PROGRAM = re.compile(r"pulumi-language-python-exec|plugins/program\.py")


@dataclass(frozen=True)
class Usage:
    """What one command used, its descendants included."""

    seconds: float
    cpu_seconds: float
    program_mib: float = 0  # largest resident set of the process that runs the Pulumi program
    tree_mib: float = 0  # largest sum of the proportional sets (PSS) of all processes, of samples


def run(command: list[str], environment: Mapping[str, str], *, memory: bool = False) -> Usage:
    """Runs to the end. Memory is sampled, which takes processor time: do not compare times then."""
    with tempfile.TemporaryFile("w+") as output:
        cpu = _cpu_of_children()
        begun = time.monotonic()
        child = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        sampler = _Sampler(child.pid) if memory else None
        status = child.wait()
        seconds = time.monotonic() - begun
        cpu = _cpu_of_children() - cpu
        if sampler:
            sampler.stop()
        if status:
            output.seek(0)
            raise LabError(f"{' '.join(command)}: exit status {status}\n{output.read()}")
    if sampler:
        return Usage(seconds, cpu, sampler.program_kib / 1024, sampler.tree_kib / 1024)
    return Usage(seconds, cpu)


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


class _Sampler:
    """Watches a process and its descendants until it is stopped."""

    def __init__(self, root: int) -> None:
        self.program_kib = self.tree_kib = 0
        self._root = root
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS):
            tree = _descendants(self._root)
            self.tree_kib = max(self.tree_kib, sum(_kib(pid, "smaps_rollup", "Pss") for pid in tree))
            for pid in tree:
                if _PROGRAM.search(_read(pid, "cmdline")):
                    self.program_kib = max(self.program_kib, _kib(pid, "status", "VmHWM"))


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (stat := _read(int(entry.name), "stat")):
            # The name, in parentheses, may hold anything; state and parent follow it.
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def _kib(pid: int, file: str, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", _read(pid, file), re.MULTILINE)
    return int(found[1]) if found else 0


def _read(pid: int, file: str) -> str:
    try:
        return Path("/proc", str(pid), file).read_text()
    except OSError:  # the process ended while we looked
        return ""
