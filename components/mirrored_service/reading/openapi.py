"""Checks what is written in Kubernetes' and Istio's own words: no field is unknown, and each has its type.

The API server drops an unknown field of a Deployment without a word, and `render` has no API server to ask. The
schemas in openapi.json are what an API server publishes of the kinds below, without its prose: names, types, and by
which field the members of a list are told apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path as File
from typing import Any

import pulumi

from .fields import Path, Problems, number, shown, unknown, whole

Schema = Mapping[str, Any]

POD_TEMPLATE = "io.k8s.api.core.v1.PodTemplateSpec"
SERVICE = "io.k8s.api.core.v1.ServiceSpec"
SERVICE_PORT = "io.k8s.api.core.v1.ServicePort"
AUTOSCALER = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec"
DISRUPTION_BUDGET = "io.k8s.api.policy.v1.PodDisruptionBudgetSpec"
ROUTE = "io.istio.networking.v1.VirtualService/spec/http/[]"
TRAFFIC_POLICY = "io.istio.networking.v1.DestinationRule/spec/trafficPolicy"
KINDS = (POD_TEMPLATE, SERVICE, SERVICE_PORT, AUTOSCALER, DISRUPTION_BUDGET, ROUTE, TRAFFIC_POLICY)

_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
# Numbers that may have a unit, as in "50%" and "128Mi".
_SCALAR = "a number or a string"


@cache
def schemas() -> Mapping[str, Schema]:
    """The schemas by name. A schema is one of OpenAPI; `$ref` names another."""
    loaded: Mapping[str, Schema] = json.loads(File(__file__).with_name("openapi.json").read_text())
    return loaded


def resolved(schema: Schema) -> Schema:
    """The schema itself, where it is only named."""
    return schemas()[schema["$ref"]] if "$ref" in schema else schema


def checked(problems: Problems, path: Path, raw: Any, kind: str, *, partial: bool = False) -> Any:
    """The value with whole numbers as such; what is wrong with it is noted, by its path.

    Values are never shown, as they may be secret; outputs of other resources are taken wherever a value may be.

    :param kind: One of KINDS.
    :param partial: It is merged over a whole one: nothing in it is required, and null takes away.
    """
    return _Check(problems, partial).value(path, raw, {"$ref": kind})


class _Check:
    def __init__(self, problems: Problems, partial: bool) -> None:
        self.problems = problems
        self.partial = partial

    def value(self, path: Path, raw: Any, schema: Schema) -> Any:
        schema = resolved(schema)
        if isinstance(raw, pulumi.Output) or (raw is None and self.partial):
            return raw
        if schema.get("x-kubernetes-int-or-string"):
            return self._typed(path, raw, _scalar(raw), _SCALAR)
        kind = schema.get("type")
        if kind == "object":
            return self._mapping(path, raw, schema)
        if kind == "array":
            return self._list(path, raw, schema)
        if "enum" in schema and raw not in schema["enum"]:
            return self._refuse(path, raw, " or ".join(schema["enum"]))
        return self._typed(path, raw, _plain(raw, kind), _TYPES[kind]) if kind else raw

    def _typed(self, path: Path, raw: Any, taken: Any, allowed: str) -> Any:
        return self._refuse(path, raw, allowed) if taken is None else taken

    def _refuse(self, path: Path, raw: Any, allowed: str) -> None:
        self.problems.add(path, f"{shown(raw, secret=True)} is not allowed; allowed: {allowed}")

    def _mapping(self, path: Path, raw: Any, schema: Schema) -> Any:
        if not isinstance(raw, Mapping):
            return self._refuse(path, raw, _TYPES["object"])
        known: Schema = schema.get("properties", {})
        others = schema.get("additionalProperties", {} if not known else None)
        found = {}
        for key, member in raw.items():
            if key in known:
                found[key] = self.value((*path, key), member, known[key])
            elif others is not None and isinstance(key, str):
                found[key] = self.value((*path, key), member, others)
            elif not schema.get("x-kubernetes-preserve-unknown-fields"):
                unknown(self.problems, path, key, sorted(known))
        for key in () if self.partial else schema.get("required", ()):
            if raw.get(key) is None:
                self.problems.add((*path, key), "missing")
        return found

    def _list(self, path: Path, raw: Any, schema: Schema) -> Any:
        if not isinstance(raw, list | tuple):
            return self._refuse(path, raw, _TYPES["array"])
        return [self.value((*path, place), member, schema["items"]) for place, member in enumerate(raw)]


def _plain(raw: Any, kind: str) -> Any:
    """The value if it is of that kind of OpenAPI, else None."""
    if kind == "integer":
        return whole(raw, -(2**63), 2**63 - 1)
    if kind == "number":
        return number(raw, float("-inf"), float("inf"))
    return raw if isinstance(raw, {"string": str, "boolean": bool}[kind]) else None


def _scalar(raw: Any) -> Any:
    return raw if isinstance(raw, str) else number(raw, float("-inf"), float("inf"))
