"""Both stand-ins under the real engine: `pulumi up` of a small program, from nothing to nothing."""

import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import Lab, LabError, plugins, tools
from tests.standins.objects import MISSING_IMAGE

PROGRAM = Path(__file__).with_name("program.py")
IMAGE = "lab.local/curl:1"
HOOK = "hook: ['standins.example'] -> ['standins.example', 'more.example']"


class Stack:
    """A stack of the program, with its state in a folder of its own."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.namespace = f"standins-{uuid.uuid4().hex[:6]}"
        self._directory = directory
        pulumi = tools.binary("pulumi")
        self._command = [str(pulumi), "--cwd", str(directory), "--non-interactive", "--color=never"]
        own = plugins.prepare(directory / "state", pulumi, lambda line: None)
        self._environment = {**os.environ, **lab.client_environment(), **own}
        (directory / "Pulumi.yaml").write_text("name: standins\nruntime: python\n")
        shutil.copy(PROGRAM, directory / "__main__.py")
        self("stack", "init", "dev")
        self._salt = yaml.safe_load((directory / "Pulumi.dev.yaml").read_text())
        self.configure()

    def configure(self, **changes: Any) -> None:
        config: dict[str, Any] = {
            "namespace": self.namespace,
            "image": IMAGE,
            "limit": "120",
            "percent": 100,
            "hosts": ["standins.example"],
            "token": "hidden",
        }
        keys = {f"standins:{key}": value for key, value in {**config, **changes}.items()}
        text = yaml.safe_dump({**self._salt, "config": keys})
        (self._directory / "Pulumi.dev.yaml").write_text(text)

    def __call__(self, *arguments: str, fails: bool = False) -> str:
        """Runs pulumi; returns all it wrote."""
        done = subprocess.run(
            [*self._command, *arguments],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=180,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def up(self, *, fails: bool = False) -> str:
        return self("up", "--yes", "--skip-preview", fails=fails)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [*self._command, *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=self._environment, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )

    def planned(self) -> dict[str, list[str]]:
        """What a preview would do: the changed properties by operation and resource."""
        text = self("preview", "--json")
        steps = json.loads(text[text.index("{") :])["steps"]
        return {
            f"{step['op']} {step['urn'].rpartition('::')[2]}": sorted(step.get("detailedDiff") or {})
            for step in steps
            if step["op"] != "same"
        }


@pytest.fixture
def stack(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv(plugins.CHOICE, "stand-in")
    made = Stack(lab, tmp_path)
    yield made
    lab.kubectl("delete", "namespace", made.namespace, "--ignore-not-found", "--wait=false")


def test_a_stack_goes_up_changes_and_goes_down(lab: Lab, stack: Stack) -> None:
    first = stack.up()
    assert "the program runs" in first
    assert "+ 6 created" in first
    assert "6 unchanged" in stack("up", "--yes", "--skip-preview", "--refresh")

    stack.configure(percent=37.5)
    changed = "spec.http[0].mirrors[0].percentage.value"
    assert stack.planned() == {"update route": [changed]}
    stack.configure(percent=37.5, hosts=["standins.example", "more.example"])
    assert HOOK in stack.up()

    exported = stack("stack", "export")
    assert "hidden" not in exported
    stack("destroy", "--yes", "--skip-preview")
    with pytest.raises(LabError, match="not found"):
        lab.kubectl("get", "namespace", stack.namespace)


def test_what_never_became_ready_stays_in_the_stack_and_the_next_update_repairs_it(stack: Stack) -> None:
    stack.configure(image=MISSING_IMAGE, limit="3")
    failed = stack.up(fails=True)
    assert "'web' timed out waiting to be Ready" in failed
    assert "update web" in stack.planned(), "the same inputs are tried again"
    stack.configure(image=IMAGE)
    repaired = stack.up()
    assert "~ 1 updated" in repaired
    assert "6 unchanged" in stack.up()


def test_drift_shows_in_a_preview_with_refresh(lab: Lab, stack: Stack) -> None:
    stack.up()
    hacked = json.dumps([{"op": "replace", "path": "/spec/http/0/mirrors/0/percentage/value", "value": 5}])
    lab.kubectl("-n", stack.namespace, "patch", "virtualservice", "web", "--type=json", "-p", hacked)
    preview = stack("preview", "--refresh", "--diff")
    assert "value: 5 => 100" in " ".join(preview.split())


def test_an_exception_in_the_program_is_shown_with_the_programs_own_frames(stack: Stack) -> None:
    stack.configure(mistake=True)
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        shown = stack(*command, fails=True)
        assert "ValueError: weights: 90 is not allowed; allowed: a sum of 100" in shown
        assert "__main__.py" in shown
        assert "run_in_stack" not in shown


def test_a_cluster_that_does_not_answer_is_named(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(
        "{current-context: x, contexts: [{name: x, context: {cluster: x}}], "
        "clusters: [{name: x, cluster: {server: 'http://127.0.0.1:1'}}]}"
    )
    stack("config", "set", "kubernetes:kubeconfig", str(tmp_path / "kubeconfig"))
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        shown = stack(*command, fails=True)
        assert "configured Kubernetes cluster is unreachable" in shown
        assert "http://127.0.0.1:1" in shown


def test_interrupting_an_update_ends_it_soon_and_keeps_the_state(stack: Stack) -> None:
    stack.configure(image=MISSING_IMAGE)
    update = stack.start("up", "--yes", "--skip-preview")
    assert update.stdout is not None
    for line in update.stdout:
        if "Waiting for app ReplicaSet" in line:
            break
    started = time.monotonic()
    update.send_signal(signal.SIGINT)
    shown, _ = update.communicate(timeout=60)
    assert time.monotonic() - started < 20
    assert "cancelled" in shown
    assert "update web" in stack.planned()
