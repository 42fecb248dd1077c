"""From stack config to the component's arguments.

What Pulumi.yaml says of each key is written anew by `python -m tests.unit.test_settings`, after
components/schema.json.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import pulumi
import pytest
import yaml
from pulumi.runtime import rpc

import settings
from mirrored_service import InvalidArgsError, MirroredService, MirroredServiceArgs
from mirrored_service.reading.service import parse
from tests.recorder import record, run
from tests.services import WALKTHROUGH, service_args

CHECKOUT = Path(__file__).parents[2]
PROJECT = CHECKOUT / "Pulumi.yaml"
SCHEMA = json.loads((CHECKOUT / "components" / "schema.json").read_text())


def load(config: dict[str, str], secret: tuple[str, ...] = ()) -> Any:
    """What settings reads from this config, given as Pulumi hands it over: as text."""
    keys = {f"mirrored-service:{key}": value for key, value in config.items()}

    def build() -> Any:
        pulumi.runtime.set_all_config(keys, [f"mirrored-service:{key}" for key in secret])
        return settings.load()

    return record(build)[0]


def declared() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(PROJECT.read_text())["config"]
    return found


def test_every_argument_is_declared_in_the_project_with_type_and_description() -> None:
    types = {str: "string", int: "integer", float: None, bool: "boolean", list[str]: "array"}
    types[list[dict[str, Any]]] = "array"
    arguments = get_type_hints(MirroredServiceArgs)
    assert set(declared()) == set(arguments)
    for name, argument in arguments.items():
        assert declared()[name].get("type") == types.get(argument, "object")


def description(name: str) -> str:
    """What a key is, in the words of the arguments."""
    argument = SCHEMA["resources"]["mirrored-service:index:MirroredService"]["inputProperties"][name]
    text = " ".join(argument["description"].split())
    shape = argument.get("$ref") or argument.get("additionalProperties", {}).get("$ref")
    if shape and shape.startswith("#/types/"):
        properties = SCHEMA["types"][shape.removeprefix("#/types/")]["properties"]
        text += f" Properties: {', '.join(sorted(properties))}."
    if name == "mirrorTo":
        text += (
            " In place of host and port: stack, another stack of this program, as organization/project/stack."
        )
    return text


class EachKeyOnce(yaml.SafeLoader):
    """As Pulumi reads YAML: a key that is said twice is an error, and not what was said last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"said twice, {node.start_mark}: {keys}"
        return super().construct_mapping(node, deep)


FILES = sorted([*CHECKOUT.glob("Pulumi*.yaml"), *(CHECKOUT / "examples").glob("*/*.yaml")])


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CHECKOUT)))
def test_no_key_is_said_twice_in_a_file_that_pulumi_reads(file: Path) -> None:
    assert list(yaml.load_all(file.read_text(), EachKeyOnce))  # it is a SafeLoader


def described(project: str) -> str:
    """The project's file with every key described as the argument is."""
    for name in declared():
        entry = re.compile(rf"(\n  {name}:.*\n(?:    .*\n)*?    description: ).*")
        found = entry.search(project)
        if found:
            project = project[: found.end(1)] + json.dumps(description(name)) + project[found.end() :]
    return project


def test_every_key_is_described_as_the_argument_is() -> None:
    project = PROJECT.read_text()
    assert project == described(project), "meant? python -m tests.unit.test_settings"
    assert all("description" in entry for entry in declared().values())


def test_every_optional_argument_has_the_default_that_the_component_has() -> None:
    defaults = {key: entry["default"] for key, entry in declared().items() if "default" in entry}
    assert set(defaults) == MirroredServiceArgs.__optional_keys__
    assert parse(service_args(**defaults)) == parse(service_args(hosts=None, gateway=None))


def test_the_stack_dev_is_the_walkthrough() -> None:
    config = yaml.safe_load((CHECKOUT / "Pulumi.dev.yaml").read_text())["config"]
    assert {key.removeprefix("mirrored-service:"): value for key, value in config.items()} == WALKTHROUGH


def test_text_stays_text_and_the_rest_is_read_as_json() -> None:
    assert load(
        {"name": "80", "settleSeconds": "5", "createNamespace": "false", "hosts": '["a.example"]'}
    ) == {
        "name": "80",
        "settleSeconds": 5,
        "createNamespace": False,
        "hosts": ["a.example"],
    }


def test_what_is_not_json_and_what_is_unknown_reaches_the_component_to_be_refused() -> None:
    assert load({"settleSeconds": "five", "hots": "[]"}) == {"settleSeconds": "five", "hots": []}
    assert load({"settleSeconds": "9" * 5000}) == {"settleSeconds": "9" * 5000}


def test_a_fraction_of_a_second_is_a_number() -> None:
    assert load({"settleSeconds": "0.5"}) == {"settleSeconds": 0.5}


def test_config_of_other_packages_is_left_alone() -> None:
    def build() -> Any:
        pulumi.runtime.set_all_config({"kubernetes:namespace": "x", "mirrored-service:name": "nginx"})
        return settings.load()

    assert record(build)[0] == {"name": "nginx"}


HUSH: dict[str, Any] = {
    "image": "hush.example/shop:1",
    "weight": 100,
    "env": {"PASSWORD": "hush"},
    "podTemplate": {
        "metadata": {"annotations": {"vault.example/token": "hush"}, "labels": {"team": "shop"}},
        "spec": {
            "serviceAccountName": "shop",
            "containers": [
                {
                    "name": "nginx",
                    "command": ["serve", "hush"],
                    "args": ["--password=hush"],
                    "env": [{"name": "TOKEN", "value": "hush"}],
                    "ports": [{"containerPort": 9090, "name": "metrics", "protocol": "TCP"}],
                }
            ],
        },
    },
}


def test_what_may_be_a_secret_is_one_as_soon_as_the_config_of_the_versions_holds_one() -> None:
    texts = {"name": "nginx", "namespace": "shop", "subsets": json.dumps({"v1": HUSH})}
    keys = {f"mirrored-service:{key}": value for key, value in texts.items()}
    sealed: list[pulumi.Output[str]] = []

    def build() -> None:
        pulumi.runtime.set_all_config(keys, ["mirrored-service:subsets"])
        args = settings.load()
        v1: Any = args["subsets"]["v1"]
        (container,) = v1["podTemplate"]["spec"]["containers"]
        sealed.extend([v1["image"], v1["env"]["PASSWORD"], *container["command"], *container["args"]])
        sealed.extend([container["env"][0]["value"], *v1["podTemplate"]["metadata"]["annotations"].values()])
        MirroredService("nginx", args)

    spec = run(build).found("Deployment", "nginx-v1").inputs["spec"]
    assert spec[rpc._special_sig_key] == rpc._special_secret_sig
    (container,) = spec["value"]["template"]["spec"]["containers"]
    assert {key: container[key] for key in ("image", "command", "args")} == {
        "image": "hush.example/shop:1",
        "command": ["serve", "hush"],
        "args": ["--password=hush"],
    }
    assert container["env"][0] == {"name": "TOKEN", "value": "hush"}
    assert spec["value"]["template"]["metadata"]["annotations"] == {"vault.example/token": "hush"}
    assert len(sealed) == 7
    assert all(asyncio.new_event_loop().run_until_complete(secret(output)) for output in sealed)


async def secret(output: pulumi.Output[str]) -> bool:
    return await output.is_secret()


def test_without_a_secret_everything_stays_plain() -> None:
    assert load({"subsets": json.dumps({"v1": HUSH})})["subsets"] == {"v1": HUSH}


def test_no_message_shows_what_may_be_a_secret() -> None:
    wrong = {
        **HUSH,
        "image": "hush hush",
        "env": {"A": "hush\0"},
        "port": "x",
        "podTemplate": {"spec": "hush"},
    }
    with pytest.raises(InvalidArgsError) as refused:
        load({"subsets": json.dumps({"v1": wrong}), "hosts": "[]"}, secret=("subsets", "hosts"))
    assert "hush" not in str(refused.value)


if __name__ == "__main__":
    PROJECT.write_text(described(PROJECT.read_text()))
