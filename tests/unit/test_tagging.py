"""Labels and annotations that every object has, and that no pod and no selector has."""

from collections.abc import Iterator
from typing import Any

import pytest

from mirrored_service import MirroredService
from mirrored_service.reading.service import parse
from mirrored_service.rendering import pods
from tests.recorder import record
from tests.refusals import NOT, problems
from tests.services import service_args

FREE = "app.kubernetes.io/component, app.kubernetes.io/instance, app.kubernetes.io/part-of"
RESERVED = "means something to Kubernetes, Istio or Pulumi, and not the same for every object"
TAGS: dict[str, Any] = {
    "labels": {"app.kubernetes.io/part-of": "shop", "cost-centre": "42"},
    "annotations": {"example.org/owner": "team shop <shop@example.org>"},
}


def objects(**changes: Any) -> dict[str, dict[str, Any]]:
    _, registered = record(lambda: MirroredService("nginx", service_args(**changes)))
    return {f"{found.type} {found.name}": found.inputs for found in registered if "metadata" in found.inputs}


def selectors(inputs: Any) -> Iterator[Any]:
    """Everything below the metadata that goes by labels."""
    if isinstance(inputs, dict):
        for key, value in inputs.items():
            if key in ("selector", "labels", "matchLabels"):
                yield value
            yield from selectors(value)
    elif isinstance(inputs, list):
        for member in inputs:
            yield from selectors(member)


def test_every_object_says_whose_it_is_as_kubernetes_recommends() -> None:
    for name, inputs in objects().items():
        labels = inputs["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "nginx", name
        assert labels["app.kubernetes.io/managed-by"] == "mirrored-service", name
        assert labels.get("app.kubernetes.io/version") == labels.get("version"), name


def test_every_object_has_the_labels_and_annotations_that_are_asked_for() -> None:
    plain, tagged = objects(), objects(**TAGS)
    assert set(plain) == set(tagged)
    for name, inputs in tagged.items():
        metadata, before = inputs["metadata"], plain[name]["metadata"]
        assert metadata["labels"] == {**before["labels"], **TAGS["labels"]}, name
        assert metadata["annotations"] == {**before.get("annotations", {}), **TAGS["annotations"]}, name


def test_tags_replace_no_pod_and_change_no_selector() -> None:
    plain, tagged = objects(), objects(**TAGS)
    for name in plain:
        assert plain[name].get("spec") == tagged[name].get("spec"), name
    described = parse(service_args(**TAGS))
    template = pods.deployment(described, described.main)["spec"]["template"]
    assert template["metadata"] == {"labels": {"app": "nginx", "version": "v1"}}


def test_no_selector_asks_for_a_recommended_label() -> None:
    found = [labels for inputs in objects(**TAGS).values() for labels in selectors(inputs.get("spec"))]
    assert found
    assert "kubernetes.io" not in str(found)


REFUSED: list[tuple[str, Any, str]] = [
    (
        "the label that services select by",
        service_args(labels={"app": "other"}),
        f"labels: the name 'app' {NOT} a label that the component does not set itself",
    ),
    (
        "a label that the component sets",
        service_args(labels={"app.kubernetes.io/name": "x"}),
        f"labels: the name 'app.kubernetes.io/name' {NOT} {FREE}, or a label of your own; this one {RESERVED}",
    ),
    (
        "a label that switches injection off",
        service_args(labels={"istio-injection": "disabled"}),
        f"labels: the name 'istio-injection' {NOT} {FREE}, or a label of your own; this one {RESERVED}",
    ),
    (
        "a label's value that is none",
        service_args(labels={"owner": "a b"}),
        f"labels.owner: 'a b' {NOT} the value of a Kubernetes label, at most 63 characters",
    ),
    ("labels as a list", service_args(labels=["a"]), f"labels: a list {NOT} labels by name"),
    (
        "an annotation of Pulumi's",
        service_args(annotations={"pulumi.com/skipAwait": "true"}),
        f"annotations: the name 'pulumi.com/skipAwait' {NOT} an annotation of your own; this one {RESERVED}",
    ),
    (
        "an annotation of Istio's",
        service_args(annotations={"sidecar.istio.io/inject": "false"}),
        f"annotations: the name 'sidecar.istio.io/inject' {NOT} an annotation of your own; this one {RESERVED}",
    ),
    (
        "an annotation's key that is none",
        service_args(annotations={"the owner": "x"}),
        f"annotations: the name 'the owner' {NOT} the key of a Kubernetes annotation",
    ),
    (
        "a number as annotation",
        service_args(annotations={"cost": 5}),
        f"annotations.cost: 5 {NOT} a string (put numbers in quotes)",
    ),
    (
        "annotations as text",
        service_args(annotations="me"),
        f"annotations: a string {NOT} annotations by name",
    ),
    (
        "annotations that are too large together",
        service_args(annotations={"a": "x" * 60_000, "b": "x" * 60_000}),
        "annotations: 120002 bytes in all are not allowed; allowed: at most 100000",
    ),
]


@pytest.mark.parametrize(("args", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_refuses(args: Any, message: str) -> None:
    assert problems(args) == (message,)
