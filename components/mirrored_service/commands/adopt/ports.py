"""The ports of the Service, as the component's setting. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...description.ports import CONNECTIONS, ROUTED, told_by_name
from ..doctor.subject import Object, said
from ..kill_switch.errors import CommandError
from .defaults import PROBES
from .row import TAKEN, Row
from .running import Running

_GUESSED = "tcp"


def read(running: Running, first: int | None, routed: set[int]) -> tuple[list[dict[str, Any]], list[Row]]:
    """The ports, in order, and what is to be said of them.

    :param first: The port that requests from outside are for, if they are for one.
    :param routed: The ports that routes of VirtualServices lead to, so that they are for HTTP.
    """
    service = running.services[0]
    rows: list[Row] = []
    found = [_port(running, service, each, routed, rows) for each in service["spec"].get("ports") or ()]
    return sorted(found, key=lambda port: port["port"] != first), rows


def _port(
    running: Running, service: Object, spec: Mapping[str, Any], routed: set[int], rows: list[Row]
) -> dict[str, Any]:
    target = number(running, service, spec)
    port: dict[str, Any] = {"name": spec.get("name"), "port": spec["port"]}
    if spec.get("protocol", "TCP") != "TCP":
        port["protocol"] = spec["protocol"]
    elif spec.get("appProtocol") in (*ROUTED, *CONNECTIONS):
        port["appProtocol"] = spec["appProtocol"]
    elif told_by_name(str(port["name"] or "")) is None:
        port["appProtocol"], why = _guessed(running, spec["port"], target, routed)
        rows.append(
            Row(
                f"port {spec.get('name') or spec['port']} of {said(service)}",
                TAKEN,
                f"neither its name nor appProtocol tells what it speaks; written is {port['appProtocol']}, {why}",
                "see that it is so: requests to http, http2 and grpc ports are routed and copied",
            )
        )
    if target != spec["port"]:
        port["targetPort"] = target
    return {key: value for key, value in port.items() if value is not None}


def _guessed(running: Running, own: int, target: int, routed: set[int]) -> tuple[str, str]:
    if own in routed:
        return "http", "as an HTTP route of a VirtualService leads to it"
    for check, container_port in _checks(running):
        if container_port == target:
            return {"httpGet": "http", "grpc": "grpc"}[check], "as a probe of the pods asks it so"
    return _GUESSED, "so it leads to the live version and is not copied"


def _checks(running: Running) -> Iterator[tuple[str, int | None]]:
    """Which ports of the pods are probed by HTTP and gRPC."""
    for container in _containers(running.deployment):
        for probe in PROBES:
            for check in ("httpGet", "grpc"):
                asked = (container.get(probe) or {}).get(check)
                if asked:
                    yield check, _resolved(running.deployment, asked.get("port"))


def number(running: Running, service: Object, spec: Mapping[str, Any]) -> int:
    """Where pods listen for requests to a port of a Service."""
    target = spec.get("targetPort", spec["port"])
    found = _resolved(running.deployment, target)
    if found is None:
        raise CommandError(
            f"{said(service)}: the targetPort {target!r} is a name that no container of the pods gives a number; "
            "name it in the Deployment's containers[].ports, or put the number into the Service"
        )
    return found


def _resolved(deployment: Object | None, target: Any) -> int | None:
    if isinstance(target, int):
        return target
    if isinstance(target, str) and target.isdigit():
        return int(target)
    named = (
        port["containerPort"]
        for container in _containers(deployment)
        for port in container.get("ports") or ()
        if port.get("name") == target
    )
    return next(named, None)


def _containers(deployment: Object | None) -> list[Mapping[str, Any]]:
    return list(deployment["spec"]["template"]["spec"]["containers"]) if deployment else []
