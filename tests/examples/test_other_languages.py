"""The examples in YAML and TypeScript say what the schema says, and the component accepts what they ask for."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from lab.cluster.layout import CHECKOUT
from mirrored_service.reading.service import parse

EXAMPLES = CHECKOUT / "examples"
COMPONENT = "mirrored-service:index:MirroredService"
# In Kubernetes' or Istio's words, which the component checks and the schema does not.
ANY = "pulumi.json#/Any"
SIMPLE: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def schema() -> Any:
    return json.loads((CHECKOUT / "components" / "schema.json").read_text())


def yaml_program() -> Any:
    return yaml.safe_load((EXAMPLES / "yaml" / "Pulumi.yaml").read_text())


def from_yaml() -> Any:
    return yaml_program()["resources"]["shop"]["properties"]


def from_typescript() -> Any:
    """The second argument of the constructor: as it is written there, it is YAML too."""
    source = (EXAMPLES / "typescript" / "index.ts").read_text()
    (found,) = re.findall(r'new MirroredService\("shop", (\{.*?^\})\);', source, re.DOTALL | re.MULTILINE)
    return yaml.safe_load(found)


def problems(value: Any, wanted: Any, where: str) -> list[str]:
    """Where a value is not what the schema says."""
    if wanted.get("$ref") == ANY:
        return []
    if "$ref" in wanted:
        return problems_of_object(value, schema()["types"][wanted["$ref"].removeprefix("#/types/")], where)
    if wanted["type"] == "array":
        return [line for item in value for line in problems(item, wanted["items"], where)]
    if wanted["type"] == "object":
        inner = wanted["additionalProperties"]
        return [line for name, item in value.items() for line in problems(item, inner, f"{where}.{name}")]
    return [] if isinstance(value, SIMPLE[wanted["type"]]) else [f"{where}: {value!r} is no {wanted['type']}"]


def problems_of_object(value: Any, wanted: Any, where: str) -> list[str]:
    known = wanted.get("inputProperties") or wanted["properties"]
    required = wanted.get("requiredInputs") or wanted.get("required", [])
    found = [f"{where}.{name}: missing" for name in required if name not in value]
    found += [f"{where}.{name}: unknown" for name in value if name not in known]
    for name in set(value) & set(known):
        found += problems(value[name], known[name], f"{where}.{name}")
    return found


@pytest.mark.parametrize("args", [from_yaml(), from_typescript()], ids=["yaml", "typescript"])
def test_the_arguments_are_those_of_the_schema_and_accepted(args: Any) -> None:
    assert problems_of_object(args, schema()["resources"][COMPONENT], "shop") == []
    described = parse(args)
    assert [subset.name for subset in described.live] == ["v1"]
    assert [subset.name for subset in described.shadows] == ["v2"]


def test_both_ask_for_the_same() -> None:
    assert from_yaml() == from_typescript()


def test_what_is_not_in_the_schema_would_be_found() -> None:
    wrong = {"name": 5, "subsets": {"v1": {"wieght": 100}}}
    assert sorted(problems_of_object(wrong, schema()["resources"][COMPONENT], "shop")) == [
        "shop.name: 5 is no string",
        "shop.namespace: missing",
        "shop.subsets.v1.wieght: unknown",
    ]


def test_the_outputs_that_they_use_are_there() -> None:
    outputs = set(schema()["resources"][COMPONENT]["properties"])
    source = (EXAMPLES / "typescript" / "index.ts").read_text()
    in_yaml = {output.strip("${}").removeprefix("shop.") for output in yaml_program()["outputs"].values()}
    assert in_yaml == set(re.findall(r"= shop\.(\w+);", source)) <= outputs


def test_the_yaml_program_names_the_component_and_where_it_is() -> None:
    assert yaml_program()["resources"]["shop"]["type"] == COMPONENT
    (provider,) = yaml_program()["plugins"]["providers"]
    assert (EXAMPLES / "yaml" / provider["path"] / "PulumiPlugin.yaml").exists()
