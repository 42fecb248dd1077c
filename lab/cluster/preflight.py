"""Says before anything starts what this machine lacks for the lab: one sentence, with the way around it."""

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.build import cache, programs
from lab.cluster import cgroups, namespaces
from lab.errors import LabError

GO_NEEDED = (1, 26, 6)
MEMORY_NEEDED = 4.0  # GiB
MEMORY_NEEDED_TO_BUILD = 6.0
DISK_NEEDED = 2.0
DISK_NEEDED_TO_BUILD = 16.0
INSTEAD = "or use your own cluster with Istio (README: `pulumi up` with its kubeconfig)"


@dataclass(frozen=True)
class Facts:
    """What matters about a machine."""

    system: str
    is_root: bool
    go_version: str | None  # such as go1.26.8; None without Go
    must_build: bool
    memory: float  # GiB available
    disk: float  # GiB free where the caches are
    has_controllers: bool
    directory: Path
    needed_inside: tuple[Path, ...] = ()  # what the lab reads from within its own world


def check(directory: Path) -> None:
    """Raises what is missing first, if anything is."""
    problem = find_problem(gather(directory))
    if problem:
        raise LabError(problem)


def find_problem(facts: Facts) -> str | None:
    """The first thing that keeps the lab from running, as one sentence."""
    if facts.system != "Linux":
        return f"the lab needs Linux and this is {facts.system}: use a Linux VM, {INSTEAD}"
    if not facts.is_root:
        return f"the lab needs root for its namespaces and mounts: run it with sudo, {INSTEAD}"
    if not facts.has_controllers:
        return (
            "the lab needs the control group controllers cpu, memory and pids, and they are not handed on "
            f"to where it is started: start it from a login on the machine itself, {INSTEAD}"
        )
    return _problem_with_paths(facts) or _problem_with_go(facts) or _problem_with_size(facts)


def _problem_with_paths(facts: Facts) -> str | None:
    for path in (facts.directory, *facts.needed_inside):
        if re.search(r"\s", str(path)):
            return f"the lab cannot work with blanks in a path and {str(path)!r} has one: move it, {INSTEAD}"
        place = namespaces.hidden(path)
        if place:
            return f"inside the lab {place} is private, which would hide {path}: move it elsewhere, {INSTEAD}"
    return None


def _problem_with_go(facts: Facts) -> str | None:
    needed = ".".join(map(str, GO_NEEDED))
    if facts.go_version is None:
        return f"the lab builds its tools and needs Go {needed} or newer on PATH: install it, {INSTEAD}"
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", facts.go_version)
    if found and tuple(int(part or 0) for part in found.groups()) < GO_NEEDED:
        return (
            f"the lab needs Go {needed} or newer and finds {facts.go_version}: install a newer one, {INSTEAD}"
        )
    return None


def _problem_with_size(facts: Facts) -> str | None:
    memory = MEMORY_NEEDED_TO_BUILD if facts.must_build else MEMORY_NEEDED
    disk = DISK_NEEDED_TO_BUILD if facts.must_build else DISK_NEEDED
    purpose = "to build its tools" if facts.must_build else "to run"
    if facts.memory < memory:
        return (
            f"the lab needs {memory:g} GiB of free memory {purpose} and {facts.memory:.1f} GiB are available: "
            f"end something, {INSTEAD}"
        )
    if facts.disk < disk:
        return (
            f"the lab needs {disk:g} GiB of free disk {purpose} and {facts.disk:.1f} GiB are free: "
            f"make room or set XDG_CACHE_HOME to another disk, {INSTEAD}"
        )
    return None


def gather(directory: Path) -> Facts:
    """Looks at this machine."""
    linux = platform.system() == "Linux"
    go_version = _go_version()
    return Facts(
        system=platform.system(),
        is_root=os.geteuid() == 0,
        go_version=go_version,
        must_build=bool(go_version and programs.missing()),
        memory=_available_memory() if linux else 0.0,
        disk=_free_disk(cache.root()),
        has_controllers=linux and cgroups.directories("lab") is not None,
        directory=directory,
        needed_inside=(Path(__file__).parents[1], cache.root(), Path(sys.prefix)),
    )


def _go_version() -> str | None:
    try:
        return programs.go_version()
    except (LabError, subprocess.SubprocessError):
        return None


def _available_memory() -> float:
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return int(found[1]) / 2**20 if found else 0.0


def _free_disk(path: Path) -> float:
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free / 2**30
