"""Callers inside the cluster, with or without a sidecar."""

from collections import Counter

from lab import Lab
from lab.kit.client_pods import run_pod


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
