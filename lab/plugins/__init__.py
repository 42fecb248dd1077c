"""Pulumi's plugins in the lab: its own Kubernetes provider and YAML host, and a stand-in for its Python host.

They are put below PULUMI_HOME, where the engine looks for them; the engine downloads nothing.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from lab.build import programs

Report = Callable[[str], None]

_HOST = """#!/bin/sh
exec {python} -P {file} "$@"
"""
_HOST_FILE = Path(__file__).parent / "language_host.py"


def prepare(state_dir: Path, report: Report) -> dict[str, str]:
    """Makes a Pulumi home below `state_dir`; returns the environment for `pulumi`."""
    home, backend = state_dir / "home", state_dir / "backend"
    for folder in (home / "plugins", backend):
        folder.mkdir(parents=True, exist_ok=True)
    sdk = metadata.version("pulumi")
    report(f"Pulumi Kubernetes provider: {programs.PROVIDER_VERSION}, built from its module")
    report(f"Pulumi Python language host: the lab's stand-in, with the SDK {sdk}")
    _link(home, "resource-kubernetes", programs.PROVIDER_VERSION, "pulumi-resource-kubernetes")
    _link(home, "language-yaml", programs.YAML_VERSION, "pulumi-language-yaml")
    host = _HOST.format(python=shlex.quote(sys.executable), file=shlex.quote(str(_HOST_FILE)))
    _put(home, "language-python", sdk, "pulumi-language-python", lambda fresh: _write(fresh, host))
    return {
        "PULUMI_HOME": str(home),
        # Without the files of attributes beside the state: an engine that is killed while it writes one leaves it
        # empty, and then Pulumi can no longer read the stack.
        "PULUMI_BACKEND_URL": f"file://{backend}?metadata=skip",
        # The lab holds no secrets.
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # What is on PATH would go before what is here.
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def _link(home: Path, plugin: str, version: str, program: str) -> None:
    built = programs.binary(program)
    _put(home, plugin, version, program, lambda fresh: fresh.symlink_to(built))


def _write(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)


def _put(home: Path, plugin: str, version: str, program: str, make: Callable[[Path], None]) -> None:
    """The plugin where the engine looks for it, replaced in one step: an engine may be starting the old one."""
    place = home / "plugins" / f"{plugin}-v{version}"
    place.mkdir(parents=True, exist_ok=True)
    fresh = place / f"{program}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    make(fresh)
    fresh.replace(place / program)
