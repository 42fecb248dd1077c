"""The cluster of one lab: starts it, ends it, and tells everything about it that its users need."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lab.build import cache, images, packages, programs, recipes
from lab.build.images import Recipe
from lab.cluster import cgroups, configuration, ending, namespaces, network, preflight, processes
from lab.cluster.layout import CHECKOUT, Layout
from lab.cluster.listeners import Listeners
from lab.errors import LabError
from lab.progress import Progress, Report, say

KUBECTL_LIMIT = 120.0
LOG_LINES = 20
LOG_WIDTH = 600


class Cluster:
    """The cluster whose files are in one directory. Those of two directories share nothing but the cache."""

    def __init__(self, dir: Path) -> None:
        self.layout = Layout(Path(dir).resolve())

    # What it is

    @property
    def is_up(self) -> bool:
        """Whether the cluster runs and was ready once."""
        return self.supervisor is not None and bool(self.state.get("ready"))

    @property
    def supervisor(self) -> int | None:
        """The pid of the lab's PID 1, seen from here, while it lives: it holds the lock."""
        try:
            with self.layout.lock.open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = self.state.get("pid")
            return int(pid) if pid else None
        except FileNotFoundError:
            return None
        return None

    @property
    def state(self) -> dict[str, Any]:
        """What `up` noted."""
        try:
            noted: dict[str, Any] = json.loads(self.layout.state.read_text())
        except FileNotFoundError:
            return {}
        return noted

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig for clients outside the lab."""
        return self.layout.kubeconfig

    @property
    def state_dir(self) -> Path:
        """A directory that is emptied whenever a new cluster starts: for Pulumi's state."""
        return self.layout.pulumi

    @property
    def gateway_url(self) -> str:
        """The ingress gateway's port 80, from outside the lab."""
        return f"http://127.0.0.1:{self._running_state()['ports']['gateway']}"

    @property
    def gateway_address(self) -> str:
        """The ingress gateway's address, from inside the lab."""
        return network.GATEWAY_ADDRESS

    # Life

    def down(self, report: Report = say) -> None:
        """Ends the lab and removes what it leaves behind, but for its logs."""
        if not self.layout.root.is_dir():
            return
        with self.command_lock(report):
            self._end()

    def start_cluster(self, report: Report) -> None:
        """Builds what is missing and starts a cluster, without Istio."""
        preflight.check(self.layout.root)
        packages.provide(report)
        programs.build(report)
        archives = recipes.make_all(report)
        self._end()  # what a lab that was killed left
        self._prepare_directory()
        with Listeners() as listeners:
            groups = cgroups.directories(f"lab-{cache.key(str(self.layout.root))}") or []
            state = {
                "cgroups": [str(group) for group in groups],
                "images": archives,
                "ports": listeners.ports,
            }
            self.note(**state, started=time.time())
            configuration.write(self.layout, listeners.ports["api"])
            self._launch(listeners, report)
        self.note(ready=True)

    def _prepare_directory(self) -> None:
        shutil.rmtree(self.layout.logs, ignore_errors=True)
        self.layout.logs.mkdir()
        self.layout.pulumi.mkdir()

    def _launch(self, listeners: Listeners, report: Report) -> None:
        """Starts the supervisor and follows what it reports until the cluster is ready."""
        reading, writing = os.pipe()
        with self.layout.lock.open("w") as lock, self.layout.log("supervisor").open("ab") as log:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            descriptors = (writing, lock.fileno(), *listeners.descriptors)
            # -P: nothing in the current directory can stand in for a module.
            command = [
                sys.executable,
                "-P",
                "-m",
                "lab.cluster.supervisor",
                str(self.layout.root),
                *map(str, descriptors),
            ]
            launcher = subprocess.Popen(
                command,
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
                start_new_session=True,
            )
        os.close(writing)
        try:
            with os.fdopen(reading) as lines:
                self._follow(lines, report)
        except BaseException:
            self._end()
            raise
        finally:
            launcher.wait()

    def _follow(self, lines: Any, report: Report) -> None:
        message: dict[str, Any] = {}
        for line in lines:
            message = json.loads(line)
            if "pid" in message:
                self.note(pid=message["pid"])
            if "waiting" in message:
                report(f"{message['at']:5.1f} s  waiting for: {message['waiting']}")
            if "step" in message:
                report(f"{message['at']:5.1f} s  {message['step']}")
        if "ready" not in message:
            component = message.get("failed", "supervisor")
            why = message.get("why", "the supervisor ended early")
            raise LabError(
                f"{self.last_lines(component)}\nthe lab did not start: {why}; try `up` again, "
                f"and see `python -m lab logs {component}` if it fails in the same way"
            )

    def _end(self) -> None:
        """Ends what runs and removes what it, or a lab that was killed, left."""
        ending.end(self.layout, self.supervisor, [Path(path) for path in self.state.get("cgroups", [])])

    # Use

    def kubectl(self, *arguments: str, input: str | None = None) -> str:
        """What kubectl prints, run outside the lab."""
        self._running_state()
        try:
            result = subprocess.run(
                [programs.binary("kubectl"), *arguments],
                input=input,
                capture_output=True,
                text=True,
                env={**os.environ, **self.client_environment()},
                timeout=KUBECTL_LIMIT,
            )
        except subprocess.TimeoutExpired:
            raise LabError(
                f"`kubectl {' '.join(arguments)}` did not end within {KUBECTL_LIMIT:.0f} s"
            ) from None
        if result.returncode:
            raise LabError(f"`kubectl {' '.join(arguments)}` failed: {result.stderr.strip()}")
        return result.stdout

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[Any]:
        """Runs a command inside the lab; the options are those of subprocess.run."""
        return subprocess.run(self._inside(command), **self._inside_options(options))

    def start(self, *command: str, **options: Any) -> subprocess.Popen[Any]:
        """Starts a command inside the lab; the options are those of subprocess.Popen."""
        return subprocess.Popen(self._inside(command), **self._inside_options(options))

    def add_images(self, recipes: Iterable[Recipe]) -> None:
        """Makes further images and loads them; those of the same names that are there are replaced."""
        for recipe in recipes:
            archive = str(images.make(recipe))
            loaded = self.run(
                "ctr", "--namespace=k8s.io", "images", "import", archive, capture_output=True, text=True
            )
            if loaded.returncode:
                raise LabError(f"the image {recipe.name} cannot be loaded: {loaded.stderr.strip()}")

    def client_environment(self) -> dict[str, str]:
        """What a client of the cluster needs."""
        return {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self.layout.client_cache)}

    def last_lines(self, component: str, count: int = LOG_LINES) -> str:
        """The end of a component's log."""
        log = self.layout.log(component)
        lines = log.read_text(errors="replace").splitlines()[-count:] if log.exists() else []
        return "\n".join(f"  {component} | {line[:LOG_WIDTH]}" for line in lines)

    def _inside(self, command: tuple[str, ...]) -> list[str]:
        supervisor = self.supervisor
        if supervisor is None:
            raise LabError("the lab is down: `python -m lab up` starts it")
        return [*namespaces.entering(supervisor, str(Path.cwd())), *map(str, command)]

    def _inside_options(self, options: dict[str, Any]) -> dict[str, Any]:
        own = {**processes.environment(), "KUBECONFIG": str(self.layout.inner_kubeconfig)}
        return {**options, "env": {**own, **(options.get("env") or {})}}

    def _running_state(self) -> dict[str, Any]:
        if not self.is_up:
            raise LabError("the lab is down: `python -m lab up` starts it")
        return self.state

    def note(self, **values: Any) -> None:
        """Adds to what is known about the lab that runs."""
        unfinished = self.layout.state.with_suffix(".new")
        unfinished.write_text(json.dumps({**self.state, **values}))
        unfinished.rename(self.layout.state)

    def command_lock(self, report: Report) -> Any:
        """Held while `up` or `down` works."""
        progress = Progress(report)
        return cache.lock(
            self.layout.command_lock, lambda text: progress.update(f"{self.layout.root}: {text}")
        )
