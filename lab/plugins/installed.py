"""Lists what is installed for the interpreter that runs this file: name, version, pulumi-plugin.json if any.

A program may have an interpreter of its own, so the language host runs this there; it uses the standard
library only.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata
from typing import Any

_PLUGIN = "pulumi-plugin.json"


def distributions() -> list[dict[str, Any]]:
    """Every installed distribution once, sorted by name."""
    found = {}
    for distribution in metadata.distributions():
        about = distribution.metadata
        name = about["Name"]
        found[name] = {"name": name, "version": about["Version"], "plugin": _plugin(distribution)}
    return [found[name] for name in sorted(found)]


def _plugin(distribution: metadata.Distribution) -> Any:
    """The package's own description of the plugin it needs, or None."""
    if _PLUGIN not in (distribution.read_text("RECORD") or ""):
        return None  # most, and their files are many
    for path in distribution.files or []:
        if path.name == _PLUGIN and len(path.parts) == 2:
            return json.loads(path.read_text())
    return None


if __name__ == "__main__":
    json.dump(distributions(), sys.stdout)
