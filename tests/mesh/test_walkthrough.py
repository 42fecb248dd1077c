"""The walkthrough on a real mesh: v1 answers, v2 gets the copies, and nobody ever meets v2."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from lab.kit.check import access_log
from lab.kit.scratch import ScratchStack
from tests.mesh.callers import Caller

PERCENTAGE = "spec.http[0].mirrors[0].percentage.value"


@pytest.fixture(scope="module")
def walkthrough(deploy: Callable[[], ScratchStack]) -> ScratchStack:
    deployed = deploy()
    deployed.stack.up()
    return deployed


def v2_logged(deployed: ScratchStack, path: str, count: int) -> int:
    """How many requests v2 logged, after waiting a little for `count` of them."""
    give_up = time.monotonic() + 5
    while (logged := len(access_log(deployed.lab, deployed.service, "v2", path))) < count:
        if time.monotonic() > give_up:
            break
        time.sleep(0.3)
    return logged


def test_v1_answers_every_request_and_v2_logs_a_copy_of_each(walkthrough: ScratchStack) -> None:
    report = walkthrough.check()
    assert report.problems == []
    assert {seen.version: seen.logged for seen in report.versions} == {"v1": 100, "v2": 100}
    assert report.answered_by == {"v1": 100}


def test_the_copies_name_the_ingress_gateway_which_made_them(walkthrough: ScratchStack) -> None:
    owner = walkthrough.check(10).gained_owner
    assert owner is not None
    assert owner.startswith("pod istio-system/istio-ingressgateway-")


def test_every_pod_has_a_sidecar(walkthrough: ScratchStack) -> None:
    ready = [line.split()[1] for line in walkthrough.kubectl("get", "pods", "--no-headers").splitlines()]
    assert ready == ["2/2", "2/2"]


def test_a_request_that_writes_is_not_copied(walkthrough: ScratchStack) -> None:
    for _ in range(20):
        answer = requests.post(
            f"{walkthrough.lab.gateway_url}/write", headers={"Host": walkthrough.host}, timeout=5
        )
        assert answer.text.startswith("nginx v1 ")
    assert len(access_log(walkthrough.lab, walkthrough.service, "v1", "/write")) == 20
    assert v2_logged(walkthrough, "/write", count=1) == 0


def test_a_caller_inside_the_mesh_gets_v1_and_is_mirrored(walkthrough: ScratchStack) -> None:
    caller = Caller(walkthrough.lab, walkthrough.namespace, "meshed", sidecar=True)
    assert caller.answers("http://nginx/in-mesh/", 40) == {"nginx v1": 40}
    assert v2_logged(walkthrough, "/in-mesh/", count=40) == 40


def test_a_caller_without_a_sidecar_gets_v1_only(walkthrough: ScratchStack) -> None:
    caller = Caller(walkthrough.lab, walkthrough.namespace, "plain", sidecar=False)
    assert caller.answers("http://nginx/plain/", 40) == {"nginx v1": 40}
    assert v2_logged(walkthrough, "/plain/", count=1) == 0


def test_istio_finds_nothing_to_complain_about(walkthrough: ScratchStack) -> None:
    analyzed = walkthrough.lab.run(
        "istioctl",
        "analyze",
        f"--namespace={walkthrough.namespace}",
        "--output=json",
        capture_output=True,
        text=True,
    )
    assert (analyzed.returncode, json.loads(analyzed.stdout or "[]")) == (0, []), analyzed.stderr


def test_refresh_and_a_second_up_change_nothing(walkthrough: ScratchStack) -> None:
    refreshed = walkthrough.stack.change("refresh", "--expect-no-changes")
    assert refreshed.returncode == 0, refreshed.stdout
    again = walkthrough.stack.change("up", "--expect-no-changes")
    assert again.returncode == 0, again.stdout


def test_outputs_tell_other_stacks_where_the_service_is(walkthrough: ScratchStack) -> None:
    host = f"nginx.{walkthrough.namespace}.svc.cluster.local"
    assert walkthrough.stack.outputs() == {
        "namespace": walkthrough.namespace,
        "host": host,
        "urls": [f"http://{walkthrough.host}/"],
        "liveVersions": ["v1"],
        "shadowVersions": ["v2"],
        "mirrorPercents": {"v2": 100},
        "mirrorMethods": ["GET", "HEAD", "OPTIONS"],
        "mirrorTarget": {"host": host, "port": 80, "protocol": "http"},
    }


def changed_subsets(deployed: ScratchStack, **changes: dict[str, Any]) -> dict[str, Any]:
    """The walkthrough's subsets, some of them with other properties than their image."""
    subsets: dict[str, Any] = dict(deployed.args["subsets"])
    for version, properties in changes.items():
        subsets[version] = {"image": subsets[version]["image"], **properties}
    return subsets


def test_a_preview_of_another_percentage_shows_that_one_property_and_nothing_else(
    walkthrough: ScratchStack,
) -> None:
    walkthrough.configure(changed_subsets(walkthrough, v2={"mirrorPercent": 50}))
    steps = walkthrough.stack.preview()
    # The engine takes the two side by side, so either may come first.
    assert sorted((step["op"], step["urn"].rsplit("::", 1)[-1]) for step in steps) == [
        ("update", "nginx-ingress"),
        ("update", "nginx-mesh"),
    ]
    assert [list(step["detailedDiff"]) for step in steps] == [[PERCENTAGE], [PERCENTAGE]]


def test_half_of_the_requests_are_copied_at_50_percent(walkthrough: ScratchStack) -> None:
    walkthrough.deploy(changed_subsets(walkthrough, v2={"mirrorPercent": 50}))
    logged = {seen.version: seen.logged for seen in walkthrough.check(2000).versions}
    assert logged["v1"] == 2000
    assert 880 <= logged["v2"] <= 1120


def test_nothing_is_copied_at_0_percent_and_the_shadow_keeps_its_pod(walkthrough: ScratchStack) -> None:
    walkthrough.deploy(changed_subsets(walkthrough, v2={"mirrorPercent": 0}))
    report = walkthrough.check()
    assert {seen.version: seen.logged for seen in report.versions} == {"v1": 100, "v2": 0}
    assert "nginx-v2-" in walkthrough.kubectl("get", "pods", "--output=name")


def test_promoting_v2_replaces_nothing_and_v2_answers(walkthrough: ScratchStack) -> None:
    walkthrough.configure(changed_subsets(walkthrough, v1={}, v2={"weight": 100}))
    operations = {(step["op"], step["urn"].rsplit("::", 1)[-1]) for step in walkthrough.stack.preview()}
    assert {operation for operation, _ in operations} <= {"update"}, operations
    pods = walkthrough.kubectl("get", "pods", "--selector=version", "--output=name")
    walkthrough.stack.up()
    assert walkthrough.check().answered_by == {"v2": 100}
    assert walkthrough.kubectl("get", "pods", "--selector=version", "--output=name") == pods


def test_destroy_leaves_nothing_but_the_namespace(walkthrough: ScratchStack) -> None:
    walkthrough.stack.destroy()
    assert json.loads(walkthrough.stack.output("stack", "export", "--stack", walkthrough.stack.name))[
        "deployment"
    ].get("resources") in (None, [])
    kinds = "deployments,services,virtualservices,destinationrules,gateways.networking.istio.io"
    assert walkthrough.kubectl("get", kinds, "--output=name") == ""
    # Whatever else is in the namespace would go with it.
    namespaces = walkthrough.lab.kubectl("get", "namespaces", "--output=name")
    assert f"namespace/{walkthrough.namespace}" in namespaces.split()
