"""Reads how live requests reach the pods of a version: Istio's TrafficPolicy, in Istio's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from ..description import openapi
from ..description.traffic_policy import TrafficPolicy
from . import known_fields
from .fields import Fields, Path

_KEY = "trafficPolicy"
_NOT_OURS = {
    "tunnel": "no tunnel, as Istio has none for HTTP and the versions are in the mesh",
    "proxyProtocol": "no PROXY protocol, as sidecars do not understand it and every live request would fail",
}


def read(fields: Fields, ports: tuple[int, ...]) -> TrafficPolicy:
    """The policy for live requests; `ports` are the numbers that it may have settings for."""
    raw = fields.entries(_KEY, "Istio's TrafficPolicy")
    for key, allowed in _NOT_OURS.items():
        if raw.get(key) is not None:
            fields.refuse((_KEY, key), raw[key], allowed, secret=True)
    rest = {key: value for key, value in raw.items() if key not in _NOT_OURS}
    found = known_fields.checked(fields.problems, (*fields.path, _KEY), rest, openapi.TRAFFIC_POLICY)
    if not fields.problems.below(*fields.path, _KEY):
        _check_balancing(fields, (_KEY,), found)
        _check_ports(fields, found.get("portLevelSettings", ()), ports)
    return TrafficPolicy(found)


def _check_balancing(fields: Fields, path: Path, policy: Mapping[str, Any]) -> None:
    balancing = policy.get("loadBalancer")
    if isinstance(balancing, Mapping) and balancing.get("simple") == "PASSTHROUGH":
        fields.refuse(
            (*path, "loadBalancer", "simple"),
            "PASSTHROUGH",
            "another one, as this one asks whatever address a caller asked, at the gateway its own, and no "
            "version",
        )


def _check_ports(fields: Fields, settings: Any, ports: tuple[int, ...]) -> None:
    key = "portLevelSettings"
    if not isinstance(settings, list | tuple) or any(isinstance(each, pulumi.Output) for each in settings):
        fields.refuse((_KEY, key), settings, "a plain list, as copies get settings for the same ports")
        return
    listed = ", ".join(map(str, ports))
    seen: set[Any] = set()
    for place, each in enumerate(settings):
        port = each.get("port")
        number = port.get("number") if isinstance(port, Mapping) else None
        if number not in ports:
            allowed = f"a port of the service that is routed: {listed}"
            fields.refuse((_KEY, key, place, "port", "number"), number, allowed)
        elif number in seen:
            fields.refuse((_KEY, key, place, "port", "number"), number, "each port once")
        seen.add(number)
        _check_balancing(fields, (_KEY, key, place), each)
