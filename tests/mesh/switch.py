"""Pulls the kill switch, as an operator does."""

import json
import subprocess
import sys
from typing import Any

from lab.cluster.layout import CHECKOUT
from lab.kit.scratch import ScratchStack


def pull(deployed: ScratchStack, **variables: str) -> dict[str, Any]:
    """Its report, after checking that it says that all is well; the variables are of its environment."""
    command = [sys.executable, "-m", "kill_switch", f"--stack={deployed.stack.name}", "--json"]
    pulled = subprocess.run(
        [*command, f"--cwd={deployed.stack.project}"],
        cwd=CHECKOUT,
        env={**deployed.stack.environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert pulled.returncode == 0, pulled.stdout + pulled.stderr
    found: dict[str, Any] = json.loads(pulled.stdout)
    print({key: found[key] for key in ("routes_changed", "last_copy")})
    return found
