"""The collector's way to the API server, which can be cut, and pods whose log is known to the line."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from lab import Lab
from lab.kit.collection import wait_until


class Way:
    """The way to the lab's API server, which can be cut."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        config = yaml.safe_load(lab.kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self._target = ("127.0.0.1", int(re.sub(r".*:", "", cluster["server"])))
        self._listener = socket.create_server(("127.0.0.1", 0))
        cluster["server"] = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.kubeconfig = directory / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(config))
        self._open = True
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends every connection at once, as a reset."""
        with self._lock:
            connections, self._connections = self._connections, set()
        for connection in connections:
            try:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # ended by itself
                continue
            finally:
                connection.close()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """During the block nobody gets through."""
        self._open = False
        self.cut()
        try:
            yield
        finally:
            self._open = True

    def close(self) -> None:
        self._open = False
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            if not self._open:
                near.close()
                continue
            far = socket.create_connection(self._target)
            with self._lock:
                self._connections |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(1 << 16):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:  # cut
        return


# Writes numbered requests; on SIGTERM a last one with the count, and ends. A restarted one begins again at 1.
TALK = """
run=$(($(cat /state/run 2>/dev/null || echo 0) + 1)); echo $run >/state/run
say() { echo '{"method":"GET","path":"/'$run/$1'","status":200,"start_time":"2026-01-01T00:00:00Z",\
"details":"LONG"}'; }
n=0; trap 'say last-$n; exit 0' TERM
while true; do
  for i in $(seq BURST); do n=$((n+1)); say $n; done
  sleep 0.1
done
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {{app: talker, version: v1}}}}
spec:
  terminationGracePeriodSeconds: 20
  containers:
    - name: talker
      image: lab.local/curl:1
      command: [/bin/sh, -c, {script}]
      volumeMounts: [{{name: state, mountPath: /state}}]
  volumes: [{{name: state, emptyDir: {{}}}}]
"""


class Talker:
    """A pod that logs numbered requests, so that each line that is missing or doubled is seen."""

    def __init__(self, lab: Lab, namespace: str, name: str, burst: int = 20, length: int = 10) -> None:
        """`burst`: requests in a tenth of a second. `length`: of a filling in each."""
        self.lab, self.namespace, self.name = lab, namespace, name
        script = TALK.replace("BURST", str(burst)).replace("LONG", "x" * length)
        pod = POD.format(name=name, namespace=namespace, script=json.dumps(script))
        lab.kubectl("apply", "--filename=-", input=pod)
        self._kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")

    def restart(self) -> None:
        """Ends the container; Kubernetes starts it again."""
        before = self._restarts()
        self._kubectl("exec", self.name, "--", "sh", "-c", "kill 1")
        wait_until(lambda: self._restarts() > before, f"{self.name} is started again")

    def remove(self) -> None:
        self._kubectl("delete", f"pod/{self.name}")

    def first_line(self) -> str:
        """The first line that the kubelet serves."""
        return self._kubectl("logs", self.name, "--limit-bytes=200")

    def _restarts(self) -> int:
        path = "--output=jsonpath={.status.containerStatuses[0].restartCount}"
        return int(self._kubectl("get", f"pod/{self.name}", path) or 0)

    def _kubectl(self, *arguments: str) -> str:
        return self.lab.kubectl(f"--namespace={self.namespace}", *arguments)


def runs(rows: list[dict[str, Any]], pod: str) -> list[tuple[list[int], int | None]]:
    """What was had of each run of a talker: the numbers, and the last one if it said so."""
    found: dict[int, tuple[list[int], int | None]] = {}
    for row in rows:
        if row["pod"] != pod:
            continue
        run, what = row["path"][1:].split("/")
        numbers, last = found.get(int(run), ([], None))
        if what.startswith("last-"):
            assert last is None, "the last line is there twice"
            found[int(run)] = numbers, int(what.removeprefix("last-"))
        else:
            found[int(run)] = [*numbers, int(what)], last
    return [found[run] for run in sorted(found)]


def assert_each_once(rows: list[dict[str, Any]], pod: str, begin: int | None = 1) -> None:
    """Every line of the talker's ended runs is there once; of the first run from `begin` on, None: wherever."""
    found = runs(rows, pod)
    assert found, f"nothing of {pod}"
    for place, (numbers, last) in enumerate(found):
        assert last is not None, f"the end of run {place + 1} of {pod} is missing"
        first = numbers[0] if place == 0 and begin is None else 1
        assert sorted(numbers) == list(range(first, last + 1)), (place, first, last, len(numbers))
