"""Digests of answers: Lua in the sidecars of every version, the same in every role; the key is a secret to the
end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

import settings
from mirrored_service import MirroredService
from mirrored_service.plan import Key, plan, render
from mirrored_service.reading import stack_config
from mirrored_service.reading.fields import InvalidArgsError
from mirrored_service.reading.service import parse
from mirrored_service.rendering import answer_digests
from tests.recorder import run
from tests.refusals import NOT, problems
from tests.services import FOREIGN, LIVE, SHADOW, service_args

KEY = "000102030405060708090a0b0c0d0e0f"
DIGESTS: dict[str, Any] = {"key": KEY}
KEY_TEXT = "32 hexadecimal digits, such as `openssl rand -hex 16` prints"


def extensions(subsets: dict[str, Any], digests: Any = None, **changes: Any) -> dict[str, Any]:
    """The specs by name."""
    args = service_args(subsets, answerDigests=DIGESTS if digests is None else digests, **changes)
    made = [step.manifest for step in plan(parse(args)) if step.key[0] == "TrafficExtension"]
    return {each["metadata"]["name"]: each["spec"] for each in made}


def code(**digests: Any) -> str:
    return str(extensions(SHADOW, {**DIGESTS, **digests})["nginx-v2"]["lua"]["inlineCode"])


def test_the_inbound_sidecars_of_every_version_have_it() -> None:
    found = extensions(SHADOW)
    assert set(found) == {"nginx-v1", "nginx-v2"}
    assert found["nginx-v2"]["selector"] == {"matchLabels": {"app": "nginx", "version": "v2"}}
    assert found["nginx-v2"]["match"] == [{"mode": "SERVER"}]
    assert found["nginx-v1"]["lua"] == found["nginx-v2"]["lua"]


def test_a_promotion_changes_nothing_of_it() -> None:
    assert extensions(SHADOW) == extensions(LIVE)


def test_pods_that_others_run_are_known_by_their_labels() -> None:
    assert extensions(FOREIGN)["nginx-v2"]["selector"] == {"matchLabels": {"app": "nginx", "track": "next"}}


def test_without_it_there_is_none() -> None:
    assert extensions(SHADOW, {}) == {}
    assert parse(service_args(SHADOW, answerDigests={})).answer_digests is None
    assert not [each for each in render(service_args(SHADOW)) if each["kind"] == "TrafficExtension"]


def test_nothing_that_serves_changes_before_the_cluster_has_taken_it() -> None:
    steps = {step.key: step for step in plan(parse(service_args(SHADOW, answerDigests=DIGESTS)))}
    made = [("TrafficExtension", f"nginx-{version}") for version in ("v1", "v2")]

    def needed(key: Key) -> set[Key]:
        return {key, *(each for below in steps[key].needs for each in needed(below))}

    for key in steps:
        if key[0] in ("Deployment", "DestinationRule", "VirtualService"):
            assert set(made) <= needed(key), key
    assert not [step for key, step in steps.items() if key in made and step.waits]


def test_the_settings_stand_before_the_code() -> None:
    first, second, *rest = code().splitlines()
    assert first == f'local KEY, ONE_OF, MOST_JSON, HIDDEN = "{KEY}", 10, 65536, false'
    assert second == 'local METHODS = {["GET"] = true, ["HEAD"] = true, ["OPTIONS"] = true}'
    assert "function envoy_on_response(handle)" in rest
    first = code(oneOf=3.0, maxJsonBytes=2048, hideNames=True).splitlines()[0]
    assert first == f'local KEY, ONE_OF, MOST_JSON, HIDDEN = "{KEY}", 3, 2048, true'


def test_what_is_copied_is_looked_at() -> None:
    found = extensions(SHADOW, mirrorMatch={"methods": ["*"]})["nginx-v1"]["lua"]["inlineCode"]
    assert found.splitlines()[1] == "local METHODS = nil"


def test_grpc_calls_that_are_copied_are_looked_at_so_that_the_report_can_count_them() -> None:
    calls: dict[str, Any] = {"ports": [{"name": "grpc", "port": 80}], "mirrorMatch": {"grpcCalls": True}}
    found = extensions(SHADOW, **calls)["nginx-v1"]["lua"]["inlineCode"]
    assert '["POST"] = true' in found.splitlines()[1]
    mixed = {**calls, "ports": [{"name": "http", "port": 81}, *calls["ports"]]}
    assert extensions(SHADOW, **{**mixed, "mirrorMatch": {}})["nginx-v1"]["lua"]["inlineCode"] == code()


def test_it_fits_into_the_object() -> None:
    assert len(code()) < 64 * 1024


def awaited(found: Any) -> Any:
    """What a coroutine gives; the loop is its own, as Pulumi's mocks need the one that is there."""
    return asyncio.new_event_loop().run_until_complete(found)


def test_a_key_that_another_resource_makes_is_checked_when_it_is_known() -> None:
    async def made(key: str) -> Any:
        spec = extensions(SHADOW, {"key": pulumi.Output.from_input(key)})["nginx-v2"]
        return await spec["lua"]["inlineCode"].future()

    assert awaited(made(KEY)) == code()
    with pytest.raises(
        InvalidArgsError, match=r"answerDigests\.key: not allowed; allowed: 32 hex"
    ) as refused:
        awaited(made("hush"))
    assert "hush" not in str(refused.value)


def test_a_secret_key_of_the_config_stays_one_into_the_object() -> None:
    values = {
        "name": "nginx",
        "namespace": "shop",
        "hosts": '["a.example"]',
        "gateway": '{"ownsHosts": true}',
    }
    values |= {"subsets": json.dumps(SHADOW), "answerDigests": json.dumps({**DIGESTS, "oneOf": 2})}
    keys = {f"mirrored-service:{key}": value for key, value in values.items()}

    def build() -> Any:
        pulumi.runtime.set_all_config(keys, ["mirrored-service:answerDigests"])
        return MirroredService("nginx", settings.load())

    recording = run(build)
    made = recording.found("TrafficExtension", "nginx-v2")
    spec: Any = made.inputs["spec"]
    assert spec[rpc._special_sig_key] == rpc._special_secret_sig
    first = spec["value"]["lua"]["inlineCode"].splitlines()[0]
    assert first == f'local KEY, ONE_OF, MOST_JSON, HIDDEN = "{KEY}", 2, 65536, false'


def test_the_command_line_takes_a_secret_key() -> None:
    stack_config.check(dict(service_args(SHADOW, answerDigests=DIGESTS)), ["answerDigests"])


@pytest.mark.parametrize(
    ("digests", "line"),
    [
        ({"oneOf": 10}, f"answerDigests.key: missing; allowed: {KEY_TEXT}"),
        ({"key": "hush"}, f"answerDigests.key: a string {NOT} {KEY_TEXT}"),
        ({"key": KEY[1:]}, f"answerDigests.key: a string {NOT} {KEY_TEXT}"),
        ({"key": 7}, f"answerDigests.key: a number {NOT} {KEY_TEXT}"),
        ({**DIGESTS, "oneOf": 0}, f"answerDigests.oneOf: 0 {NOT} a whole number from 1 to 10000"),
        ({**DIGESTS, "oneOf": 1.5}, f"answerDigests.oneOf: 1.5 {NOT} a whole number from 1 to 10000"),
        (
            {**DIGESTS, "maxJsonBytes": 10**6},
            f"answerDigests.maxJsonBytes: 1000000 {NOT} a whole number from 1024 to 262144",
        ),
        ({**DIGESTS, "hideNames": "no"}, f"answerDigests.hideNames: 'no' {NOT} true or false"),
        ({**DIGESTS, "oneof": 1}, "answerDigests.oneof: unknown, did you mean oneOf?"),
        ("on", f"answerDigests: a string {NOT} a mapping of properties"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(digests: Any, line: str) -> None:
    (found,) = problems(service_args(answerDigests=digests))
    assert found == line


def test_the_code_is_beside_its_module() -> None:
    assert Path(answer_digests.__file__).with_suffix(".lua").is_file()
