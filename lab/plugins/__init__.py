"""Pulumi's two plugins in the lab: the official ones where there are any, else the lab's stand-ins.

Both are put below PULUMI_HOME, where the engine looks for them. Which ones run is printed, never guessed.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lab.errors import LabError

Report = Callable[[str], None]

CHOICE = "LAB_PLUGINS"
_CHECKOUT = Path(__file__).parents[2]
_HOST = "pulumi-language-python"
_PROVIDER = "pulumi-resource-kubernetes"
_INSTALL_SECONDS = 20
_ASK_AGAIN_SECONDS = 24 * 3600
_WRAPPER = """#!/bin/sh
exec {python} -P -c {code} "$@"
"""
_CODE = "import sys; sys.path.insert(0, {checkout!r}); from {module} import main; main()"


@dataclass(frozen=True)
class _Choice:
    """Which plugin is used (the official one's file, or None for the stand-in), and why."""

    official: Path | None
    why: str

    @property
    def text(self) -> str:
        return f"{'official' if self.official else 'stand-in'} ({self.why})"


def prepare(state_dir: Path, pulumi: Path, report: Report) -> dict[str, str]:
    """Makes a Pulumi home below `state_dir`; returns the environment for `pulumi`."""
    home, backend = state_dir / "home", state_dir / "backend"
    for folder in (home / "plugins", backend):
        folder.mkdir(parents=True, exist_ok=True)
    environment = {
        "PULUMI_HOME": str(home),
        # Without the files of attributes beside the state: an engine that is killed while it writes one leaves it
        # empty, and then Pulumi can no longer read the stack.
        "PULUMI_BACKEND_URL": f"file://{backend}?metadata=skip",
        # The lab holds no secrets.
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # What is on PATH would go before what was chosen here.
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
    }
    version = metadata.version("pulumi-kubernetes")
    provider = _provider(state_dir, pulumi, version)
    report(f"Pulumi Kubernetes provider: {provider.text}")
    host = _host()
    report(f"Pulumi Python language host: {host.text}")
    plugins = home / "plugins"
    _put(plugins / f"resource-kubernetes-v{version}", _PROVIDER, provider, "lab.plugins.kubernetes.__main__")
    _put(plugins / f"language-python-v{metadata.version('pulumi')}", _HOST, host, "lab.plugins.language_host")
    if provider.official is None:
        environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    return environment


def _wanted() -> str:
    wanted = os.environ.get(CHOICE, "")
    if wanted not in ("", "official", "stand-in"):
        raise LabError(
            f"{CHOICE} is {wanted!r}; it can be 'official' or 'stand-in', or unset to take what there is"
        )
    return wanted


def _provider(state_dir: Path, pulumi: Path, version: str) -> _Choice:
    if _wanted() == "stand-in":
        return _Choice(None, f"asked for by {CHOICE}")
    name = f"resource-kubernetes-v{version}"
    for plugins in _official_plugins():
        installed = plugins / name / _PROVIDER
        if installed.exists() and not _is_stand_in(installed):
            return _Choice(installed.resolve(), f"v{version} in {plugins}")
    why = _install(state_dir, pulumi, version)
    downloaded = _downloads(state_dir) / "plugins" / name
    if (downloaded / _PROVIDER).exists():
        return _Choice(downloaded / _PROVIDER, f"v{version}, downloaded")
    if _wanted() == "official":
        raise LabError(
            f"{CHOICE}=official, but the Kubernetes provider v{version} is not installed and {why}"
        )
    return _Choice(None, f"official v{version} is not installed and {why}")


def _official_plugins() -> list[Path]:
    """Where the user's own Pulumi may keep its plugins; PULUMI_HOME can be a lab's, after `make env`."""
    homes = [os.environ.get("PULUMI_HOME"), Path.home() / ".pulumi"]
    return [Path(home) / "plugins" for home in homes if home]


def _is_stand_in(plugin: Path) -> bool:
    """Is this the wrapper that some lab wrote?"""
    with plugin.open("rb") as file:
        return b"lab.plugins" in file.read(4096)


def _downloads(state_dir: Path) -> Path:
    """A Pulumi home for what we downloaded; beside the state, which is wiped with each cluster."""
    return state_dir.parent / "pulumi-downloads"


def _install(state_dir: Path, pulumi: Path, version: str) -> str:
    """Lets Pulumi download the provider, at most once a day; says what came of it."""
    home = _downloads(state_dir)
    note = home / f"kubernetes-v{version}.json"
    if note.exists() and _wanted() != "official":
        last = json.loads(note.read_text())
        if time.time() - last["time"] < _ASK_AGAIN_SECONDS:
            return str(last["outcome"])
    home.mkdir(parents=True, exist_ok=True)
    command = [str(pulumi), "plugin", "install", "resource", "kubernetes", f"v{version}"]
    environment = {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    outcome = "could not be downloaded"
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
        outcome = "was downloaded" if done.returncode == 0 else outcome
    except subprocess.TimeoutExpired:
        outcome = f"could not be downloaded in {_INSTALL_SECONDS} s"
    note.write_text(json.dumps({"time": time.time(), "outcome": outcome}))
    return outcome


def _put(place: Path, name: str, choice: _Choice, module: str) -> None:
    """The plugin where the engine looks for it; what an earlier choice left there goes away."""
    place.mkdir(parents=True, exist_ok=True)
    # Replaced in one step: an engine may be starting the old one.
    fresh = place / f"{name}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    if choice.official is not None:
        fresh.symlink_to(choice.official)
    else:
        code = _CODE.format(checkout=str(_CHECKOUT), module=module)
        fresh.write_text(_WRAPPER.format(python=shlex.quote(sys.executable), code=shlex.quote(code)))
        fresh.chmod(0o755)
    fresh.replace(place / name)


def _host() -> _Choice:
    if _wanted() == "stand-in":
        return _Choice(None, f"asked for by {CHOICE}")
    found = shutil.which(_HOST)
    if found and not _is_stand_in(Path(found)):
        return _Choice(Path(found).resolve(), found)
    if _wanted() == "official":
        raise LabError(f"{CHOICE}=official, but there is no {_HOST} on PATH")
    return _Choice(None, "the official one is not on PATH; it comes with the official Pulumi CLI")
