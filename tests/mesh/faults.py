"""What breaks while `pulumi up` runs, and `pulumi up` itself, so that it can be watched and killed."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from lab import Lab, LabError
from lab.cluster import cgroups, status
from lab.kit import templates
from lab.kit.scratch import ScratchStack

LIMIT_SECONDS = 120.0


def version(name: str, **properties: Any) -> dict[str, Any]:
    """A version that starts and stops quickly."""
    quick = {**templates.pod(readinessProbe={"periodSeconds": 1}), "stop": {"delaySeconds": 2}}
    return {"image": f"lab.local/nginx-{name}:1", **quick, **properties}


def live_and_shadow(live: str, shadow: str, **properties: Any) -> dict[str, Any]:
    """Subsets: one version live, the other mirrored to."""
    return {live: version(live, weight=100), shadow: version(shadow, mirrorPercent=100, **properties)}


def assert_as_wanted(deployed: ScratchStack) -> None:
    """The cluster has what the config says, and requests and copies arrive as it says."""
    assert deployed.stack.preview() == []
    assert deployed.check().problems == []


def wait_until(condition: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < give_up, f"not within {LIMIT_SECONDS:g} s: {what}"
        time.sleep(0.02)


class BackgroundUp:
    """A `pulumi up` that runs while the test goes on; at the end of the block it has ended, or is killed."""

    def __init__(self, deployed: ScratchStack, variables: Mapping[str, str] | None = None) -> None:
        self.deployed = deployed
        self.variables = variables or {}

    def __enter__(self) -> "BackgroundUp":
        self._directory = TemporaryDirectory()
        self._log = Path(self._directory.name, "up.log")
        with self._log.open("wb") as output:
            self._process = self.deployed.stack.start("up", output, self.variables)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._directory.cleanup()

    @property
    def printed(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        """Returns as soon as the text is printed."""
        wait_until(lambda: text in self.printed or self._process.poll() is not None, f"{text!r} is printed")
        assert text in self.printed, self.printed

    def ended(self) -> int:
        """The exit status."""
        return self._process.wait(LIMIT_SECONDS)

    def kill(self) -> None:
        """SIGKILL to the engine, its plugins and the program, all of which are of one session."""
        wait_until(self._all_killed, "every process of the killed `up` is gone")

    def _all_killed(self) -> bool:
        """Kills whatever is left: one may end while we look, and another may just have been started."""
        self._process.poll()  # else the first of them stays as a zombie
        left = _of_session(self._process.pid)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left


def _of_session(session: int) -> list[int]:
    found = subprocess.run(["ps", "--no-headers", "-o", "pid", "--sid", str(session)], capture_output=True)
    return [int(pid) for pid in found.stdout.split()]


def api_server_pid(lab: Lab) -> int:
    found: int = status.collect(lab)["components"]["kube-apiserver"]
    return found


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process does nothing during the block, though its connections stay."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def istiod_hanging(lab: Lab) -> Iterator[None]:
    """istiod does nothing during the block; then it is killed, and Kubernetes starts it anew."""
    pid = _istiod_pid(lab)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: _istiod_pid(lab) not in (0, pid), "istiod runs again")
        istiod = ("--namespace=istio-system", "deployment/istiod")
        lab.kubectl("wait", "--for=condition=Available", *istiod, "--timeout=60s")


def _istiod_pid(lab: Lab) -> int:
    """0 if it does not run."""
    for pid in cgroups.processes([Path(path) for path in lab.state["cgroups"]]):
        try:
            if Path(f"/proc/{pid}/comm").read_text() == "pilot-discovery\n":
                return pid
        except OSError:  # ended while we looked
            continue
    return 0


POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  matchConstraints:
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {namespace}}}}}
    resourceRules:
      - apiGroups: [networking.istio.io]
        apiVersions: ["*"]
        operations: [UPDATE]
        resources: [virtualservices]
        resourceNames: [nginx-vs]
  validations: [{{expression: "false", message: routes are frozen}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}, validationActions: [Deny]}}
"""


@contextmanager
def frozen_routes(deployed: ScratchStack) -> Iterator[None]:
    """During the block the API server refuses every change of the routes through the gateway."""
    name = f"frozen-{deployed.namespace}"
    policy = POLICY.format(name=name, namespace=deployed.namespace)
    deployed.lab.kubectl("apply", "--filename=-", input=policy)
    try:
        wait_until(lambda: not _accepts_changes(deployed), "the policy is in force")
        yield
    finally:
        deployed.lab.kubectl("delete", "--filename=-", input=policy)
        wait_until(lambda: _accepts_changes(deployed), "the policy is gone")


def _accepts_changes(deployed: ScratchStack) -> bool:
    try:
        deployed.kubectl("annotate", "virtualservice/nginx-vs", "test=1", "--dry-run=server")
    except LabError as refused:
        if "frozen" not in str(refused):
            raise
        return False
    return True
