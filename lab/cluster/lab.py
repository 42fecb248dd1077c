"""One lab: a cluster with Istio, and Pulumi to use it with."""

import os
from pathlib import Path

from lab import plugins
from lab.build import programs
from lab.cluster import mesh
from lab.cluster.cluster import Cluster
from lab.cluster.layout import CHECKOUT
from lab.progress import Report, say

DEFAULT_DIRECTORY = CHECKOUT / ".lab"


class Lab(Cluster):
    """The lab whose files are in one directory. Labs in different directories share nothing but the cache."""

    def __init__(self, dir: Path = DEFAULT_DIRECTORY) -> None:
        super().__init__(dir)

    def up(self, report: Report = say, *, istio: bool = True) -> None:
        """Starts the lab unless it runs, with Istio unless told otherwise; returns when all is ready."""
        with self.command_lock(report):
            if self.is_up:
                report(f"the lab is up already: {self.layout.root}")
            else:
                self.start_cluster(report)
            if istio and not self.state.get("mesh"):
                mesh.install(self, report)
                self.note(mesh=True)

    def environment(self, report: Report = say) -> dict[str, str]:
        """What a shell needs to use the lab by hand, Pulumi included."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        found = plugins.prepare(self.state_dir, report)
        directories = [str(tool.directory()) for tool in programs.TOOLS]
        path = [*directories, os.environ.get("PATH", os.defpath)]
        return {**self.client_environment(), **found, "PATH": ":".join(path)}
