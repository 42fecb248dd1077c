"""Callers inside the cluster: a pod with curl, with or without a sidecar."""

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
    - {{name: curl, image: lab.local/curl:1}}
"""


class Caller:
    """A pod that sends requests with curl."""

    def __init__(self, lab: Lab, namespace: str, name: str, sidecar: bool) -> None:
        self.lab, self.namespace, self.name = lab, namespace, name
        manifest = POD.format(name=name, namespace=namespace, inject=str(sidecar).lower())
        lab.kubectl("apply", "--filename=-", input=manifest)
        lab.kubectl(
            "wait", f"--namespace={namespace}", "--for=condition=Ready", f"pod/{name}", "--timeout=60s"
        )

    def answers(self, url: str, count: int) -> Counter[str]:
        """Who answered: the first two words of each body, or curl's message for what failed."""
        # curl's own URL range makes the requests: one process, and every one of them is counted.
        printed = self.lab.kubectl(
            "exec",
            f"--namespace={self.namespace}",
            self.name,
            "--container=curl",
            "--",
            "curl",
            "--silent",
            "--show-error",
            "--max-time",
            "5",
            f"{url}[1-{count}]",
        )
        return Counter(" ".join(line.split()[:2]) for line in printed.splitlines())
