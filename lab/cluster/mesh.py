"""Installs Istio into a cluster that runs: its control plane and an ingress gateway; before it the kinds of
Gateway API, which istiod serves."""

import json
import subprocess
import time
from pathlib import Path

from lab.build import programs
from lab.cluster.cluster import Cluster
from lab.errors import LabError
from lab.progress import Progress, Report

MANIFEST = Path(__file__).with_name("manifests") / "istio.yaml"
GATEWAY_API = Path(__file__).with_name("manifests") / "gateway-api.yaml"
INSTALL_LIMIT = 180.0
NAMESPACE = "istio-system"
GATEWAY = "istio-ingressgateway"


def install(lab: Cluster, report: Report) -> None:
    """Runs `istioctl install` and waits until the gateway is ready; harmless when it is installed already."""
    command = ["istioctl", "install", "--skip-confirmation", f"--filename={MANIFEST}"]
    command += [f"--manifests={programs.file('manifests')}", f"--readiness-timeout={INSTALL_LIMIT:.0f}s"]
    # The server keeps who applied what: kubectl's own note of it would be too large for an annotation.
    lab.kubectl("apply", "--server-side", "--filename", str(programs.file("standard")))
    log = lab.layout.log("istioctl")
    progress = Progress(report)
    begin = time.monotonic()
    with log.open("wb") as file, lab.start(*command, stdout=file, stderr=file) as process:
        while process.poll() is None:
            spent = time.monotonic() - begin
            if spent > INSTALL_LIMIT + 30:
                process.kill()
            progress.update(f"installing Istio, {spent:.0f} s (of about 15 s)")
            time.sleep(0.2)
    if process.returncode or not gateway_ready(lab):
        raise LabError(
            f"{lab.last_lines('istioctl')}\n{_pods(lab)}installing Istio failed: see above; `up` tries again"
        )
    lab.kubectl("apply", "--filename", str(GATEWAY_API))
    progress.done(f"Istio is installed after {time.monotonic() - begin:.1f} s")


def gateway_ready(lab: Cluster) -> bool:
    """Whether the ingress gateway runs."""
    try:
        found = json.loads(lab.kubectl("-n", NAMESPACE, "get", "deployment", GATEWAY, "-o", "json"))
    except LabError:
        return False
    return bool(found.get("status", {}).get("readyReplicas"))


def _pods(lab: Cluster) -> str:
    try:
        return lab.kubectl("-n", NAMESPACE, "get", "pods,events")
    except (LabError, subprocess.TimeoutExpired):
        return ""
