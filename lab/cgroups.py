"""The lab's own control groups: a directory per hierarchy, below the caller's so that its limits hold."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.mounts import mounts

REMOVAL_LIMIT = 15.0


@dataclass(frozen=True)
class Hierarchy:
    """A mounted hierarchy of control groups; the one of version 2 has no controller here and no name."""

    name: str
    kind: str
    point: str
    own: Path  # the caller's directory in it

    def mount_options(self) -> list[str]:
        """The arguments that mount this very hierarchy somewhere else."""
        return ["-t", self.kind, *(["-o", self.name] if self.name else [])]


def hierarchies() -> list[Hierarchy]:
    """The hierarchies that this process is in and can see."""
    found = []
    memberships = [line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines()]
    for mount in mounts():
        for name, path in memberships:
            if mount.kind == "cgroup" and name and set(name.split(",")) <= set(mount.options.split(",")):
                kind = "cgroup"
            elif mount.kind == "cgroup2" and not name:
                kind = "cgroup2"
            else:
                continue
            own = Path(mount.point, os.path.relpath(path, mount.root))
            found.append(Hierarchy(name, kind, mount.point, own))
    return found


def is_pure_version_2() -> bool:
    """True when the kubelet would find its controllers in version 2 only, which the lab does not support."""
    return not any("memory" in hierarchy.name.split(",") for hierarchy in hierarchies())


def join(directories: Iterable[Path]) -> None:
    """Creates the directories and moves this process there."""
    for directory in directories:
        directory.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            # A new cpuset is empty, and takes no process until it has processors and memory.
            if (directory / name).exists():
                (directory / name).write_text((directory.parent / name).read_text())
        (directory / "cgroup.procs").write_text("0")


def processes(directories: Iterable[Path]) -> set[int]:
    """The processes in these directories and below."""
    pids: set[int] = set()
    for directory in directories:
        for file in directory.rglob("cgroup.procs"):
            try:
                pids.update(int(pid) for pid in file.read_text().split())
            except OSError:  # the group was removed while we looked
                continue
    return pids


def remove(directories: Iterable[Path]) -> None:
    """Removes the directories and all below; the kernel may hold them a moment longer than their processes."""
    deadline = time.monotonic() + REMOVAL_LIMIT
    for directory in directories:
        while directory.exists():
            try:
                for path, _, _ in os.walk(directory, topdown=False):
                    Path(path).rmdir()
            except OSError as error:
                if time.monotonic() > deadline:
                    raise LabError(
                        f"cannot remove {directory} ({error.strerror}): see `cat {directory}/cgroup.procs`"
                    ) from None
                time.sleep(0.05)
