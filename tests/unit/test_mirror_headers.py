"""Headers of copies: changed in the shadows' sidecars, known there before the first copy, and gone before a
version is live."""

from typing import Any

import pytest

from mirrored_service import warnings
from mirrored_service.plan import Step, plan
from mirrored_service.reading.service import parse
from tests.refusals import NOT, problems
from tests.services import FOREIGN, LIVE, SHADOW, service_args

HEADERS: dict[str, Any] = {"set": {"x-copy": "true"}, "remove": ["authorization", "Cookie"]}
NAME = (
    "a header's name: letters, digits, '-' and '_', and none of connection, content-length, host, keep-alive, "
    "te, transfer-encoding, upgrade, x-request-id"
)


def steps(subsets: dict[str, Any], **changes: Any) -> dict[Any, Step]:
    return {step.key: step for step in plan(parse(service_args(subsets, mirrorHeaders=HEADERS, **changes)))}


def spec(subsets: dict[str, Any], version: str) -> Any:
    return steps(subsets)["EnvoyFilter", f"nginx-{version}"].manifest["spec"]


def test_the_sidecars_of_a_version_that_is_not_live_change_what_comes_in() -> None:
    found = spec(SHADOW, "v2")
    assert found["workloadSelector"] == {"labels": {"app": "nginx", "version": "v2"}}
    (patch,) = found["configPatches"]
    assert patch["match"]["context"] == "SIDECAR_INBOUND"
    assert patch["patch"]["value"]["typed_config"]["mutations"]["request_mutations"] == [
        {"remove": "authorization"},
        {"remove": "Cookie"},
        {
            "append": {
                "header": {"key": "x-copy", "value": "true"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        },
    ]


def test_those_of_a_live_version_change_nothing_and_the_object_is_the_same() -> None:
    assert spec(SHADOW, "v1")["configPatches"] == spec(LIVE, "v2")["configPatches"] == []
    assert spec(LIVE, "v1")["configPatches"] == spec(SHADOW, "v2")["configPatches"]
    assert set(steps(SHADOW)) == set(steps(LIVE))


def test_pods_that_others_run_are_known_by_their_labels() -> None:
    assert spec(FOREIGN, "v2")["workloadSelector"] == {"labels": {"app": "nginx", "track": "next"}}


def places(found: dict[Any, Step]) -> list[Any]:
    return list(found)


@pytest.mark.parametrize("subsets", [SHADOW, FOREIGN], ids=["own", "foreign"])
def test_sidecars_know_before_the_first_copy_comes(subsets: dict[str, Any]) -> None:
    found = steps(subsets)
    changed, copied_to = ("EnvoyFilter", "nginx-v2"), ("DestinationRule", "nginx-v2")
    assert places(found).index(changed) < places(found).index(copied_to)
    assert changed in found[copied_to].needs
    assert found[changed].waits == ("after_create", "after_update")
    pods = found.get(("Deployment", "nginx-v2"))
    # What settles before pods start has settled before these get copies.
    later = pods or found[copied_to]
    assert changed in later.needs
    assert "before_create" in later.waits


def test_a_version_that_becomes_live_gets_no_copies_then_all_headers_then_requests() -> None:
    found = steps(LIVE)
    order = [
        ("DestinationRule", "nginx-v2"),
        ("EnvoyFilter", "nginx-v2"),
        ("Deployment", "nginx-v2"),
        ("VirtualService", "nginx-vs"),
        ("EnvoyFilter", "nginx-v1"),
    ]
    assert [key for key in found if key in order] == order
    assert "before_update" in found["EnvoyFilter", "nginx-v2"].waits


def test_pods_end_before_their_sidecars_let_headers_through() -> None:
    for subsets in (SHADOW, LIVE):
        annotations = steps(subsets)["Deployment", "nginx-v2"].manifest["metadata"]["annotations"]
        assert annotations["pulumi.com/deletionPropagationPolicy"] == "foreground"


def test_without_it_there_is_no_filter() -> None:
    found = plan(parse(service_args(SHADOW)))
    assert not [step for step in found if step.key[0] == "EnvoyFilter"]
    assert parse(service_args(SHADOW, mirrorHeaders={})) == parse(service_args(SHADOW))


def test_another_environment_gets_all_headers_and_that_is_said() -> None:
    there = {"host": "a.example", "port": 80, "percent": 5}
    said = warnings.of(parse(service_args(SHADOW, mirrorHeaders=HEADERS, mirrorTo=there)))
    assert [line for line in said if line.startswith("mirrorHeaders: copies to mirrorTo keep all headers")]
    off = warnings.of(parse(service_args(SHADOW, mirrorHeaders=HEADERS, mirrorTo={**there, "percent": 0})))
    assert not [line for line in off if line.startswith("mirrorHeaders")]


@pytest.mark.parametrize(
    ("headers", "line"),
    [
        ({"set": {":path": "/"}}, f"mirrorHeaders.set: the name ':path' {NOT} {NAME}"),
        ({"set": {"X-Request-Id": "1"}}, f"mirrorHeaders.set: the name 'X-Request-Id' {NOT} {NAME}"),
        ({"remove": ["Host"]}, f"mirrorHeaders.remove[0]: 'Host' {NOT} a list of headers' names"),
        (
            {"remove": ["cookie", "Cookie"]},
            f"mirrorHeaders.remove[1]: 'cookie' {NOT} a list of headers' names",
        ),
        (
            {"set": {"Cookie": "a"}, "remove": ["cookie"]},
            f"mirrorHeaders.set: the name 'Cookie' {NOT} each header once in set and remove; remove has it "
            "already",
        ),
        ({"set": {"x-a": "a\nb"}}, f"mirrorHeaders.set.x-a: a string {NOT} printable ASCII"),
        ({"set": {"x-a": "%WHO%"}}, f"mirrorHeaders.set.x-a: a string {NOT} printable ASCII"),
        ({"set": {"x-a": 1}}, f"mirrorHeaders.set.x-a: a number {NOT} printable ASCII"),
        ({"remove": "cookie"}, f"mirrorHeaders.remove: 'cookie' {NOT} a list of headers' names"),
        ({"add": {}}, "mirrorHeaders.add: unknown, allowed: remove, set"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(headers: Any, line: str) -> None:
    (found,) = problems(service_args(mirrorHeaders=headers))
    assert found.startswith(line), found
