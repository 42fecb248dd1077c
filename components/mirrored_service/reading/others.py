"""Reads versions whose pods others run, and checks that Services can tell pods of one version from another's."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from ..description.service import Service
from ..description.subset import Subset
from .fields import Fields, Problems

# What holds for pods that somebody else runs; all else of a version describes pods that this component makes.
ABOUT_OTHERS = ("containerPort", "containerPorts", "mirrorLimits", "mirrorPercent", "podLabels", "weight")
_LABELS_TEXT = "labels of pods that others run, at least one"


def pod_labels(fields: Fields) -> dict[str, str]:
    """The labels by which the pods are known; none: the component makes them."""
    labels = fields.labels("podLabels", _LABELS_TEXT)
    if labels == {} == fields.values.get("podLabels"):
        # A Service would take no labels for no pods at all, Istio for every pod.
        fields.refuse(("podLabels",), {}, _LABELS_TEXT)
    if fields.values.get("podLabels") is not None:
        for key in fields.values:
            if key in fields.known and key not in ABOUT_OTHERS and fields.values[key] is not None:
                allowed = "nothing next to podLabels, as others run these pods"
                fields.refuse((key,), fields.values[key], allowed, secret=True)
    return labels


def check(service: Service, problems: Problems) -> None:
    """A Service takes all pods with its labels: all versions need one in common, and each some of its own."""
    if not service.run_by_others or problems.below("subsets") or problems.below("name"):
        return
    if not service.mesh_selector:
        for subset in service.run_by_others:
            rest = "; ".join(_text(service, other) for other in service.subsets if other is not subset)
            problems.add(
                ("subsets", subset.name, "podLabels"),
                f"{_plain(subset.pod_labels)} is not allowed; allowed: labels of which all versions have at "
                f"least one alike, as one Service leads to them all ({rest})",
            )
    for first, second in combinations(service.subsets, 2) if service.mesh_selector else ():
        if first.run_by_others or second.run_by_others:
            _check_apart(service, first, second, problems)
    if not problems.below("ports"):
        _check_ports(service, problems)


def _check_apart(service: Service, first: Subset, second: Subset, problems: Problems) -> None:
    one, other = service.pod_labels(first), service.pod_labels(second)
    if any(name in other and other[name] != value for name, value in one.items()):
        return
    theirs, rest = (second, first) if second.run_by_others else (first, second)
    problems.add(
        ("subsets", theirs.name, "podLabels"),
        f"{_plain(theirs.pod_labels)} is not allowed; allowed: labels of which one has another value than for "
        f"{_text(service, rest)}, so that no pod is taken for one of both versions",
    )


def _check_ports(service: Service, problems: Problems) -> None:
    for port in service.ports:
        numbers = {subset.name: service.container_port(subset, port) for subset in service.subsets}
        if len(set(numbers.values())) > 1:
            listed = ", ".join(f"{name} {number}" for name, number in numbers.items())
            key = "containerPort" if port is service.ports[0] else f"number for {port.name} in containerPorts"
            problems.add(
                ("subsets",),
                f"different container ports ({listed}) are not allowed; allowed: one {key} for all versions "
                "next to podLabels, as a Service finds it by number",
            )


def _text(service: Service, subset: Subset) -> str:
    return f"{subset.name}: {_plain(service.pod_labels(subset))}"


def _plain(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={labels[name]}" for name in sorted(labels))
