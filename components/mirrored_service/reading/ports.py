"""Reads the ports of the service, in Kubernetes' own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..description import openapi
from ..description.ports import CONNECTIONS, FIRST, ROUTED, Port, told_by_name
from ..description.service import Service
from . import known_fields, syntax
from .fields import PORT_TEXT, Fields, Path, Problems, fits, port_number, shown

_KEY = "ports"
_DEFAULT = ({"name": "http", "port": 80},)
_LIST_TEXT = "a list of Kubernetes' ServicePorts, at least one, such as {name: http, port: 80}"
_NAME_TEXT = "a DNS label: a-z, 0-9 and '-', at most 63"
# What Kubernetes takes for the name of a pod's port (https://www.rfc-editor.org/rfc/rfc6335#section-5.1).
_POD_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
_POD_NAME_TEXT = (
    "for all but the first a name of at most 15 characters, as the pods' port is called so: a-z, 0-9 and '-'"
)
# What other ports of the pods are called.
_TAKEN = (FIRST, "http-envoy-prom")
_APP_PROTOCOL_TEXT = (
    f"{', '.join(ROUTED)} (routed and copied), or {', '.join(CONNECTIONS)} (to the live version)"
)
_TRANSPORTS = ("TCP", "UDP")


def read(fields: Fields) -> tuple[Port, ...]:
    """The service's ports; of what is wrong there is none."""
    raw = fields.values.get(_KEY)
    if raw is None:
        raw = _DEFAULT
    if not isinstance(raw, list | tuple) or not raw:
        fields.refuse((_KEY,), raw, _LIST_TEXT)
        return ()
    found = [
        _read(
            fields,
            place,
            known_fields.checked(fields.problems, (_KEY, place), each, openapi.SERVICE_PORT),
            len(raw),
        )
        for place, each in enumerate(raw)
    ]
    ports = tuple(port for port in found if port)
    if not fields.problems.below(_KEY):
        _check_together(fields, ports)
    return ports


def _read(fields: Fields, place: int, spec: Any, count: int) -> Port | None:
    where: Path = (_KEY, place)
    if fields.problems.below(*where) or not isinstance(spec, Mapping):
        return None
    if spec.get("nodePort") is not None:
        fields.refuse(
            (*where, "nodePort"),
            spec["nodePort"],
            "none, as the callers' Service opens no ports of nodes; see moreServices",
        )
    transport = spec.get("protocol", "TCP")
    if transport not in _TRANSPORTS:
        fields.refuse((*where, "protocol"), transport, " or ".join(_TRANSPORTS))
    number = _number(fields, (*where, "port"), spec["port"])
    target = (
        number
        if spec.get("targetPort") is None
        else _number(fields, (*where, "targetPort"), spec["targetPort"])
    )
    name = _name(fields, where, spec, count)
    app_protocol = app_protocol_of(fields, where, spec, name) if transport == "TCP" else None
    if fields.problems.below(*where):
        return None
    return Port(name, number, app_protocol, transport, target, name if place else FIRST)


def _number(fields: Fields, where: Path, raw: Any) -> int:
    number = port_number(raw)
    if number is None:
        fields.refuse(where, raw, PORT_TEXT)
    return number or 0


def _name(fields: Fields, where: Path, spec: Mapping[str, Any], count: int) -> str:
    name = spec.get("name")
    if name is None and count == 1:
        return str(spec.get("appProtocol", "http")).removeprefix("kubernetes.io/")
    check, allowed = (_POD_NAME, _POD_NAME_TEXT) if where[-1] else (syntax.LABEL, _NAME_TEXT)
    if not fits(check, name):
        fields.refuse((*where, "name"), name, allowed)
    elif where[-1] and name in _TAKEN:
        fields.refuse(
            (*where, "name"), name, f"none of {', '.join(_TAKEN)}, as other ports of the pods are called"
        )
    return str(name)


def app_protocol_of(fields: Fields, where: Path, spec: Mapping[str, Any], name: str) -> str:
    """What the mesh is told of a port; told by its name where it does not say."""
    said = spec.get("appProtocol")
    if said is None:
        found = told_by_name(name)
        if found is None:
            fields.problems.add(
                (*fields.path, *where, "appProtocol"),
                f"missing, as the name {shown(name)} does not tell; allowed: {_APP_PROTOCOL_TEXT}",
            )
        return found or ""
    if said not in ROUTED and said not in CONNECTIONS:
        fields.refuse((*where, "appProtocol"), said, _APP_PROTOCOL_TEXT)
    return str(said)


def _check_together(fields: Fields, ports: tuple[Port, ...]) -> None:
    if not any(port.protocol for port in ports):
        fields.problems.add(
            (_KEY,),
            "none is routed; allowed: at least one with http, http2 or grpc, or there is nothing to copy",
        )
    for place, port in enumerate(ports):
        before = ports[:place]
        if port.name in [other.name for other in before]:
            fields.refuse((_KEY, place, "name"), port.name, "each name once")
        if (port.number, port.transport) in [(other.number, other.transport) for other in before]:
            fields.refuse((_KEY, place, "port"), port.number, "each port once")


def first_protocol(raw: Any) -> str:
    """What the first of these ports that is routed speaks; http if they are wrong, which is said elsewhere."""
    found = read(Fields((), {_KEY: raw}, (_KEY,), Problems()))
    return next((port.protocol for port in found if port.protocol), "http")


def container_ports(fields: Fields, ports: tuple[Port, ...]) -> tuple[int, dict[str, int]]:
    """Where a version's pods listen: for the first port, and by name for the others."""
    first = fields.port("containerPort", ports[0].container_port if ports else 80)
    found = {port.name: port.container_port for port in ports[1:]}
    known = set(found)
    for name, raw in fields.entries("containerPorts", "port numbers by the names of ports").items():
        if name not in known and ports:
            listed = (
                f"of the ports {', '.join(sorted(known))} only" if known else "nothing, as there is one port"
            )
            fields.refuse_name("containerPorts", name, f"{listed}; containerPort is for {ports[0].name}")
        elif (number := port_number(raw)) is None:
            fields.refuse(("containerPorts", name), raw, PORT_TEXT)
        else:
            found[name] = number
    _check_apart(fields, ports, [first, *found.values()])
    return first, found


def _check_apart(fields: Fields, ports: tuple[Port, ...], numbers: list[int]) -> None:
    """The cluster knows a container's ports by number and transport."""
    seen: dict[tuple[int, str], str] = {}
    for port, number in zip(ports, numbers, strict=False):
        where = (number, port.transport)
        if where in seen:
            fields.problems.add(
                (*fields.path, "containerPorts"),
                f"{seen[where]} and {port.name} are both {where[0]}; allowed: each port of the container once",
            )
        seen.setdefault(where, port.name)


def check(service: Service, problems: Problems) -> None:
    """gRPC calls are POSTs, which the default does not copy, and do not say how large they are."""
    if problems.below(_KEY) or problems.below("mirrorMatch"):
        return
    protocols = {port.protocol for port in service.routed}
    match = service.mirror_match
    if match.grpc_calls is not None and "grpc" not in protocols:
        problems.add(
            ("mirrorMatch", "grpcCalls"),
            f"{match.grpc_calls} is not allowed; allowed: nothing without a port whose appProtocol is grpc",
        )
    if protocols != {"grpc"}:
        return
    if service.copies and match.of("grpc") is None:
        problems.add(
            ("mirrorMatch", "grpcCalls"),
            "not true; allowed: true for a service of gRPC ports alone, as every call is a POST and nothing "
            "would be copied. Say it only when the shadow may carry out what it is asked",
        )
    if match.max_body_bytes is not None:
        problems.add(
            ("mirrorMatch", "maxBodyBytes"),
            f"{match.max_body_bytes} is not allowed; allowed: nothing for a service of gRPC ports alone, as "
            "calls do not say how large they are",
        )
