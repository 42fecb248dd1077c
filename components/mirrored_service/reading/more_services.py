"""Reads further Services that lead to the live version, in Kubernetes' own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..description import openapi
from ..description.more_services import Entry, MoreService
from ..description.ports import Port, told_by_name
from ..description.service import GATEWAY_API
from ..description.subset import COPIES
from . import known_fields, syntax, tagging
from .fields import PORT_TEXT, Fields, fits, port_number

_KEY = "moreServices"
_NAME_TEXT = "a DNS label that starts with a letter: a-z, 0-9 and '-', at most 63"
# What would lead callers elsewhere than to pods of the live version, each with the reason.
_REFUSED = {
    "selector": "no selector, as it always is that of the live version",
    "externalName": "no other name, as the Service leads to the live version",
    "publishNotReadyAddresses": "false, or requests would go to pods that cannot take them",
}
_HEADLESS = (
    "an address, or nothing, as callers of a Service without one keep the addresses of pods that were live"
)
_OURS = "annotations"


def read(fields: Fields, ports: tuple[Port, ...]) -> tuple[MoreService, ...]:
    """The Services, by name; `ports` are the service's."""
    found = []
    for name, raw in sorted(
        fields.entries(_KEY, "Services by name").items(), key=lambda entry: str(entry[0])
    ):
        if not fits(syntax.SERVICE_NAME, name):
            fields.refuse_name(_KEY, name, _NAME_TEXT)
            continue
        if name in _own_names(fields):
            fields.refuse_name(_KEY, name, "none of the service's own Services")
        if not isinstance(raw, Mapping):
            fields.refuse((_KEY, name), raw, "Kubernetes' ServiceSpec", secret=True)
        elif ports:
            found.append(_read(fields, name, raw, ports))
    return tuple(found)


def _own_names(fields: Fields) -> tuple[str, ...]:
    name, versions = fields.values.get("name"), fields.values.get("subsets")
    if not isinstance(name, str):
        return ()
    if fields.values.get("api") != GATEWAY_API or not isinstance(versions, Mapping):
        return name, f"{name}-versions"
    return name, *(f"{name}-{version}{end}" for version in versions for end in ("", COPIES))


def _read(fields: Fields, name: str, raw: Mapping[Any, Any], ports: tuple[Port, ...]) -> MoreService:
    # Everything of the Service but its annotations is in its spec.
    below = Fields(
        (*fields.path, _KEY, name), {k: raw[k] for k in raw if k == _OURS}, (_OURS,), fields.problems
    )
    annotations = tagging.service_annotations(below)
    spec = {key: value for key, value in raw.items() if key != _OURS}
    found = known_fields.checked(fields.problems, below.path, spec, openapi.SERVICE)
    if not below.sound:
        return MoreService(name, annotations, {}, ())
    for key, allowed in _REFUSED.items():
        if found.get(key):
            below.refuse((key,), found[key], allowed, secret=True)
    if found.get("type") == "ExternalName":
        below.refuse(("type",), found["type"], "ClusterIP, NodePort or LoadBalancer")
    if "None" in (found.get("clusterIP"), *_listed(found.get("clusterIPs"))):
        below.refuse(("clusterIP",), "None", _HEADLESS)
    entries = _entries(below, found.get("ports"), ports)
    rest = {key: value for key, value in found.items() if key not in ("ports", *_REFUSED)}
    return MoreService(name, annotations, rest, entries)


def _listed(raw: Any) -> tuple[Any, ...]:
    return tuple(raw) if isinstance(raw, list | tuple) else ()


def _entries(fields: Fields, raw: Any, ports: tuple[Port, ...]) -> tuple[Entry, ...]:
    if raw is None:
        return tuple(_as_the_services(port) for port in ports)
    if not _listed(raw):
        fields.refuse(
            ("ports",), raw, "a list of Kubernetes' ServicePorts, or nothing for the service's", secret=True
        )
    found = [_entry(fields, place, each, ports) for place, each in enumerate(_listed(raw))]
    return tuple(entry for entry in found if entry)


def _as_the_services(port: Port) -> Entry:
    return Entry(_told({"name": port.name, "port": port.number}, port), port)


def _entry(fields: Fields, place: int, spec: Any, ports: tuple[Port, ...]) -> Entry | None:
    where = ("ports", place)
    if not isinstance(spec, Mapping):
        fields.refuse(where, spec, "Kubernetes' ServicePort", secret=True)
        return None
    number = port_number(spec["port"])
    if number is None:
        fields.refuse((*where, "port"), spec["port"], PORT_TEXT)
    target = spec.get("targetPort", _same(spec, ports))
    if target is None:
        listed = ", ".join(port.name for port in ports)
        allowed = (
            f"the name of one of the service's ports ({listed}), or a number or name of a port of its pods"
        )
        fields.problems.add((*fields.path, *where, "targetPort"), f"missing; allowed: {allowed}")
        return None
    known = {port.name: port for port in ports}
    leads = known.get(target, target) if isinstance(target, str) else target
    rest = {key: value for key, value in spec.items() if key != "targetPort"}
    return Entry(_told(rest, leads), leads)


def _same(spec: Mapping[str, Any], ports: tuple[Port, ...]) -> Any:
    """The name of the service's port that is meant where none is said: the same name, the same number, the only
    one."""
    by_name = {port.name: port.name for port in ports}
    by_number = {port.number: port.name for port in reversed(ports)}
    found = by_name.get(str(spec.get("name"))) or by_number.get(spec["port"])
    if found:
        return found
    return ports[0].name if len(ports) == 1 else None


def _told(spec: Mapping[str, Any], leads: Port | int | str) -> dict[str, Any]:
    """The entry with what the mesh is told of it, which it would guess otherwise."""
    found = dict(spec)
    if "appProtocol" not in found and (told := told_by_name(str(found.get("name", "")))):
        found["appProtocol"] = told
    if isinstance(leads, Port):
        found.setdefault("appProtocol", leads.app_protocol)
        if leads.transport != "TCP":
            found["protocol"] = leads.transport
    return found
