"""Pods inside the cluster that send requests, with or without a sidecar."""

from __future__ import annotations

from lab.cluster.lab import Lab

POD = """
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  namespace: {namespace}
  labels: {{app: {name}, sidecar.istio.io/inject: "{inject}"}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - {{name: client, image: "{image}"}}
"""


def run_pod(lab: Lab, namespace: str, name: str, image: str, sidecar: bool) -> None:
    """Starts a pod that sleeps, and waits for it."""
    manifest = POD.format(name=name, namespace=namespace, image=image, inject=str(sidecar).lower())
    lab.kubectl("apply", "--filename=-", input=manifest)
    lab.kubectl("wait", f"--namespace={namespace}", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")


def run_load_pod(lab: Lab, namespace: str) -> str:
    """A pod with a sidecar that `lab.load.from_pod` can send from; returns its name."""
    run_pod(lab, namespace, "load", "lab.local/vegeta:1", sidecar=True)
    return "load"
