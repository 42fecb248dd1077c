"""Where a lab keeps its files, all below its one directory."""

from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Layout:
    """The paths of one lab."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.root / "lock"

    @property
    def command_lock(self) -> Path:
        """Held by `up` and `down` while they work, so that they take turns."""
        return self.root / "command.lock"

    @property
    def state(self) -> Path:
        """What is known about the lab that runs, as JSON."""
        return self.root / "state.json"

    @property
    def components(self) -> Path:
        """The supervisor's list of component and pid, as JSON."""
        return self.root / "components.json"

    @property
    def etc(self) -> Path:
        """The configuration of the components."""
        return self.root / "etc"

    @property
    def logs(self) -> Path:
        """A log file per component; kept after `down`."""
        return self.root / "log"

    def log(self, component: str) -> Path:
        """The log of one component."""
        return self.logs / f"{component}.log"

    @property
    def kubeconfig(self) -> Path:
        """For clients outside the lab."""
        return self.root / "kubeconfig"

    @property
    def inner_kubeconfig(self) -> Path:
        """For clients inside the lab."""
        return self.etc / "kubeconfig"

    @property
    def authority(self) -> Path:
        """The certificate that the API server's is signed with."""
        return self.etc / "ca.crt"

    @property
    def audit_log(self) -> Path:
        """What was asked of the API server; see lab.cluster.audit."""
        return self.etc / "audit.log"

    @property
    def client_cache(self) -> Path:
        """What kubectl remembers about this cluster's API."""
        return self.root / "kubecache"

    @property
    def pulumi(self) -> Path:
        """Pulumi's state: gone with the cluster whose objects it describes."""
        return self.root / "pulumi"

    def of_one_cluster(self) -> list[Path]:
        """What must not outlive a cluster."""
        return [
            *(self.root / name for name in ("var", "sysctl")),
            *(self.etc, self.kubeconfig, self.client_cache, self.pulumi, self.components, self.state),
        ]
