"""Pods that others run are mirrored without being touched: only services, rules and routes come and go."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lab import Lab
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import UnderLoad

# As a chart labels them: one label for the application, one for the release; none is called "version".
WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop-{release}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app.kubernetes.io/instance: shop-{release}}}}}
  template:
    metadata: {{labels: {{app.kubernetes.io/name: shop, app.kubernetes.io/instance: shop-{release}}}}}
    spec:
      containers:
        - name: nginx
          image: lab.local/nginx-{version}:1
          readinessProbe: {{httpGet: {{path: /healthz, port: 80}}, periodSeconds: 1}}
---
"""
RELEASES = {"v1": "stable", "v2": "next"}


def labels(version: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "shop", "app.kubernetes.io/instance": f"shop-{RELEASES[version]}"}


def subsets(live: str, shadow: str) -> dict[str, Any]:
    return {
        live: {"podLabels": labels(live), "weight": 100},
        shadow: {"podLabels": labels(shadow), "mirrorPercent": 100},
    }


@pytest.fixture(scope="module")
def workloads(lab: Lab, deploy: Callable[[], ScratchStack]) -> ScratchStack:
    deployed = deploy()
    lab.kubectl("create", "namespace", deployed.namespace)
    lab.kubectl("label", "namespace", deployed.namespace, "istio-injection=enabled")
    for version, release in RELEASES.items():
        manifest = WORKLOAD.format(namespace=deployed.namespace, release=release, version=version)
        lab.kubectl("apply", "--filename=-", input=manifest)
    for release in RELEASES.values():
        deployed.kubectl("rollout", "status", f"deployment/shop-{release}", "--timeout=120s")
    return deployed


def pods(deployed: ScratchStack) -> dict[str, tuple[str, int]]:
    """What the others' pods are, and how often they were started."""
    found = json.loads(
        deployed.kubectl("get", "pods", "--selector=app.kubernetes.io/name=shop", "--output=json")
    )["items"]
    return {
        pod["metadata"]["name"]: (
            pod["metadata"]["uid"],
            sum(container["restartCount"] for container in pod["status"]["containerStatuses"]),
        )
        for pod in found
    }


def test_pods_of_others_are_mirrored_promoted_and_left_behind_untouched(workloads: ScratchStack) -> None:
    before = pods(workloads)
    assert len(before) == 2
    under_load = UnderLoad(workloads, subsets("v1", "v2"), createNamespace=False)
    assert workloads.check().problems == []
    assert workloads.kubectl("get", "deployments", "--output=name").split() == [
        "deployment.apps/shop-next",
        "deployment.apps/shop-stable",
    ]
    with under_load.nothing_lost("v1", "v2"):
        workloads.deploy(subsets("v2", "v1"), createNamespace=False)
    assert workloads.check().problems == []
    workloads.stack.destroy()
    assert pods(workloads) == before
    kinds = "services,virtualservices,destinationrules,gateways.networking.istio.io"
    assert workloads.kubectl("get", kinds, "--output=name") == ""


def test_a_version_of_ours_is_mirrored_to_next_to_a_live_one_of_others(workloads: ScratchStack) -> None:
    stable = "--selector=app.kubernetes.io/instance=shop-stable"
    workloads.kubectl("label", "pods", stable, "app=nginx", "version=stable")
    live = {"podLabels": {"app": "nginx", "version": "stable"}, "weight": 100}
    ours = {"image": "lab.local/nginx-v2:1", "mirrorPercent": 100}
    workloads.deploy({"v1": live, "v2": ours}, createNamespace=False)
    assert workloads.check().problems == []
    assert workloads.stack.preview() == []
