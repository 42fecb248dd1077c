"""When the stand-in for the Kubernetes provider calls an object ready, and what it says until then."""

from typing import Any

import pytest

from lab.plugins.kubernetes.readiness import Verdict, pod_troubles, selects_pods, service, workload
from lab.plugins.kubernetes.waits import DEFAULT_SECONDS, time_limit

Object = dict[str, Any]
COMPLETE = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


def deployment(conditions: tuple[Object, ...] = (), **status: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "generation": 2},
        "spec": {"replicas": 2},
        "status": {**COMPLETE, "conditions": list(conditions), **status},
    }


def a_service(load_balancer: Object | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"app": "web"}, "clusterIP": "10.0.0.1", **spec},
        "status": {"loadBalancer": load_balancer or {}},
    }


def pod(**container: Any) -> Object:
    return {
        "metadata": {"name": "web-1", "namespace": "shop"},
        "status": {"containerStatuses": [{"name": "main", "ready": False, **container}]},
    }


READY_ENDPOINT = {"conditions": {"ready": True}}
UNREADY_ENDPOINT = {"conditions": {"ready": False}}


def test_a_deployment_is_ready_when_it_has_rolled_out() -> None:
    assert workload(deployment()).ready


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": 1},
        {"updatedReplicas": 1},
        {"availableReplicas": 1},
        {"replicas": 3},
    ],
)
def test_a_deployment_that_still_rolls_out_is_not_ready(status: Object) -> None:
    assert not workload(deployment(**status)).ready


def test_a_deployment_that_stopped_making_progress_says_so() -> None:
    stuck = {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "message": 'ReplicaSet "web-1" has timed out progressing.',
    }
    verdict = workload(deployment((stuck,), availableReplicas=0))
    assert verdict == Verdict(
        ready=False,
        waiting_for="Waiting for app ReplicaSet to be available (0/2 Pods available)",
        reasons=[
            '[ProgressDeadlineExceeded] ReplicaSet "web-1" has timed out progressing.',
            "Minimum number of live Pods was not attained",
        ],
    )


def test_a_deployment_scaled_to_nothing_is_ready() -> None:
    obj = deployment(replicas=0, updatedReplicas=0, availableReplicas=0)
    obj["spec"]["replicas"] = 0
    assert workload(obj).ready


def test_kinds_without_a_rule_are_ready() -> None:
    assert workload({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService"}).ready


def test_a_failed_job_is_not_waited_for() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}
    verdict = workload({"apiVersion": "batch/v1", "kind": "Job", "status": {"conditions": [failed]}})
    assert verdict.hopeless
    assert verdict.reasons == ["[BackoffLimitExceeded] too often"]


@pytest.mark.parametrize(
    ("obj", "endpoints", "ready"),
    [
        (a_service(), [READY_ENDPOINT], True),
        (a_service(), [READY_ENDPOINT, UNREADY_ENDPOINT], False),
        (a_service(), [], False),
        (a_service(clusterIP="None"), [], True),
        (a_service(type="ExternalName"), [], True),
        (a_service(selector=None), [], True),
        (a_service(type="LoadBalancer"), [READY_ENDPOINT], False),
        (a_service({"ingress": [{"ip": "192.0.2.1"}]}, type="LoadBalancer"), [READY_ENDPOINT], True),
    ],
)
def test_a_service_needs_ready_endpoints_and_its_address(
    obj: Object, endpoints: list[Object], ready: bool
) -> None:
    assert service(obj, endpoints if selects_pods(obj) else []).ready is ready


def test_a_service_that_selects_nothing_is_ready_once_that_has_settled() -> None:
    assert service(a_service(), [], settled=True).ready
    assert not service(a_service(), [UNREADY_ENDPOINT], settled=True).ready
    assert not service(a_service(type="LoadBalancer"), [], settled=True).ready


@pytest.mark.parametrize(
    ("container", "trouble"),
    [
        (
            {"state": {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling "x"'}}},
            "container 'main': [ImagePullBackOff] Back-off pulling \"x\"",
        ),
        (
            {"state": {"terminated": {"exitCode": 7, "reason": "Error"}}},
            "container 'main' ended with exit code 7 (Error)",
        ),
    ],
)
def test_a_pod_in_trouble_says_why(container: Object, trouble: str) -> None:
    assert pod_troubles([pod(**container)]) == [f"[Pod shop/web-1]: {trouble}"]


def test_a_crash_loop_shows_the_last_exit_code_too() -> None:
    container = {
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
    }
    assert pod_troubles([pod(**container)]) == [
        "[Pod shop/web-1]: container 'main': [CrashLoopBackOff] back-off",
        "[Pod shop/web-1]: container 'main' ended with exit code 1 (Error)",
    ]


def test_pods_that_start_are_ready_or_go_away_are_in_no_trouble() -> None:
    starting = pod(state={"waiting": {"reason": "ContainerCreating"}})
    leaving = pod(state={"terminated": {"exitCode": 137}})
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert pod_troubles([starting, leaving, pod(ready=True)]) == []


def test_a_pod_that_fits_nowhere_says_so() -> None:
    waiting = pod()
    condition = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}
    waiting["status"]["conditions"] = [condition]
    assert pod_troubles([waiting]) == ["[Pod shop/web-1]: 0/1 nodes are available"]


def test_the_time_limit_is_the_options_or_the_annotations_or_ten_minutes() -> None:
    annotated = {"metadata": {"annotations": {"pulumi.com/timeoutSeconds": "30"}}}
    assert time_limit(annotated, 5) == 5
    assert time_limit(annotated, 0) == 30
    assert (
        time_limit({"metadata": {"annotations": {"pulumi.com/timeoutSeconds": "soon"}}}, 0) == DEFAULT_SECONDS
    )
    assert time_limit({}, 0) == DEFAULT_SECONDS
