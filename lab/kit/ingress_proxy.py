"""The ingress gateway's proxy: the memory it takes, and the copies whose answers it waits for."""

from __future__ import annotations

import re
from pathlib import Path

from lab.cluster import cgroups
from lab.cluster.lab import Lab
from lab.errors import LabError

_FORGET_PEAK = "5"  # what /proc/<pid>/clear_refs takes for it, see proc(5)


class IngressProxy:
    """The Envoy process of the gateway's pod."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._proc = Path("/proc", str(_pid(lab)))

    def forget_peak(self) -> None:
        """From now on `peak_mib` counts anew."""
        (self._proc / "clear_refs").write_text(_FORGET_PEAK)

    @property
    def peak_mib(self) -> float:
        """The largest resident set since its peak was forgotten. It keeps what it once took."""
        return _number(r"^VmHWM:\s+(\d+) kB", (self._proc / "status").read_text()) / 1024

    def used_mib(self) -> float:
        """What it uses now of the memory that it has."""
        return _number(r'"allocated": "(\d+)"', self._admin("memory")) / 2**20

    def waiting_copies(self, namespace: str, version: str) -> int:
        """How many copies for this version of a service called nginx it has sent and waits for."""
        return self._of_copies(namespace, version, "rq_active")

    def copies_connections(self, namespace: str, version: str) -> int:
        """How many connections it has for copies for this version."""
        return self._of_copies(namespace, version, "cx_active")

    def _of_copies(self, namespace: str, version: str, figure: str) -> int:
        subset = f"outbound|80|{version}-copies|nginx-versions.{namespace}."
        return sum(
            int(line.rpartition("::")[2])
            for line in self._admin("clusters").splitlines()
            if line.startswith(subset) and f"::{figure}::" in line
        )

    def _admin(self, path: str) -> str:
        envoy = ("exec", "--namespace=istio-system", "deployment/istio-ingressgateway", "--")
        return self._lab.kubectl(*envoy, "pilot-agent", "request", "GET", path)


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise LabError(f"the ingress gateway's proxy does not say {pattern!r}")
    return int(found[1])


def _pid(lab: Lab) -> int:
    for pid in cgroups.processes([Path(path) for path in lab.state["cgroups"]]):
        process = Path("/proc", str(pid))
        try:
            is_envoy = (process / "comm").read_text() == "envoy\n"
            if is_envoy and b"POD_NAME=istio-ingressgateway" in (process / "environ").read_bytes():
                return pid
        except OSError:  # ended while we looked
            continue
    raise LabError("the ingress gateway's proxy does not run")
