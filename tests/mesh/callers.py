"""Pods inside the cluster that send requests, with or without a sidecar."""

from collections import Counter

from lab import Lab

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


class Caller:
    """A pod that sends requests with curl."""

    def __init__(self, lab: Lab, namespace: str, name: str, sidecar: bool) -> None:
        self.lab, self.namespace, self.name = lab, namespace, name
        run_pod(lab, namespace, name, "lab.local/curl:1", sidecar)

    def answers(self, url: str, count: int) -> Counter[str]:
        """Who answered: the first two words of each body, or curl's message for what failed."""
        # curl's own URL range makes the requests: one process, and every one of them is counted.
        curl = ("curl", "--silent", "--show-error", "--max-time", "5", f"{url}[1-{count}]")
        pod = ("exec", f"--namespace={self.namespace}", self.name, "--container=client", "--")
        return Counter(" ".join(line.split()[:2]) for line in self.lab.kubectl(*pod, *curl).splitlines())
