"""The process that holds a lab together: `python -m lab.cluster.supervisor DIRECTORY REPORT LOCK API GATEWAY`.

It is PID 1 of its own namespaces. The kernel ends every process of a pid namespace with its PID 1, and mounts
and networks go with their last process: so killing this one process ends the lab, however it is done.

The four numbers are inherited file descriptors: a pipe for reports to `up`, the lab's lock, and the two
listening sockets of the host.
"""

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from lab.cluster import cgroups, namespaces
from lab.cluster.layout import Layout
from lab.cluster.manager import ComponentError, Manager, Reports
from lab.errors import LabError


def main(arguments: list[str]) -> int:
    """Enters the lab's control groups and namespaces, leaves PID 1 behind there and ends."""
    layout = Layout(Path(arguments[0]))
    report, lock, *sockets = map(int, arguments[1:])
    reports = Reports(report)
    groups = cgroups.hierarchies()
    try:
        # First the control groups: the ones that we are in then become the root of the cgroup namespace.
        own = [Path(path) for path in json.loads(layout.state.read_text())["cgroups"]]
        cgroups.join(own)
        namespaces.unshare()
        cgroups.make_room(own)
    except (LabError, OSError) as error:
        reports.send(failed="supervisor", why=str(error))
        return 1
    pid = os.fork()
    if pid == 0:
        run_as_init(layout, groups, reports, lock, sockets)
    reports.send(pid=pid)
    return 0


def run_as_init(
    layout: Layout, groups: list[cgroups.Hierarchy], reports: Reports, lock: int, sockets: list[int]
) -> None:
    """As PID 1: leaves the work to a child, reaps orphans, and ends when the child does."""
    signal.signal(signal.SIGTERM, _end)  # without a handler, no signal from inside reaches a PID 1
    os.chdir("/")
    os.umask(0o022)
    manager = os.fork()
    if manager == 0:
        os.close(lock)
        os._exit(manage(layout, groups, reports, sockets))
    for descriptor in (reports.descriptor, *sockets):
        os.close(descriptor)
    while os.wait()[0] != manager:
        pass
    os._exit(1)


def manage(layout: Layout, groups: list[cgroups.Hierarchy], reports: Reports, sockets: list[int]) -> int:
    """Starts everything and watches it; returns when something of it ended."""
    try:
        namespaces.make_private_world(layout.root, groups)
        Manager(layout, reports, sockets).run()
    except ComponentError as error:
        reports.send(failed=error.component, why=str(error))
    except LabError as error:
        reports.send(failed="supervisor", why=str(error))
    return 1


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
