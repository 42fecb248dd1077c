"""What creation, update and deletion wait for, and what they say when it does not come."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from google.protobuf import empty_pb2

from lab import Lab, LabError
from tests.standins.conftest import Live, New
from tests.standins.engine import RefusedError, Resource, connected
from tests.standins.objects import MISSING_IMAGE, config_map, deployment, service

Background = Callable[[Callable[[], Any]], Future[Any]]


@pytest.fixture
def background() -> Iterator[Background]:
    with ThreadPoolExecutor() as threads:
        yield threads.submit


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def test_a_deployment_is_created_once_its_pods_are_available(new: New, namespace: str) -> None:
    state = new(deployment(namespace, replicas=2)).create()
    assert state["status"]["availableReplicas"] == 2


def test_an_update_waits_for_the_new_pods(new: New, live: Live, namespace: str) -> None:
    resource = new(deployment(namespace))
    resource.create()
    state = resource.update(deployment(namespace, image="lab.local/nginx-v1:1"))
    assert state["status"]["updatedReplicas"] == state["status"]["availableReplicas"] == 1
    assert state["status"]["observedGeneration"] == live("deployment", "web")["metadata"]["generation"] == 2


def test_skip_await_waits_for_nothing(new: New, namespace: str) -> None:
    wanted = deployment(namespace, image=MISSING_IMAGE, annotations={"pulumi.com/skipAwait": "true"})
    started = time.monotonic()
    new(wanted).create()
    assert time.monotonic() - started < 10


def test_what_does_not_become_ready_in_time_is_kept(new: New, live: Live, namespace: str) -> None:
    resource = new(deployment(namespace, image=MISSING_IMAGE))
    resource.timeout = 1
    with pytest.raises(RefusedError, match=r"successfully created.*failed to fully initialize") as failed:
        resource.create()
    assert failed.value.reasons[0] == "'web' timed out waiting to be Ready"
    assert "Minimum number of live Pods was not attained" in failed.value.reasons
    assert failed.value.kept is not None
    assert failed.value.kept["metadata"]["uid"] == live("deployment", "web")["metadata"]["uid"]


def reasons_of(resource: Resource) -> str:
    """Why the object does not become ready, once its pods have had the time to fail."""
    resource.timeout = 1
    with pytest.raises(RefusedError):
        resource.create()

    def reasons() -> str:
        with pytest.raises(RefusedError) as failed:
            resource.update(resource.inputs)
        return "\n".join(failed.value.reasons)

    until(lambda: "container 'main'" in reasons(), seconds=60)
    return reasons()


def test_an_image_that_cannot_be_had_is_named(new: New, namespace: str) -> None:
    told = reasons_of(new(deployment(namespace, image=MISSING_IMAGE)))
    assert "ErrImagePull" in told or "ImagePullBackOff" in told
    assert MISSING_IMAGE in told


def test_a_container_that_ends_at_once_is_named(new: New, namespace: str) -> None:
    wanted = deployment(namespace)
    wanted["spec"]["template"]["spec"]["containers"][0]["command"] = ["sh", "-c", "exit 7"]
    wanted["spec"]["minReadySeconds"] = 60
    told = reasons_of(new(wanted))
    assert "CrashLoopBackOff" in told or "ended with exit code 7" in told


def test_an_update_repairs_what_never_became_ready(new: New, namespace: str) -> None:
    limit = {"pulumi.com/timeoutSeconds": "3"}
    resource = new(deployment(namespace, image=MISSING_IMAGE, annotations=limit))
    resource.timeout = 0
    with pytest.raises(RefusedError):
        resource.create()
    with pytest.raises(RefusedError, match="failed to fully initialize"):
        resource.update(resource.inputs)
    state = resource.update(deployment(namespace, annotations={"pulumi.com/timeoutSeconds": "60"}))
    assert state["status"]["availableReplicas"] == 1


def test_a_service_waits_for_ready_endpoints(
    lab: Lab, new: New, background: Background, namespace: str
) -> None:
    lab.kubectl("-n", namespace, "create", "deployment", "web", "--image=lab.local/curl:1", "--replicas=0")
    broken = ("run", "broken", f"--image={MISSING_IMAGE}", "--labels=app=web")
    lab.kubectl("-n", namespace, *broken)
    resource = new(service(namespace))
    creation = background(resource.create)
    time.sleep(2)
    assert not creation.done(), "a pod is selected that is not ready"
    lab.kubectl("-n", namespace, "scale", "deployment", "web", "--replicas=1")
    lab.kubectl("-n", namespace, "delete", "pod", "broken", "--now")
    assert creation.result(timeout=60)["spec"]["clusterIP"]


def test_deletion_waits_until_the_object_is_gone(
    lab: Lab, new: New, background: Background, live: Live, namespace: str
) -> None:
    wanted = config_map(namespace)
    wanted["metadata"]["finalizers"] = ["example.org/hold"]
    resource = new(wanted)
    resource.create()
    deletion = background(resource.delete)
    until(lambda: "deletionTimestamp" in live("configmap", "settings")["metadata"])
    time.sleep(1)
    assert not deletion.done()
    lab.kubectl("-n", namespace, "patch", "configmap", "settings", "-p", '{"metadata":{"finalizers":null}}')
    deletion.result(timeout=30)
    with pytest.raises(LabError, match="not found"):
        live("configmap", "settings")


def test_deleting_a_deployment_takes_its_pods_along(lab: Lab, new: New, namespace: str) -> None:
    resource = new(deployment(namespace))
    resource.create()
    resource.delete()
    assert lab.kubectl("-n", namespace, "get", "pods", "-o", "name") == ""


def test_a_deletion_that_takes_too_long_says_what_holds_it(lab: Lab, new: New, namespace: str) -> None:
    wanted = config_map(namespace)
    wanted["metadata"]["finalizers"] = ["example.org/hold"]
    resource = new(wanted)
    resource.create()
    resource.timeout = 1
    with pytest.raises(RefusedError, match="timed out") as failed:
        resource.delete()
    assert failed.value.reasons == ["finalizers might be preventing deletion (example.org/hold)"]
    lab.kubectl("-n", namespace, "patch", "configmap", "settings", "-p", '{"metadata":{"finalizers":null}}')


def test_what_is_gone_already_needs_no_deletion(lab: Lab, new: New, namespace: str) -> None:
    resource = new(config_map(namespace))
    resource.create()
    lab.kubectl("-n", namespace, "delete", "configmap", "settings")
    resource.delete()


def test_cancel_ends_a_wait_at_once(lab: Lab, background: Background, namespace: str) -> None:
    with connected(str(lab.kubeconfig)) as client:
        resource = Resource(client, deployment(namespace, image=MISSING_IMAGE))
        creation = background(resource.create)
        time.sleep(1)
        started = time.monotonic()
        client.Cancel(empty_pb2.Empty())
        with pytest.raises(RefusedError, match=r"failed to fully initialize.*cancelled"):
            creation.result(timeout=30)
        assert time.monotonic() - started < 10


def test_many_resources_are_served_at_once(new: New, namespace: str) -> None:
    def create(index: int) -> None:
        wanted = config_map(namespace)
        wanted["metadata"]["name"] = f"settings-{index}"
        new(wanted).create()

    threads = [threading.Thread(target=create, args=(index,)) for index in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
