"""The schema for other languages is kept in components/schema.json: a change of it is a change of the contract.

Written anew by `python -m tests.unit.test_golden_schema`.
"""

import json
from pathlib import Path
from typing import Any

from tests.unit.test_schema import schema

GOLDEN = Path(__file__).parents[2] / "components" / "schema.json"


def written() -> str:
    return json.dumps(as_printed(schema()), indent=2, sort_keys=True) + "\n"


def as_printed(part: Any) -> Any:
    """As `pulumi package get-schema` prints it: without what a list or a mapping says again of its members."""
    if isinstance(part, list):
        return [as_printed(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {key: as_printed(value) for key, value in part.items()}
    for members in ("items", "additionalProperties"):
        if isinstance(found.get(members), dict):
            found[members].pop("description", None)
    return found


def test_the_schema_is_the_one_that_is_kept() -> None:
    assert written() == GOLDEN.read_text(), "meant? python -m tests.unit.test_golden_schema"


def test_a_service_needs_a_name_a_namespace_and_versions_and_nothing_else() -> None:
    kept = json.loads(GOLDEN.read_text())
    component = kept["resources"]["mirrored-service:index:MirroredService"]
    assert sorted(component["requiredInputs"]) == ["name", "namespace", "subsets"]
    needed = {
        name.rsplit(":", 1)[-1]: sorted(made.get("required", [])) for name, made in kept["types"].items()
    }
    assert {name: required for name, required in needed.items() if required} == {
        "AnswerDigestsArgs": ["key"],
        "GatewayTlsArgs": ["credentialName"],
        "MirrorTarget": ["host", "port", "protocol"],
        "MirrorToArgs": ["host", "percent", "port"],
        "ShadowIsolationArgs": ["mayReach"],
        "WorkloadArgs": ["labels"],
    }


if __name__ == "__main__":
    GOLDEN.write_text(written())
