"""What `python -m lab status` tells: whether the lab is up, and of what it consists."""

import json
import re
import time
from pathlib import Path
from typing import Any

from lab.cluster import cgroups
from lab.cluster.lab import Lab
from lab.errors import LabError
from lab.progress import duration


def collect(lab: Lab) -> dict[str, Any]:
    """Everything about the lab, as plain data."""
    state = lab.state
    if not lab.is_up:
        return {
            "up": False,
            "directory": str(lab.layout.root),
            "last_words": lab.last_lines("supervisor", 1).strip(),
        }
    pids = cgroups.processes([Path(path) for path in state["cgroups"]])
    return {
        "up": True,
        "directory": str(lab.layout.root),
        "started": state["started"],
        "supervisor": lab.supervisor,
        "istio": bool(state.get("mesh")),
        "api": f"https://127.0.0.1:{state['ports']['api']}",
        "gateway": lab.gateway_url,
        "kubeconfig": str(lab.kubeconfig),
        "components": component_pids(lab, pids),
        "processes": len(pids),
        "memory": memory(pids),
        "pods": pods(lab),
    }


def as_text(status: dict[str, Any]) -> str:
    """The same for a person."""
    if not status["up"]:
        return "\n".join(filter(None, [f"down: {status['directory']}", status["last_words"]]))
    memory_used = status["memory"]
    lines = [
        f"up for {duration(time.time() - status['started'])}: {status['directory']}",
        f"supervisor  {status['supervisor']}",
        f"processes   {status['processes']}, {memory_used['pss_mib']} MiB (RSS {memory_used['rss_mib']} MiB)",
        f"API server  {status['api']}",
        f"gateway     {status['gateway']}" + ("" if status["istio"] else " (Istio is not installed)"),
        f"kubeconfig  {status['kubeconfig']}",
        "",
    ]
    for pod in status["pods"]:
        lines.append(f"{pod['namespace']:16} {pod['name']:44} {pod['ready']:6} {pod['phase']}")
    return "\n".join(lines)


def component_pids(lab: Lab, pids: set[int]) -> dict[str, int]:
    """The pid of each component as seen from here; the lab itself counts from 1."""
    inner = {number: name for name, number in json.loads(lab.layout.components.read_text()).items()}
    found = {}
    for pid in pids:
        match = re.search(r"^NSpid:\s+(.*)$", _read(f"/proc/{pid}/status"), re.MULTILINE)
        # The last number is the one in the process's own namespace.
        number = int(match[1].split()[-1]) if match else 0
        if number in inner and _same_namespace(pid, lab.supervisor or 0):
            found[inner[number]] = pid
    return dict(sorted(found.items()))


def memory(pids: set[int]) -> dict[str, int]:
    """What the processes use together, in MiB. PSS counts a page that n of them share as one n-th for each."""
    totals = {"Rss": 0, "Pss": 0}
    for pid in pids:
        for name, amount in re.findall(
            r"^(Rss|Pss): +(\d+)", _read(f"/proc/{pid}/smaps_rollup"), re.MULTILINE
        ):
            totals[name] += int(amount)
    return {"rss_mib": totals["Rss"] >> 10, "pss_mib": totals["Pss"] >> 10}


def pods(lab: Lab) -> list[dict[str, str]]:
    """The pods and how many of their containers are ready; none while the API server does not answer."""
    try:
        found = json.loads(
            lab.kubectl("get", "pods", "--all-namespaces", "--output=json", "--request-timeout=5s")
        )
    except LabError:
        return []
    listed = []
    for pod in found["items"]:
        containers = pod["status"].get("containerStatuses", [])
        sidecars = [
            item for item in pod["spec"].get("initContainers", []) if item.get("restartPolicy") == "Always"
        ]
        names = {item["name"] for item in sidecars}
        containers += [
            item for item in pod["status"].get("initContainerStatuses", []) if item["name"] in names
        ]
        total = len(pod["spec"]["containers"]) + len(sidecars)
        listed.append(
            {
                "namespace": pod["metadata"]["namespace"],
                "name": pod["metadata"]["name"],
                "ready": f"{sum(bool(item['ready']) for item in containers)}/{total}",
                "phase": pod["status"].get("phase", "Unknown"),
            }
        )
    return listed


def _same_namespace(pid: int, supervisor: int) -> bool:
    try:
        return Path(f"/proc/{pid}/ns/pid").readlink() == Path(f"/proc/{supervisor}/ns/pid").readlink()
    except OSError:
        return False


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # the process ended while we looked
        return ""
