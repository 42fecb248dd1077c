"""On a deployed service the doctor finds what is planted, and is silent before and after; `status` counts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import Lab
from lab.cluster.audit import NAMESPACE, asked
from lab.cluster.layout import CHECKOUT
from lab.kit.client_pods import run_pod
from lab.kit.load import load, through_gateway
from lab.kit.scratch import ScratchStack
from tests import access
from tests.mesh.faults import version, wait_until

pytestmark = pytest.mark.thorough

Object = dict[str, Any]

SUBSETS = {
    "v1": version("v1", weight=100),
    "v2": version("v2", mirrorPercent=50, shadowIsolation={"mayReach": [], "networkPolicy": {}}),
}
VERSIONS = {
    "Service": "v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "AuthorizationPolicy": "security.istio.io/v1",
}
PODS = {"matchLabels": {"app": "nginx"}}
PORT = {"name": "http", "port": 80}
SCALING = {
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nginx-v1"},
    "maxReplicas": 2,
}
ELSEWHERE = [{"destination": {"host": "nginx"}}]
# By the check that finds it: kind and spec of what others make.
PLANTED: dict[str, tuple[str, Object]] = {
    "second-service": ("Service", {"selector": {"app": "nginx"}, "ports": [PORT]}),
    "disruption-budget": ("PodDisruptionBudget", {"selector": PODS, "maxUnavailable": 1}),
    "autoscaler": ("HorizontalPodAutoscaler", SCALING),
    "sidecar-resource": (
        "Sidecar",
        {"workloadSelector": {"labels": {"version": "v2"}}, "egress": [{"hosts": ["*/*"]}]},
    ),
    "authorization-policy": (
        "AuthorizationPolicy",
        {"selector": {"matchLabels": {"version": "v2"}}, "rules": [{}]},
    ),
    "destination-rule": (
        "DestinationRule",
        {"host": "nginx-versions", "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}}},
    ),
    "mesh-host": ("VirtualService", {"hosts": ["nginx"], "http": [{"route": ELSEWHERE}]}),
    "shared-host": (
        "VirtualService",
        {
            "hosts": ["HOST"],
            "gateways": ["nginx-gateway"],
            "http": [{"match": [{"uri": {"prefix": "/api/"}}], "route": ELSEWHERE}],
        },
    ),
}


@pytest.fixture(scope="module")
def deployed(deploy: Callable[[], ScratchStack]) -> ScratchStack:
    found = deploy()
    found.deploy(SUBSETS, accessLog={"providers": ["mirrored-service-json"]})
    return found


@pytest.fixture(autouse=True)
def healthy_afterwards(deployed: ScratchStack) -> Iterator[None]:
    yield
    wait_until(lambda: told(deployed) == [], "the doctor is silent again")


def run(deployed: ScratchStack, command: str, *options: str, **variables: str) -> tuple[int, Object]:
    """Exit status and JSON of a command, run for the stack as a user would."""
    line = [sys.executable, "-m", "mirrored_service", command, "--json", *options]
    line += [f"--stack={deployed.stack.name}", f"--cwd={deployed.stack.project}"]
    environment = {**deployed.stack.environment, **variables}
    ran = subprocess.run(line, env=environment, cwd=CHECKOUT, capture_output=True, text=True, timeout=120)
    assert ran.stdout, ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def told(deployed: ScratchStack) -> list[str]:
    """What the doctor finds; everything is read."""
    status, found = run(deployed, "doctor")
    assert found["notChecked"] == []
    assert status == any(finding["severity"] == "danger" for finding in found["findings"])
    return [finding["check"] for finding in found["findings"]]


def test_of_a_healthy_service_it_says_nothing(deployed: ScratchStack) -> None:
    status, found = run(deployed, "doctor", "--strict")
    assert (status, found["findings"], found["notChecked"], found["comparedWithConfig"]) == (0, [], [], True)


@pytest.mark.parametrize("check", PLANTED)
def test_what_others_make_around_the_service_is_found(deployed: ScratchStack, check: str) -> None:
    kind, spec = PLANTED[check]
    text = json.dumps({"kind": kind, "metadata": {"name": "others"}, "spec": spec}).replace(
        "HOST", deployed.host
    )
    found = {"apiVersion": VERSIONS.get(kind, "networking.istio.io/v1"), **json.loads(text)}
    found["metadata"]["namespace"] = deployed.namespace
    access.apply(deployed.lab, found)
    try:
        assert told(deployed) == [check]
    finally:
        deployed.lab.kubectl("delete", "--filename=-", input=yaml.safe_dump(found))


def test_edits_by_hand_are_found(deployed: ScratchStack) -> None:
    fault = {"op": "add", "path": "/spec/http/1/fault", "value": {"delay": {"fixedDelay": "1s"}}}
    deployed.kubectl("patch", "virtualservice", "nginx-vs", "--type=json", f"--patch={json.dumps([fault])}")
    assert told(deployed) == ["as-configured"]
    taken_out = {"op": "remove", "path": "/spec/http/1/fault"}
    deployed.kubectl(
        "patch", "virtualservice", "nginx-vs", "--type=json", f"--patch={json.dumps([taken_out])}"
    )
    deployed.kubectl("scale", "deployment", "nginx-v1", "--replicas=2")
    assert told(deployed) == ["as-configured"]
    deployed.kubectl("scale", "deployment", "nginx-v1", "--replicas=1")


def test_a_namespace_that_lost_its_injection_is_found_and_one_that_went_ambient(
    deployed: ScratchStack,
) -> None:
    def label(*labels: str) -> None:
        deployed.lab.kubectl("label", "namespace", deployed.namespace, "--overwrite", *labels)

    label("istio-injection-")
    assert told(deployed) == ["injection"]
    label("istio.io/rev=canary")
    assert told(deployed) == ["injection"]
    label("istio.io/rev-", "istio.io/dataplane-mode=ambient")
    assert told(deployed) == ["ambient"]
    label("istio.io/dataplane-mode-", "istio-injection=enabled")


def test_a_pod_without_a_sidecar_is_found(deployed: ScratchStack) -> None:
    run_pod(deployed.lab, deployed.namespace, "bare", "lab.local/curl:1", sidecar=False)
    deployed.kubectl("label", "pod", "bare", "--overwrite", "app=nginx", "version=v2")
    assert told(deployed) == ["sidecars"]
    deployed.kubectl("delete", "pod", "bare")


def test_the_proxies_count_what_reaches_each_version_and_which_share_was_copied(
    deployed: ScratchStack,
) -> None:
    with load(deployed.lab, [through_gateway(deployed.lab, deployed.host, rate=100)]):
        status, found = run(deployed, "status", "--seconds=6")
        expected, _ = run(deployed, "status", "--expect")
    live, shadow = found["versions"]
    assert (status, expected) == (0, 0)
    assert (live["version"], live["role"], live["podsReady"], live["podsWanted"]) == ("v1", "live", 1, 1)
    assert live["requests"] > 300
    assert (shadow["version"], shadow["role"], shadow["mirrorPercent"]) == ("v2", "shadow", 50)
    assert 35 < shadow["percentOfLiveRequests"] < 65
    assert (found["notCounted"], found["waiting"], found["lastUp"]["result"]) == ({}, [], "succeeded")


def test_a_shadow_whose_copies_go_nowhere_is_expected_to_get_some(deployed: ScratchStack) -> None:
    def leads_to(label: str) -> None:
        change = {"op": "replace", "path": "/spec/subsets/1/labels/version", "value": label}
        deployed.kubectl(
            "patch", "destinationrule", "nginx-v2", "--type=json", f"--patch={json.dumps([change])}"
        )

    leads_to("none")
    with load(deployed.lab, [through_gateway(deployed.lab, deployed.host, rate=100)]):
        wait_until(
            lambda: run(deployed, "status", "--seconds=2")[1]["versions"][1]["requests"] == 0, "no copies"
        )
        status, found = run(deployed, "status", "--expect", "--seconds=6")
    assert (status, found["getNothing"]) == (1, ["v2"])
    assert told(deployed) == ["as-configured"]
    leads_to("v2")


def service_of_others(namespace: str) -> list[Object]:
    """What adopt is for."""
    metadata, labels = {"name": "till", "namespace": namespace}, {"app": "till"}
    container = {"name": "till", "image": "lab.local/nginx-v1:1", "ports": [{"containerPort": 80}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
        | {"spec": {"selector": labels, "ports": [PORT]}},
    ]


def test_the_rights_to_read_are_enough_and_none_is_too_many(
    lab: Lab, deployed: ScratchStack, tmp_path: Path
) -> None:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "reader", "namespace": NAMESPACE},
    }
    found = access.objects("rbac-doctor.yaml", {"shop": deployed.namespace})
    found = [each for each in found if each["metadata"].get("namespace") != "shop-data"]
    for each in found:
        if "subjects" in each:
            each["subjects"] = [{"kind": "ServiceAccount", "name": "reader", "namespace": NAMESPACE}]
    others = service_of_others(deployed.namespace)
    access.apply(lab, access.namespace(NAMESPACE), account, *found)
    try:
        reader = {"KUBECONFIG": str(access.kubeconfig(lab, "reader", tmp_path))}
        status, diagnosis = run(deployed, "doctor", **reader)
        assert ([each["check"] for each in diagnosis["findings"]], diagnosis["notChecked"]) == (
            ["permissions"],
            [],
        )
        assert status == 0  # a warning: `up` may run with other access
        assert run(deployed, "status", "--seconds=1", **reader)[1]["notCounted"] == {}
        access.apply(lab, *others)
        which = (f"--service={deployed.namespace}/till", f"--out={tmp_path / 'adopted'}")
        _, adopted = run(deployed, "adopt", *which, **reader)
        assert [each["what"] for each in adopted["objects"] if each["why"].startswith("not read")] == []
        role = next(each for each in found if each["metadata"]["name"] == "mirrored-service-doctor")
        unused = access.granted(role) - set(asked(lab.layout.audit_log, deployed.namespace))
        # Events are asked for where a pod waits, and kubectl runs a command with one of two verbs.
        assert {each.resource for each in unused} <= {"events", "pods/exec"}
        assert len(unused) <= 2
    finally:
        for each in found:
            if "namespace" not in each["metadata"]:
                lab.kubectl("delete", "--filename=-", input=yaml.safe_dump(each))
        for each in others:
            lab.kubectl("delete", "--filename=-", "--ignore-not-found", input=yaml.safe_dump(each))
