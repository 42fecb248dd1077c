"""From stack config to the component's arguments."""

import json
from pathlib import Path
from typing import Any, get_type_hints

import pulumi
import yaml

import settings
from mirrored_service import MirroredServiceArgs
from mirrored_service.reading.service import parse
from tests.recorder import record
from tests.services import WALKTHROUGH, service_args

CHECKOUT = Path(__file__).parents[2]


def load(config: dict[str, str], secret: tuple[str, ...] = ()) -> Any:
    """What settings reads from this config, given as Pulumi hands it over: as text."""
    keys = {f"mirrored-service:{key}": value for key, value in config.items()}

    def build() -> Any:
        pulumi.runtime.set_all_config(keys, [f"mirrored-service:{key}" for key in secret])
        return settings.load()

    return record(build)[0]


def declared() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())["config"]
    return found


def test_every_argument_is_declared_in_the_project_with_type_and_description() -> None:
    types = {str: "string", int: "integer", float: "integer", bool: "boolean", list[str]: "array"}
    arguments = get_type_hints(MirroredServiceArgs)
    assert set(declared()) == set(arguments)
    for name, argument in arguments.items():
        assert declared()[name]["type"] == types.get(argument, "object")
        assert declared()[name]["description"].endswith(".")


def test_every_optional_argument_has_the_default_that_the_component_has() -> None:
    defaults = {key: entry["default"] for key, entry in declared().items() if "default" in entry}
    assert set(defaults) == MirroredServiceArgs.__optional_keys__
    assert parse(service_args(**defaults)) == parse(service_args())


def test_the_stack_dev_is_the_walkthrough() -> None:
    config = yaml.safe_load((CHECKOUT / "Pulumi.dev.yaml").read_text())["config"]
    assert {key.removeprefix("mirrored-service:"): value for key, value in config.items()} == WALKTHROUGH


def test_text_stays_text_and_the_rest_is_read_as_json() -> None:
    assert load({"name": "80", "port": "8080", "createNamespace": "false", "hosts": '["a.example"]'}) == {
        "name": "80",
        "port": 8080,
        "createNamespace": False,
        "hosts": ["a.example"],
    }


def test_what_is_not_json_and_what_is_unknown_reaches_the_component_to_be_refused() -> None:
    assert load({"port": "eighty", "hots": "[]"}) == {"port": "eighty", "hots": []}
    assert load({"port": "9" * 5000}) == {"port": "9" * 5000}


def test_config_of_other_packages_is_left_alone() -> None:
    def build() -> Any:
        pulumi.runtime.set_all_config({"kubernetes:namespace": "x", "mirrored-service:name": "nginx"})
        return settings.load()

    assert record(build)[0] == {"name": "nginx"}


def test_variables_of_a_config_that_holds_a_secret_are_secrets() -> None:
    subsets = {"v1": {"image": "shop:1", "weight": 100, "env": {"PASSWORD": "hush"}}}
    loaded = load({"subsets": json.dumps(subsets)}, secret=("subsets",))
    assert loaded["subsets"]["v1"]["image"] == "shop:1"
    assert isinstance(loaded["subsets"]["v1"]["env"]["PASSWORD"], pulumi.Output)
