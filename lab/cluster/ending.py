"""Ends a lab and removes what it leaves: processes first, then control groups, then files."""

import os
import select
import shutil
import signal
import time
from pathlib import Path

from lab.cluster import cgroups
from lab.cluster.layout import Layout
from lab.cluster.mounts import mounts
from lab.errors import LabError

END_LIMIT = 30.0
WRITERS_LIMIT = 5.0


def end(layout: Layout, supervisor: int | None, groups: list[Path]) -> None:
    """Leaves nothing of a lab but its logs, whether it runs, ended by itself or was killed half-way."""
    if supervisor:
        _kill(supervisor)
    _wait_for_end(groups)
    cgroups.remove(groups)
    mounted = [mount.point for mount in mounts() if Path(mount.point).is_relative_to(layout.root)]
    if mounted:
        raise LabError(f"{mounted[0]} is mounted, so no file is removed: unmount it and try again")
    for path in layout.of_one_cluster():
        _remove(path)


def _remove(path: Path) -> None:
    """Removes a file or directory, also when somebody still puts files there, such as a `pulumi` that ends."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    deadline = time.monotonic() + WRITERS_LIMIT
    while path.exists():
        try:
            shutil.rmtree(path)
        except OSError as problem:
            if time.monotonic() > deadline:
                raise LabError(
                    f"{path} cannot be removed ({problem.strerror}): end what still writes there and try again"
                ) from None
            time.sleep(0.1)


def _kill(pid: int) -> None:
    """Kills PID 1 of a lab; the kernel then ends all others before it ends."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        if not select.select([descriptor], [], [], END_LIMIT)[0]:
            raise LabError(
                f"process {pid} does not end within {END_LIMIT:.0f} s: see `cat /proc/{pid}/stack`"
            )
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)


def _wait_for_end(groups: list[Path]) -> None:
    """Waits until nothing is left in the lab's control groups: only then are its files nobody's."""
    deadline = time.monotonic() + END_LIMIT
    while left := cgroups.processes(groups):
        if time.monotonic() > deadline:
            raise LabError(
                f"processes {sorted(left)} of the lab do not end: see `cat /proc/{min(left)}/stack`"
            )
        time.sleep(0.02)
