"""A mesh in which something changes all the time.

istiod pushes when nothing has changed for 0.1 s, or 10 s after the first change (PILOT_DEBOUNCE_AFTER,
PILOT_DEBOUNCE_MAX): changes that never pause make every push as late as it can be.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import uuid
from collections.abc import Iterator

from lab import Lab
from lab.plugins.kubernetes.client import Cluster
from mirrored_service import manifests

SECONDS_BETWEEN_CHANGES = 0.04


@contextlib.contextmanager
def busy(lab: Lab) -> Iterator[None]:
    """Changes a route that nobody uses, 25 times a second, for as long as the block runs."""
    namespace = f"busy-{uuid.uuid4().hex[:6]}"
    lab.kubectl("create", "namespace", namespace)
    ended = threading.Event()
    cluster = Cluster(str(lab.kubeconfig))
    worker = threading.Thread(target=_change, args=(cluster, namespace, ended), daemon=True)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()
        cluster.close()
        lab.kubectl("delete", "namespace", namespace, "--wait=false")


def _change(cluster: Cluster, namespace: str, ended: threading.Event) -> None:
    for number in itertools.count(1):
        if ended.wait(SECONDS_BETWEEN_CHANGES):
            return
        cluster.apply(
            _route(namespace, timeout=f"{1 + number % 100}s"), "busy-mesh", dry_run=False, force=True
        )


def _route(namespace: str, timeout: str) -> manifests.Manifest:
    host = f"nobody.{namespace}.svc.cluster.local"
    return {
        "apiVersion": manifests.ISTIO,
        "kind": "VirtualService",
        "metadata": {"name": "nobody", "namespace": namespace},
        "spec": {
            "hosts": [host],
            "http": [{"timeout": timeout, "route": [{"destination": {"host": host}}]}],
        },
    }
