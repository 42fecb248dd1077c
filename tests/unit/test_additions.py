"""What somebody added by hand to an object is found, whatever it is, and said."""

from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from mirrored_service import MirroredService, additions
from tests import recorder
from tests.services import service_args

OURS: dict[str, Any] = {"hosts": ["a"], "http": [{"route": [{"weight": 100}]}, {"route": []}]}


@pytest.mark.parametrize(
    ("live", "found"),
    [
        (OURS, []),
        ({**OURS, "exportTo": ["."]}, ["spec.exportTo"]),
        ({**OURS, "http": [{**OURS["http"][0], "fault": {}}, OURS["http"][1]]}, ["spec.http[0].fault"]),
        ({**OURS, "http": [*OURS["http"], {"route": []}]}, ["spec.http[2]"]),
        (
            {**OURS, "http": [{"route": [{"weight": 100, "headers": {}}], "mirrors": []}]},
            ["spec.http[0].route[0].headers", "spec.http[0].mirrors"],
        ),
        ({**OURS, "hosts": ["b"]}, []),
        ({**OURS, "hosts": {"a": 1}}, []),
        (None, []),
        ("x", []),
        ({}, []),
    ],
)
def test_additions_are_found_and_what_is_changed_or_taken_away_is_not_one(
    live: Any, found: list[str]
) -> None:
    assert additions.paths(OURS, live, "spec") == found


def warned(monkeypatch: pytest.MonkeyPatch, kind: str, added: dict[str, Any]) -> list[str]:
    """What is said when objects of this kind have more in the cluster than the component wrote."""
    lines: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda line, resource: lines.append(line))

    def answer(self: Any, args: mocks.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        spec = args.inputs.get("spec", {})
        live = {**args.inputs, "spec": {**spec, **added}} if args.typ.endswith(f":{kind}") else args.inputs
        return f"{args.name}-id", live

    monkeypatch.setattr(recorder._Echo, "new_resource", answer)
    subsets = {
        "v1": {"image": "shop:1", "weight": 100, "replicas": 2},
        "v2": {"image": "shop:2", "mirrorPercent": 1},
    }
    recorder.run(lambda: MirroredService("nginx", service_args(subsets, hosts=["a.example"])))
    return lines


def test_what_was_added_to_objects_of_the_mesh_is_said_with_the_way_to_take_it_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sorted(warned(monkeypatch, "VirtualService", {"exportTo": ["."]})) == [
        f"nginx-{name}: somebody added spec.exportTo by hand, and Pulumi takes back only what was changed; take "
        f"it out with `kubectl edit virtualservice.networking.istio.io nginx-{name} --namespace istio-project`"
        for name in ("mesh", "vs")
    ]


def test_what_kubernetes_adds_to_its_own_objects_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert warned(monkeypatch, "Deployment", {"revisionHistoryLimit": 10}) == []
