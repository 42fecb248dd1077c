"""Kubernetes' and Istio's own words: which fields there are, of which type.

The schemas in openapi.json are what an API server publishes of the kinds below, without its prose: names, types,
and by which field the members of a list are told apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]

POD_TEMPLATE = "io.k8s.api.core.v1.PodTemplateSpec"
SERVICE = "io.k8s.api.core.v1.ServiceSpec"
SERVICE_PORT = "io.k8s.api.core.v1.ServicePort"
AUTOSCALER = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec"
DISRUPTION_BUDGET = "io.k8s.api.policy.v1.PodDisruptionBudgetSpec"
ROUTE = "io.istio.networking.v1.VirtualService/spec/http/[]"
TRAFFIC_POLICY = "io.istio.networking.v1.DestinationRule/spec/trafficPolicy"
KINDS = (POD_TEMPLATE, SERVICE, SERVICE_PORT, AUTOSCALER, DISRUPTION_BUDGET, ROUTE, TRAFFIC_POLICY)

# Of the keys that tell members of lists apart, those that need not be given.
_USUAL = {"protocol": "TCP"}


@cache
def schemas() -> Mapping[str, Schema]:
    """The schemas by name. A schema is one of OpenAPI; `$ref` names another."""
    loaded: Mapping[str, Schema] = json.loads(Path(__file__).with_name("openapi.json").read_text())
    return loaded


def resolved(schema: Schema) -> Schema:
    """The schema itself, where it is only named."""
    return schemas()[schema["$ref"]] if "$ref" in schema else schema


def member(schema: Schema, key: str) -> Schema:
    """The schema of a mapping's entry; of one that may be anything, an empty one."""
    schema = resolved(schema)
    known: Schema = schema.get("properties", {})
    found: Schema = known.get(key) or schema.get("additionalProperties") or {}
    return found


def members(schema: Schema) -> Schema:
    """The schema of a list's members."""
    found: Schema = resolved(schema).get("items", {})
    return found


def told_apart_by(schema: Schema) -> tuple[str, ...]:
    """The keys of a list's members by which they are told apart; none: the list is one value."""
    return tuple(resolved(schema).get("x-kubernetes-list-map-keys", ()))


def merge_keys() -> frozenset[str]:
    """All keys by which members of some list are told apart."""
    lists = (each for schema in schemas().values() for each in schema.get("properties", {}).values())
    return frozenset(key for each in lists for key in told_apart_by(each))


def identity(member: Mapping[str, Any], keys: Iterable[str]) -> tuple[Any, ...]:
    """What tells a member of a list from all others."""
    return tuple(member.get(key, _USUAL.get(key)) for key in keys)
