"""What is checked in Kubernetes' and Istio's own words is what an API server publishes of them.

Written anew, when their versions change, by `python -m tests.mesh.test_openapi` with the lab up.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mirrored_service.description.openapi as kept
from lab import Lab
from lab.cluster.lab import DEFAULT_DIRECTORY

FILE = Path(kept.__file__).with_name("openapi.json")
# Of a schema's words: what a value may be, and how lists are merged. The rest is prose, defaults and rules that
# the API server keeps.
WORDS = (
    "type",
    "enum",
    "required",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-patch-merge-key",
    "x-kubernetes-list-map-keys",
)
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def published(definitions: dict[str, Any]) -> dict[str, Any]:
    """The kept kinds and all that they name."""
    found: dict[str, Any] = {}
    wanted = list(kept.KINDS)
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = _pruned(_at(definitions, name), name)
            # Which words Kubernetes takes differs from release to release: its API server judges them.
            if name.startswith("io.k8s."):
                found[name] = _without_enums(found[name])
            wanted += _named(found[name])
    return dict(sorted(found.items()))


def _at(definitions: dict[str, Any], name: str) -> Any:
    """The definition of that name, or the part of it that the rest of the name leads to."""
    name, *steps = name.split("/")
    schema = definitions[name]
    for step in steps:
        schema = schema["items"] if step == "[]" else schema["properties"][step]
    return schema


def _pruned(schema: dict[str, Any], name: str = "") -> dict[str, Any]:
    if "$ref" in schema:
        return {"$ref": schema["$ref"].removeprefix("#/definitions/")}
    if name == QUANTITY or schema.get("format") == "int-or-string" or "x-kubernetes-int-or-string" in schema:
        return {"x-kubernetes-int-or-string": True}
    found = {word: schema[word] for word in WORDS if word in schema}
    if "properties" in schema:
        found["properties"] = {key: _pruned(each) for key, each in sorted(schema["properties"].items())}
        found.setdefault("type", "object")
    for members in ("items", "additionalProperties"):
        if isinstance(schema.get(members), dict):
            found[members] = _pruned(schema[members])
    return found


def _without_enums(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _without_enums(part) for key, part in schema.items() if key != "enum"}
    return schema


def _named(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for part in schema.values():
            yield from _named(part)


def _definitions(lab: Lab) -> dict[str, Any]:
    """What the API server publishes; of Istio's kinds as they were declared, as it publishes no type of a field
    that may be null."""
    found: dict[str, Any] = json.loads(lab.kubectl("get", "--raw", "/openapi/v2"))["definitions"]
    for kinds in ("virtualservices", "destinationrules"):
        declared = json.loads(lab.kubectl("get", "crd", f"{kinds}.networking.istio.io", "--output=json"))[
            "spec"
        ]
        (version,) = (each for each in declared["versions"] if each["name"] == "v1")
        name = f"io.istio.networking.v1.{declared['names']['kind']}"
        found[name] = version["schema"]["openAPIV3Schema"]
    return found


def _written(lab: Lab) -> str:
    schemas = published(_definitions(lab))
    # A line for each, so that a diff shows which ones changed.
    lines = (f" {json.dumps(name)}: {json.dumps(schema)}" for name, schema in schemas.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def test_the_schemas_that_are_kept_are_those_of_the_api_server(lab: Lab) -> None:
    assert _written(lab) == FILE.read_text(), "meant? python -m tests.mesh.test_openapi"


if __name__ == "__main__":
    FILE.write_text(_written(Lab(DEFAULT_DIRECTORY)))
