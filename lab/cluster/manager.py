"""Starts the lab's components in their order, waits for each, then watches them. Runs inside the lab."""

import contextlib
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from lab.cluster import network, processes
from lab.cluster.layout import Layout
from lab.errors import LabError

STEP_LIMIT = 90.0
REQUEST_LIMIT = 5.0
POLL = 0.1
TELL_EVERY = 10.0
MANIFESTS = Path(__file__).with_name("manifests")
API = f"https://127.0.0.1:{network.API_PORT}"
PROXY_HEALTH = "http://127.0.0.1:10256/healthz"


class ComponentError(LabError):
    """A component did not do what was waited for."""

    def __init__(self, component: str, why: str) -> None:
        super().__init__(why)
        self.component = component


class Reports:
    """Tells `python -m lab up` what happened, one JSON object a line."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.begin = time.monotonic()

    def send(self, **message: object) -> None:
        """Sends a message. When nobody listens any more, `up` was killed: the lab then ends by this error."""
        os.write(
            self.descriptor, (json.dumps({"at": time.monotonic() - self.begin, **message}) + "\n").encode()
        )


class Manager:
    """Owns the processes of the components."""

    def __init__(self, layout: Layout, reports: Reports, sockets: list[int]) -> None:
        self.layout = layout
        self.reports = reports
        self.sockets = sockets
        self.commands = processes.commands(layout)
        self.environment = processes.environment()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.imports: dict[str, subprocess.Popen[bytes]] = {}

    def run(self) -> None:
        """Brings the cluster up, then returns when a component ends."""
        self.reports.send(step="namespaces and network")
        for name in ("etcd", "containerd"):
            self.start(name, self.commands[name])
        self.start_forwarder()
        self.wait("etcd", "etcd", lambda: '"true"' in self.get(f"{processes.ETCD_URL}/health"))
        self.start("kube-apiserver", self.commands["kube-apiserver"])
        self.wait("containerd", "containerd", self.containerd_answers)
        images = json.loads(self.layout.state.read_text())["images"]
        self.import_images(images["first"])
        self.wait_for_images()
        self.import_images(images["rest"])
        self.wait("API server", "kube-apiserver", lambda: self.get(f"{API}/readyz") == "ok")
        for name in ("kube-controller-manager", "kube-scheduler", "kubelet"):
            self.start(name, self.commands[name])
        self.apply(MANIFESTS / "coredns.yaml")
        self.wait("node", "kubelet", lambda: self.has_condition(f"/api/v1/nodes/{processes.NODE}", "Ready"))
        # Not before: it waits 30 s for a node with an address, goes on without one, and ends when there is one.
        self.start("kube-proxy", self.commands["kube-proxy"])
        self.wait("service network", "kube-proxy", lambda: bool(self.get(PROXY_HEALTH)))
        coredns = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
        self.wait("cluster DNS", "cluster", lambda: self.has_condition(coredns, "Available"))
        self.wait_for_images()
        self.reports.send(ready=True)
        os.close(self.reports.descriptor)
        self.watch()

    def start(self, name: str, command: list[str], inherited: tuple[int, ...] = ()) -> None:
        """Starts a component and notes its pid for `status`."""
        self.processes[name] = self.spawn(name, command, inherited)
        pids = {name: process.pid for name, process in self.processes.items()}
        self.layout.components.write_text(json.dumps(pids))

    def spawn(self, log: str, command: list[str], inherited: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        """Starts a process that writes to a log of the lab."""
        with self.layout.log(log).open("ab") as file:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=self.environment,
                pass_fds=inherited,
            )

    def start_forwarder(self) -> None:
        """Starts what connects the host's two sockets with the lab."""
        targets = (f"127.0.0.1:{network.API_PORT}", f"{network.GATEWAY_ADDRESS}:{network.GATEWAY_PORT}")
        pairs = [f"{descriptor}={target}" for descriptor, target in zip(self.sockets, targets, strict=True)]
        program = str(Path(__file__).with_name("forwarder.py"))
        self.start("forwarder", [sys.executable, program, *pairs], tuple(self.sockets))
        for descriptor in self.sockets:
            os.close(descriptor)

    def containerd_answers(self) -> bool:
        """Whether containerd serves requests."""
        return subprocess.run(["ctr", "version"], capture_output=True, env=self.environment).returncode == 0

    def import_images(self, archives: list[str]) -> None:
        """Starts loading images into containerd; each is loaded by a process of its own."""
        for archive in archives:
            self.imports[archive] = self.spawn(
                "images", ["ctr", "--namespace=k8s.io", "images", "import", archive]
            )

    def wait_for_images(self) -> None:
        """Waits until all images that are being loaded are there."""
        self.wait("images", "images", lambda: all(process.poll() == 0 for process in self.imports.values()))

    def apply(self, manifest: Path) -> None:
        """Applies a manifest of our own with kubectl."""
        command = ["kubectl", f"--kubeconfig={self.layout.inner_kubeconfig}", "apply", "-f", str(manifest)]
        result = subprocess.run(command, capture_output=True, text=True, env=self.environment)
        if result.returncode:
            raise ComponentError(
                "kube-apiserver", f"applying {manifest.name} failed: {result.stderr.strip()}"
            )

    def wait(self, what: str, component: str, check: Callable[[], bool]) -> None:
        """Repeats a check until it holds, a component ends or the time is over."""
        begin = told = time.monotonic()
        reason = "no answer yet"
        while True:
            self.check_processes(what)
            try:
                if check():
                    break
            except (OSError, HTTPException, ValueError, LookupError) as error:
                reason = str(error)
            if time.monotonic() - begin > STEP_LIMIT:
                self.log_cluster()
                raise ComponentError(component, f"{what} not ready after {STEP_LIMIT:.0f} s ({reason})")
            if time.monotonic() - told > TELL_EVERY:
                told = time.monotonic()
                self.reports.send(waiting=what)
            time.sleep(POLL)
        self.reports.send(step=what)

    def check_processes(self, what: str) -> None:
        """Fails when a component has ended, or the loading of an image has failed."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise ComponentError(
                    name, f"{name} ended with status {process.returncode} before {what} was ready"
                )
        for name, process in self.imports.items():
            if process.poll():
                raise ComponentError("images", f"containerd did not take the image {name}")

    def get(self, url: str) -> str:
        """What an HTTP server of the lab answers; no proxy of the caller's is asked."""
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port)
        if parts.scheme == "https":
            tls = ssl.create_default_context(cafile=str(self.layout.etc / "ca.crt"))
            connection: HTTPConnection = HTTPSConnection(*address, timeout=REQUEST_LIMIT, context=tls)
        else:
            connection = HTTPConnection(*address, timeout=REQUEST_LIMIT)
        token = (self.layout.etc / "tokens.csv").read_text().partition(",")[0]
        with contextlib.closing(connection):
            connection.request("GET", parts.path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            text = answer.read().decode()
        if answer.status != HTTPStatus.OK:
            raise OSError(f"{url} answers {answer.status}: {text.strip()[-200:]}")
        return text

    def has_condition(self, path: str, kind: str) -> bool:
        """Whether an object's condition is true."""
        conditions = json.loads(self.get(API + path))["status"]["conditions"]
        return any(condition["type"] == kind and condition["status"] == "True" for condition in conditions)

    def log_cluster(self) -> None:
        """Writes to the log `cluster` how its pods are: the components' own logs seldom say why a pod fails."""
        kubeconfig = f"--kubeconfig={self.layout.inner_kubeconfig}"
        for question in ("pods", "events"):
            command = ["kubectl", kubeconfig, "get", question, "--all-namespaces", "--request-timeout=5s"]
            self.spawn("cluster", command).wait()

    def watch(self) -> None:
        """Returns when a component ends: half a cluster would only mislead."""
        while True:
            pid, status = os.wait()
            for name, process in self.processes.items():
                if process.pid == pid:
                    code = os.waitstatus_to_exitcode(status)
                    print(f"{time.ctime()}: {name} ended with status {code}, so the lab ends", flush=True)
                    return
