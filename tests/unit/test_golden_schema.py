"""The schema for other languages is kept in components/schema.json: a change of it is a change of the contract.

Written anew by `python -m tests.unit.test_golden_schema`.
"""

import json
from pathlib import Path

from tests.unit.test_schema import schema

GOLDEN = Path(__file__).parents[2] / "components" / "schema.json"


def written() -> str:
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


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
        "GatewayTlsArgs": ["credentialName"],
        "MirrorTarget": ["host", "port", "protocol"],
        "MirrorToArgs": ["host", "percent", "port"],
        "MountArgs": ["path"],
        "SecretKeyArgs": ["key", "secret"],
        "ShadowIsolationArgs": ["mayReach"],
        "WorkloadArgs": ["labels"],
    }


if __name__ == "__main__":
    GOLDEN.write_text(written())
