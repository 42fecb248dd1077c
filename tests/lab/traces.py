"""What a lab leaves visible on the machine; empty once it is gone."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from lab import Lab
from lab.cluster import cgroups


@dataclass(frozen=True)
class Traces:
    """What to look for, noted while the lab runs."""

    directory: str
    ports: tuple[int, ...]
    cgroups: tuple[Path, ...]
    namespaces: frozenset[str]

    def left(self) -> list[str]:
        """Everything of the lab that is still there."""
        return [*self._of_processes(), *self._mounts(), *self._sockets(), *map(str, self._cgroups())]

    def _of_processes(self) -> list[str]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            if int(process.name) == os.getpid():
                continue
            try:
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                links = {str(link.readlink()) for link in (process / "ns").iterdir()}
                groups = (process / "cgroup").read_text()
            except OSError:  # it ended while we looked
                continue
            # The kernel uses the numbers of namespaces that are gone again, also for another lab's.
            of_another_lab = "/lab-" in groups and not any(group.name in groups for group in self.cgroups)
            if self.directory in command or (links & self.namespaces and not of_another_lab):
                found.append(f"process {process.name} {command}")
        return found

    def _mounts(self) -> list[str]:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        return [
            line for line in lines if self.directory in line or any(name in line for name in self.namespaces)
        ]

    def _sockets(self) -> list[str]:
        found = []
        for port in self.ports:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    found.append(f"port {port}")
        return found

    def _cgroups(self) -> list[Path]:
        return [path for path in self.cgroups if path.exists()]


def of(lab: Lab) -> Traces:
    """Notes a running lab's traces."""
    own = {str(link.readlink()) for link in Path("/proc/self/ns").iterdir()}
    inner = {str(link.readlink()) for link in Path(f"/proc/{lab.supervisor}/ns").iterdir()}
    state = lab.state
    groups = tuple(Path(path) for path in state["cgroups"])
    assert cgroups.processes(groups), "a running lab has processes"
    ports = tuple(state["ports"].values())
    return Traces(str(lab.layout.root), ports, groups, frozenset(inner - own))
