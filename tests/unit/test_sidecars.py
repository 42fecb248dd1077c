"""Pods without a sidecar are told of after an `up`, and where they cannot be read nothing is said."""

from typing import Any

import pulumi
import pytest

import sidecars
from mirrored_service.commands.doctor.subject import Subject, of_config
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


def cluster(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    monkeypatch.setattr(Kubectl, "lists", lambda *_: answer)


def test_a_version_of_which_a_pod_has_none_is_named(
    monkeypatch: pytest.MonkeyPatch, subject: Subject
) -> None:
    cluster(monkeypatch, ({"Pod": [pod("v1", PROXY), pod("v2"), pod("v2", PROXY, native=True)]}, {}))
    (found,) = sidecars.missing(subject)
    assert found.what == "1 of 2 pods of v2 have no sidecar (nginx-v2-a)"


def test_with_a_sidecar_each_nothing_is_said(monkeypatch: pytest.MonkeyPatch, subject: Subject) -> None:
    cluster(monkeypatch, ({"Pod": [pod("v1", PROXY), pod("v2", PROXY, native=True)]}, {}))
    assert sidecars.missing(subject) == []


def test_pods_that_may_not_be_read_hold_up_nothing(monkeypatch: pytest.MonkeyPatch, subject: Subject) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "debug", told.append)
    cluster(monkeypatch, ({}, {"Pod": "pods is forbidden"}))
    assert sidecars.missing(subject) == []
    assert told == ["pods are not looked at for sidecars: pods is forbidden"]
