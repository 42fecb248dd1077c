"""A lab's life: it starts, fails, is killed and ends, and never leaves anything behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import Lab, LabError
from lab.cluster import configuration, status
from lab.cluster.layout import Layout
from tests.lab import traces

LIMIT = 30.0
SHIELDED = ("kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory", "vm/panic_on_oom")


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it holds within the limit."""
    deadline = time.monotonic() + LIMIT
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def test_two_labs_side_by_side_share_nothing(pair: tuple[Lab, Lab]) -> None:
    one, two = pair
    one.kubectl("create", "namespace", "only-in-one")

    assert "only-in-one" in one.kubectl("get", "namespaces", "--output=name")
    assert "only-in-one" not in two.kubectl("get", "namespaces", "--output=name")
    assert not traces.of(one).namespaces & traces.of(two).namespaces
    assert one.state["ports"] != two.state["ports"]


def test_both_of_two_labs_run_pods_that_find_services_by_name(pair: tuple[Lab, Lab]) -> None:
    for lab in pair:
        lab.kubectl("create", "deployment", "web", "--image=lab.local/nginx-v1:1", "--port=80")
        lab.kubectl("expose", "deployment", "web")
        lab.kubectl("run", "caller", "--image=lab.local/curl:1")
    for lab in pair:
        lab.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        lab.kubectl("wait", "pod/caller", "--for=condition=Ready", "--timeout=60s")
        call = (
            "exec",
            "caller",
            "--",
            "curl",
            "--silent",
            "--retry-connrefused",
            "--retry",
            "5",
            "http://web/",
        )
        assert lab.kubectl(*call).startswith("nginx v1 web-")


def test_the_machines_own_settings_stay_as_they_are(pair: tuple[Lab, Lab]) -> None:
    before = {name: Path("/proc/sys", name).read_text() for name in SHIELDED}
    pair[0].run("sh", "-c", "echo 0 > /proc/sys/vm/overcommit_memory", check=True)

    assert {name: Path("/proc/sys", name).read_text() for name in SHIELDED} == before


def test_up_twice_changes_nothing(pair: tuple[Lab, Lab]) -> None:
    before = pair[0].state
    said: list[str] = []

    pair[0].up(said.append, istio=False)

    assert pair[0].state == before
    assert "up already" in said[0]


def test_status_gives_every_components_pid_as_seen_from_here(pair: tuple[Lab, Lab]) -> None:
    found = status.collect(pair[0])

    for name in ("etcd", "containerd", "kube-apiserver", "kubelet", "kube-proxy", "forwarder"):
        command = Path(f"/proc/{found['components'][name]}/cmdline").read_text()
        assert name in command
    assert 0 < found["memory"]["pss_mib"] < 2048
    assert any(pod["name"].startswith("coredns-") and pod["ready"] == "1/1" for pod in found["pods"])


def test_kubectl_of_the_command_line_passes_input_and_exit_status_on(pair: tuple[Lab, Lab]) -> None:
    command = [sys.executable, "-m", "lab", "--dir", str(pair[0].layout.root), "kubectl"]
    manifest = "{apiVersion: v1, kind: Namespace, metadata: {name: from-input}}"

    assert subprocess.run([*command, "apply", "-f", "-"], input=manifest, text=True).returncode == 0
    assert subprocess.run([*command, "get", "namespace", "no-such"], capture_output=True).returncode == 1


def test_a_command_that_fails_says_what_kubectl_said(pair: tuple[Lab, Lab]) -> None:
    with pytest.raises(LabError, match=r'namespaces "no-such" not found'):
        pair[0].kubectl("get", "namespace", "no-such")


def test_after_kill_9_up_works_again_and_down_leaves_nothing(pair: tuple[Lab, Lab]) -> None:
    killed, _ = pair
    os.kill(killed.supervisor or 0, signal.SIGKILL)
    assert eventually(lambda: not killed.is_up)

    killed.up(istio=False)
    assert "lab" in killed.kubectl("get", "nodes", "--output=name")
    running = traces.of(killed)
    killed.down()

    assert running.left() == []


def test_when_a_component_ends_the_lab_ends_and_says_which(pair: tuple[Lab, Lab]) -> None:
    _, other = pair
    running = traces.of(other)
    os.kill(status.collect(other)["components"]["kube-scheduler"], signal.SIGKILL)

    assert eventually(lambda: not other.is_up)
    assert "kube-scheduler ended with status -9" in status.as_text(status.collect(other))
    other.down()
    assert running.left() == []


def test_a_start_that_fails_shows_the_end_of_that_components_log(
    other_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = configuration.write

    def write_wrongly(layout: Layout, api_port: int) -> None:
        write(layout, api_port)
        (layout.etc / "kubelet.yaml").write_text("kind: Nonsense")

    monkeypatch.setattr(configuration, "write", write_wrongly)
    with pytest.raises(LabError) as failed:
        other_lab.up(istio=False)

    assert "  kubelet | " in str(failed.value)
    assert "Nonsense" in str(failed.value)
    assert "kubelet ended with status 1 before" in str(failed.value)
    assert other_lab.supervisor is None


def test_a_start_that_is_killed_leaves_no_lab_behind(other_lab: Lab) -> None:
    command = [sys.executable, "-m", "lab", "--dir", str(other_lab.layout.root), "up"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starting:
        assert starting.stdout is not None
        for line in starting.stdout:
            if "etcd" in line:
                break
        running = traces.of(other_lab)
        starting.kill()

    assert eventually(lambda: other_lab.supervisor is None)
    other_lab.down()
    assert running.left() == []


def test_down_of_a_lab_that_never_was_does_nothing(tmp_path: Path) -> None:
    Lab(tmp_path / "never").down()

    assert list(tmp_path.iterdir()) == []
