"""Stack config that names another stack, and secrets where none may be."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
import yaml

import settings
from mirrored_service import InvalidArgsError
from mirrored_service.reading import stack_config
from mirrored_service.reading.service import parse
from tests.recorder import record
from tests.refusals import NOT
from tests.services import WALKTHROUGH

STACK = "acme/mirrored-service/staging"
TARGET = {"host": "shop.staging.svc.cluster.local", "port": 8080, "protocol": "http"}


def refused(secret: tuple[str, ...] = (), **changes: Any) -> tuple[str, ...]:
    values = {**WALKTHROUGH, **changes}
    with pytest.raises(InvalidArgsError) as found:
        stack_config.check(values, list(secret))
    return found.value.problems


def test_the_other_stack_says_host_and_port_and_everything_else_stays() -> None:
    values = {"name": "nginx", "mirrorTo": {"stack": STACK, "percent": 5, "tls": {}}}
    assert stack_config.with_target(values, {STACK: TARGET}.__getitem__) == {
        "name": "nginx",
        "mirrorTo": {
            "host": "shop.staging.svc.cluster.local",
            "port": 8080,
            "percent": 5,
            "tls": {},
        },
    }


def test_host_and_port_that_are_given_are_left_alone() -> None:
    values = {"mirrorTo": {"host": "a.example", "port": 80, "percent": 5}}
    assert stack_config.with_target(values, lambda stack: pytest.fail("no stack is asked")) == values


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands for the engine, which knows the outputs of these stacks."""
    stacks: dict[str, Any] = {}

    def invoke(function: str, inputs: dict[str, str]) -> Any:
        assert function == "pulumi:pulumi:readStackOutputs"
        if inputs["name"] not in stacks:
            raise Exception(f'invoke failed: it returned an error: unknown stack "{inputs["name"]}"')
        return SimpleNamespace(value={"outputs": stacks[inputs["name"]]})

    monkeypatch.setattr(pulumi.runtime, "invoke", invoke)
    return stacks


def load() -> Any:
    keys = {
        "mirrored-service:name": "nginx",
        "mirrored-service:mirrorTo": json.dumps({"stack": STACK, "percent": 5}),
    }

    def build() -> Any:
        pulumi.runtime.set_all_config(keys)
        return settings.load()

    return record(build)[0]


def test_the_config_leads_to_the_output_of_the_other_stack(engine: dict[str, Any]) -> None:
    engine[STACK] = {"mirrorTarget": {**TARGET, "port": 8080.0}, "host": "x"}
    assert load()["mirrorTo"] == {"host": TARGET["host"], "port": 8080, "percent": 5}
    assert isinstance(load()["mirrorTo"]["port"], int)


def why_refused(protocol: str = "http") -> tuple[str, ...]:
    with pytest.raises(InvalidArgsError) as found:
        settings.target_of(STACK, protocol)
    return found.value.problems


def test_a_stack_that_is_not_there_is_refused_in_the_engines_words(engine: dict[str, Any]) -> None:
    assert why_refused() == (
        f"mirrorTo.stack: '{STACK}' {NOT} a stack that is there and can be read; without mirrorTo nothing is "
        f'copied there (unknown stack "{STACK}")',
    )


@pytest.mark.parametrize("told", [None, {}, "shop", {"host": "a.example", "port": 80}])
def test_a_stack_that_does_not_say_where_its_service_is_is_refused(engine: dict[str, Any], told: Any) -> None:
    engine[STACK] = {"mirrorTarget": told}
    assert why_refused() == (
        f"mirrorTo.stack: '{STACK}' {NOT} a stack with the output mirrorTarget, as this program has it after "
        "`pulumi up`; without mirrorTo nothing is copied there",
    )


def test_a_service_that_speaks_another_protocol_is_refused(engine: dict[str, Any]) -> None:
    engine[STACK] = {"mirrorTarget": {**TARGET, "protocol": "grpc"}}
    assert why_refused("http2") == (
        f"mirrorTo.stack: '{STACK}' {NOT} a service that speaks http2 as this one does, and that one speaks grpc",
    )


def test_a_stack_next_to_a_host_is_refused() -> None:
    assert refused(mirrorTo={"stack": STACK, "host": "a.example", "port": 80, "percent": 1}) == (
        f"mirrorTo.host: 'a.example' {NOT} nothing next to stack, whose output says it",
        f"mirrorTo.port: 80 {NOT} nothing next to stack, whose output says it",
    )


@pytest.mark.parametrize("stack", ["staging", "", 5, ["a/b/c"], "a/b/c/d", "a b/c/d"])
def test_what_is_no_stack_is_refused(stack: Any) -> None:
    (line,) = refused(mirrorTo={"stack": stack, "percent": 1})
    assert line.startswith("mirrorTo.stack: ")
    assert line.endswith(f'{NOT} another stack as "organization/project/stack"')


def test_all_problems_are_told_at_once() -> None:
    found = refused(secret=("hosts",), mirrorTo={"stack": "staging", "percnt": 1}, port=0)
    assert [line.split(":")[0] for line in found] == [
        "hosts",
        "mirrorTo.stack",
        "port",
        "mirrorTo.percnt",
        "mirrorTo.percent",
    ]


def test_a_secret_that_would_not_be_kept_is_refused() -> None:
    assert refused(secret=("annotations", "subsets")) == (
        "annotations: a secret is not allowed; allowed: secrets in env, image, podTemplate of subsets, and key "
        "of answerDigests, only, as "
        "it would stand in the state and in the cluster for everyone to read",
    )


def test_secret_variables_and_no_secrets_are_fine() -> None:
    stack_config.check(WALKTHROUGH, ["subsets"])
    stack_config.check({**WALKTHROUGH, "mirrorTo": {"stack": STACK, "percent": 1}}, [])


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_the_projects_own_stacks_are_described_rightly(stack: str) -> None:
    keys = yaml.safe_load((Path(__file__).parents[2] / f"Pulumi.{stack}.yaml").read_text())["config"]
    values = {key.removeprefix("mirrored-service:"): value for key, value in keys.items()}
    stack_config.check(values, [])
    args: Any = stack_config.with_target(values, lambda other: stack_config.ANY_TARGET)
    assert parse(args).copies is (stack != "staging")


def test_prod_copies_to_staging() -> None:
    prod, staging = (
        yaml.safe_load((Path(__file__).parents[2] / f"Pulumi.{stack}.yaml").read_text())["config"]
        for stack in ("prod", "staging")
    )
    assert prod["mirrored-service:mirrorTo"]["stack"].endswith("/mirrored-service/staging")
    assert prod["mirrored-service:namespace"] != staging["mirrored-service:namespace"]
