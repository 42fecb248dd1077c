"""The lab's own control groups: a directory per hierarchy, below the caller's so that its limits hold."""

import contextlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.cluster.mounts import mounts
from lab.errors import LabError

REMOVAL_LIMIT = 15.0
NEEDED = {"cpu", "memory", "pids"}
# What the kubelet makes of version 1's 1,024 shares, that of one processor; with the kernel's 100 the control
# plane would weigh more than the pods of two.
ONE_PROCESSOR = "39"


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


def directories(name: str) -> list[Path] | None:
    """Where the lab's groups go; None when no place for them hands the needed controllers on."""
    found = hierarchies()
    if any(group.kind == "cgroup" and "memory" in group.name.split(",") for group in found):
        return [group.own / name for group in found]
    for group in found:
        parent = place(group)
        if parent:
            return [parent / name]
    return None


def place(group: Hierarchy) -> Path | None:
    """The caller's directory of version 2, or the nearest above it, whose children have the controllers.

    A directory of version 2 either holds processes or hands controllers on, and the caller's holds the caller.
    """
    root = Path(group.point)
    if group.own == root and _words(root / "cgroup.controllers") >= NEEDED:
        _hand_on(root)  # the root alone may do both
    for directory in (group.own, *group.own.parents):
        if not directory.is_relative_to(root):
            break
        if _words(directory / "cgroup.subtree_control") >= NEEDED:
            return directory
    return None


def _words(file: Path) -> set[str]:
    return set(file.read_text().split()) if file.exists() else set()


def _hand_on(directory: Path) -> None:
    for controller in _words(directory / "cgroup.controllers"):
        # One by one: some cannot be handed on here, and the kubelet makes do without them.
        with contextlib.suppress(OSError):
            (directory / "cgroup.subtree_control").write_text(f"+{controller}")


def join(groups: Iterable[Path]) -> None:
    """Creates the lab's groups and moves this process there."""
    for group in groups:
        group.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            # A new cpuset of version 1 is empty, and takes no process until it has processors and memory.
            if (group / name).exists() and not (group / "cgroup.controllers").exists():
                (group / name).write_text((group.parent / name).read_text())
        (group / "cgroup.procs").write_text("0")


def make_room(groups: Iterable[Path]) -> None:
    """Moves this process, and so all that it starts, one level down.

    Version 2 asks for it: pods' groups then find the controllers. And where groups share processors, each thread
    of the control plane would else weigh half as much as all pods together: requests would wait for pods to be
    created.
    """
    for group in groups:
        hands_on = _words(group / "cgroup.controllers") >= NEEDED
        if hands_on or (group / "cpu.shares").exists():
            join([group / "supervisor"])
        if hands_on:
            _hand_on(group)
            (group / "supervisor" / "cpu.weight").write_text(ONE_PROCESSOR)


def processes(directories: Iterable[Path]) -> set[int]:
    """The processes in these directories and below."""
    pids: set[int] = set()
    for directory in directories:
        for group, _, _ in os.walk(directory):
            # A group may be removed while we look: `walk` passes over it, unlike `Path.rglob`.
            with contextlib.suppress(OSError):
                pids.update(int(pid) for pid in Path(group, "cgroup.procs").read_text().split())
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
