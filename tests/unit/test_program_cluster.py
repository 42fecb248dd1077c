"""What the program asks the cluster: before an `up` which kinds it has, after it which pods have no sidecar."""

import json
from typing import Any

import pulumi
import pytest
from pulumi.runtime import config

import cluster
from mirrored_service import InvalidArgsError
from mirrored_service.commands.doctor.subject import Subject, of_config
from mirrored_service.commands.kill_switch.errors import CommandError
from mirrored_service.commands.kubectl import Kubectl
from mirrored_service.reading.service import parse
from tests.services import service_args

LIVE = {"image": "shop:1", "weight": 100}
PROXY = {"name": "istio-proxy"}
Answer = tuple[dict[str, Any], dict[str, str]]


def pod(version: str, *more: dict[str, Any], native: bool = False) -> dict[str, Any]:
    spec = {"containers": [{"name": "nginx"}]}
    spec["initContainers" if native else "containers"] = [*spec["containers"], *more]
    labels = {"app": "nginx", "version": version}
    return {"metadata": {"name": f"nginx-{version}-a", "labels": labels}, "spec": spec}


@pytest.fixture
def subject() -> Subject:
    return of_config(parse(service_args({"v1": LIVE, "v2": {"image": "shop:2", "mirrorPercent": 100}})))


def pods_are(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    monkeypatch.setattr(Kubectl, "lists", lambda *_: answer)


def test_a_version_of_which_a_pod_has_none_is_named(
    monkeypatch: pytest.MonkeyPatch, subject: Subject
) -> None:
    pods_are(monkeypatch, ({"Pod": [pod("v1", PROXY), pod("v2"), pod("v2", PROXY, native=True)]}, {}))
    (found,) = cluster.without_sidecar(subject)
    assert found.what == "1 of 2 pods of v2 have no sidecar (nginx-v2-a)"


def test_with_a_sidecar_each_nothing_is_said(monkeypatch: pytest.MonkeyPatch, subject: Subject) -> None:
    pods_are(monkeypatch, ({"Pod": [pod("v1", PROXY), pod("v2", PROXY, native=True)]}, {}))
    assert cluster.without_sidecar(subject) == []


def test_pods_that_may_not_be_read_hold_up_nothing(monkeypatch: pytest.MonkeyPatch, subject: Subject) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "debug", told.append)
    pods_are(monkeypatch, ({}, {"Pod": "pods is forbidden"}))
    assert cluster.without_sidecar(subject) == []
    assert told == ["pods are not looked at for sidecars: pods is forbidden"]


DIGESTS: dict[str, Any] = {"answerDigests": {"key": "0" * 32}}
GATEWAY_API: dict[str, Any] = {"api": "gateway"}
NEEDED = {"TrafficExtension": DIGESTS, "HTTPRoute": GATEWAY_API}


def cluster_says(monkeypatch: pytest.MonkeyPatch, said: str | CommandError) -> list[tuple[str, ...]]:
    """What it says of any API; the list has what it was asked."""
    asked: list[tuple[str, ...]] = []

    def run(_: Kubectl, *arguments: str) -> str:
        asked.append(arguments)
        if isinstance(said, CommandError):
            raise said
        return said

    monkeypatch.setattr(Kubectl, "run", run)
    return asked


@pytest.mark.parametrize("kind", NEEDED)
@pytest.mark.parametrize(
    "said",
    [
        CommandError("`kubectl get --raw ...`: Error from server (NotFound): the server could not find it"),
        json.dumps({"resources": [{"kind": "WasmPlugin"}]}),
    ],
    ids=["no such API", "no such kind in it"],
)
def test_a_kind_that_the_cluster_does_not_have_is_refused_before_anything_is_registered(
    monkeypatch: pytest.MonkeyPatch, kind: str, said: str | CommandError
) -> None:
    cluster_says(monkeypatch, said)
    (setting,) = NEEDED[kind]
    with pytest.raises(InvalidArgsError) as refused:
        cluster.check_kinds(service_args(**NEEDED[kind]))
    (problem,) = refused.value.problems
    assert problem.startswith(f"{setting}: this cluster does not have the kind {kind}; ")


@pytest.mark.parametrize("kind", NEEDED)
def test_a_kind_that_the_cluster_has_is_not(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    asked = cluster_says(monkeypatch, json.dumps({"resources": [{"kind": kind}]}))
    cluster.check_kinds(service_args(**NEEDED[kind]))
    assert len(asked) == 1


@pytest.mark.parametrize("said", ["kubectl is not on PATH", "Error from server (Forbidden): no"])
def test_a_cluster_that_does_not_answer_holds_up_nothing(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    cluster_says(monkeypatch, CommandError(said))
    cluster.check_kinds(service_args(**DIGESTS))


@pytest.mark.parametrize("key", ["cluster", "renderYamlToDirectory"])
def test_nothing_is_asked_where_nothing_of_it_is_needed_or_the_objects_go_elsewhere(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    asked = cluster_says(monkeypatch, CommandError("not to be asked"))
    cluster.check_kinds(service_args())
    cluster.check_kinds(service_args(api="istio"))
    monkeypatch.setitem(config.CONFIG.get(), f"kubernetes:{key}", "other")
    cluster.check_kinds(service_args(**DIGESTS))
    assert asked == []
