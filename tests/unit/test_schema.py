"""The schema that Pulumi infers for other languages from the component's types and docstrings."""

import json
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from pulumi.provider.experimental.component import ComponentProvider

from mirrored_service import MirroredService, MirroredServiceArgs
from shadow_report import comparing

VERSION = metadata.version("mirrored-service")


def schema() -> dict[str, Any]:
    provider = ComponentProvider([MirroredService], name="mirrored-service", version=VERSION)
    found: dict[str, Any] = json.loads(provider.schema or "")
    return found


def component() -> dict[str, Any]:
    found: dict[str, Any] = schema()["resources"]["mirrored-service:index:MirroredService"]
    return found


def described_things() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "MirroredService", component()
    for name, thing in component()["inputProperties"].items():
        yield f"input {name}", thing
    for name, thing in component()["properties"].items():
        yield f"output {name}", thing
    for type_name, definition in schema()["types"].items():
        for name, thing in definition["properties"].items():
            yield f"{type_name} {name}", thing


def test_inputs_are_the_arguments_spelt_alike() -> None:
    assert set(component()["inputProperties"]) == set(MirroredServiceArgs.__annotations__)
    assert set(component()["requiredInputs"]) == MirroredServiceArgs.__required_keys__


def test_an_image_may_be_an_output_and_is_not_there_where_others_run_the_pods() -> None:
    subset = schema()["types"]["mirrored-service:index:SubsetArgs"]
    assert "required" not in subset
    assert not subset["properties"]["image"].get("plain")
    assert subset["properties"]["weight"]["plain"]


def test_outputs_are_what_other_stacks_use() -> None:
    assert set(component()["properties"]) == {
        "namespace",
        "host",
        "urls",
        "liveVersions",
        "shadowVersions",
        "mirrorPercents",
        "mirrorMethods",
        "mirrorTarget",
    }


def test_outputs_are_all_that_the_report_reads_of_a_stack() -> None:
    assert set(comparing.STACK_OUTPUTS) <= set(component()["properties"])


def test_everything_is_described() -> None:
    assert [name for name, thing in described_things() if not thing.get("description")] == []
