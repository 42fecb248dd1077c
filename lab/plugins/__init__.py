"""Pulumi's two plugins in the lab: the official ones where there are any, else the lab's stand-ins.

The engine finds a provider below PULUMI_HOME and a language host on PATH. Which ones run is printed, never guessed.
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
    """Which plugin is used, and why, for the user to read."""

    official: Path | None
    why: str

    @property
    def text(self) -> str:
        return f"{'official' if self.official else 'stand-in'} ({self.why})"


def prepare(state_dir: Path, pulumi: Path, report: Report) -> dict[str, str]:
    """Makes a Pulumi home below `state_dir`; returns the environment for `pulumi`.

    PATH_LAST in it is a folder for the end of PATH, there only if the language host is the stand-in.
    """
    home, backend = state_dir / "home", state_dir / "backend"
    for folder in (home / "plugins", backend):
        folder.mkdir(parents=True, exist_ok=True)
    environment = {
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{backend}",
        # The lab holds no secrets.
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    version = metadata.version("pulumi-kubernetes")
    provider = _provider(state_dir, pulumi, version)
    report(f"Pulumi Kubernetes provider: {provider.text}")
    _put_provider(home / "plugins" / f"resource-kubernetes-v{version}", provider.official)
    host = _host(state_dir / "bin")
    report(f"Pulumi Python language host: {host.text}")
    if host.official is None:
        _write_wrapper(state_dir / "bin" / _HOST, "lab.plugins.language_host")
        environment["PATH_LAST"] = str(state_dir / "bin")
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
    installed = _official_plugins() / name
    if (installed / _PROVIDER).exists():
        return _Choice(installed, f"v{version} in {installed.parent}")
    why = _install(state_dir, pulumi, version)
    downloaded = _downloads(state_dir) / "plugins" / name
    if (downloaded / _PROVIDER).exists():
        return _Choice(downloaded, f"v{version}, downloaded")
    if _wanted() == "official":
        raise LabError(
            f"{CHOICE}=official, but the Kubernetes provider v{version} is not installed and {why}"
        )
    return _Choice(None, f"official v{version} is not installed and {why}")


def _official_plugins() -> Path:
    """Where the user's own Pulumi keeps its plugins."""
    return Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins"


def _downloads(state_dir: Path) -> Path:
    """A Pulumi home for what we downloaded; beside the state, which is wiped with each cluster."""
    return state_dir.parent / "pulumi-downloads"


def _install(state_dir: Path, pulumi: Path, version: str) -> str:
    """Lets Pulumi download the provider, at most once a day; says what came of it."""
    home = _downloads(state_dir)
    note = home / f"kubernetes-v{version}.json"
    if note.exists():
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


def _put_provider(place: Path, official: Path | None) -> None:
    """The provider where the engine looks for it; what an earlier choice left there goes away."""
    if place.is_symlink():
        place.unlink()
    elif place.exists():
        shutil.rmtree(place)
    if official is not None:
        place.symlink_to(official)
    else:
        _write_wrapper(place / _PROVIDER, "lab.plugins.kubernetes.__main__")


def _host(own: Path) -> _Choice:
    if _wanted() == "stand-in":
        return _Choice(None, f"asked for by {CHOICE}")
    folders = [
        folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder) != own
    ]
    found = shutil.which(_HOST, path=os.pathsep.join(folders))
    if found and not _is_wrapper(Path(found)):
        return _Choice(Path(found), found)
    if _wanted() == "official":
        raise LabError(f"{CHOICE}=official, but there is no {_HOST} on PATH")
    return _Choice(None, "the official one is not on PATH; it comes with the official Pulumi CLI")


def _is_wrapper(found: Path) -> bool:
    """Is this the wrapper of some lab, left on PATH by `make env`?"""
    with found.open("rb") as file:
        return b"lab.plugins" in file.read(4096)


def _write_wrapper(place: Path, module: str) -> None:
    """A command that runs a stand-in of this checkout with this interpreter, its environment untouched."""
    place.parent.mkdir(parents=True, exist_ok=True)
    code = _CODE.format(checkout=str(_CHECKOUT), module=module)
    text = _WRAPPER.format(python=shlex.quote(sys.executable), code=shlex.quote(code))
    # Replaced in one step: an engine may be starting the old one.
    fresh = place.with_name(f"{place.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(place)
