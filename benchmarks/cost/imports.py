"""What importing costs, each time in a fresh interpreter."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass

_OF_KUBERNETES = (
    "from pulumi_kubernetes.apiextensions import CustomResource; "
    "from pulumi_kubernetes.apps.v1 import Deployment; "
    "from pulumi_kubernetes.core.v1 import Namespace, Service"
)
STATEMENTS = {
    "nothing": "pass",
    "import pulumi": "import pulumi",
    "import pulumi_kubernetes (top level)": "import pulumi_kubernetes",
    "pulumi_kubernetes' Deployment, Service, Namespace, CustomResource": _OF_KUBERNETES,
    "import mirrored_service": "import mirrored_service",
}
# The interpreter's own start is in none of the times, and in all of the memory. A process that was just forked
# has its parent's size in getrusage(), so the kernel's file is asked instead.
_PROBE = """
import json, re, time
before, cpu = time.monotonic(), time.process_time()
{statement}
after, used = time.monotonic(), time.process_time()
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print(json.dumps([after - before, used - cpu, peak / 1024]))
"""


@dataclass(frozen=True)
class Imported:
    """Medians of one statement."""

    what: str
    seconds: float
    cpu_seconds: float
    mib: float


def measure(rounds: int) -> list[Imported]:
    """Every statement once a round, so that a busy minute hits all of them."""
    found: dict[str, list[list[float]]] = {what: [] for what in STATEMENTS}
    for _ in range(rounds):
        for what, statement in STATEMENTS.items():
            found[what].append(_once(statement))
    return [
        Imported(what, *(statistics.median(column) for column in zip(*rows, strict=True)))
        for what, rows in found.items()
    ]


def _once(statement: str) -> list[float]:
    command = [sys.executable, "-c", _PROBE.format(statement=statement)]
    values: list[float] = json.loads(subprocess.check_output(command))
    return values
