"""Reads the pod template of a version, and refuses what would take away what mirroring rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..description import openapi
from ..description.ports import FIRST
from ..description.service import Service
from ..description.subset import Subset
from . import known_fields, syntax
from .fields import Fields, Path, Problems, fits, shown
from .refusals import Refusals, below

KEY = "podTemplate"
INJECT = "sidecar.istio.io/inject"
# Istio merges a container of this name with the one that it adds, which runs as its own user and needs no image.
_SIDECAR = "istio-proxy"
_PORT_KEYS = ("containerPort", "protocol")
# Taken away, these would take away what selects the pods, finds them, or says who they are.
_NEEDED: tuple[Path, ...] = (("metadata",), ("metadata", "labels"), ("spec",), ("spec", "containers"))


def read(fields: Fields) -> Mapping[str, Any]:
    """The template, which is checked as far as it can be without what it is merged over."""
    raw = fields.values.get(KEY)
    if raw is None:
        return {}
    path = (*fields.path, KEY)
    return known_fields.checked(fields.problems, path, raw, openapi.POD_TEMPLATE, partial=True) or {}


def check(service: Service, problems: Problems) -> None:
    """What is missing in the whole, and what must not be changed."""
    for subset in service.subsets:
        path: Path = ("subsets", subset.name)
        if (
            not subset.pod_template
            or problems.below("name")
            or problems.below("ports")
            or problems.below(*path)
        ):
            continue
        path = (*path, KEY)
        for where, value, allowed in below(path, _refusals(service, subset)):
            problems.add(where, f"{shown(value, secret=True)} is not allowed; allowed: {allowed}")
        if not problems.below(*path):
            schema = {"$ref": openapi.POD_TEMPLATE}
            known_fields.check_whole(problems, path, subset.pod_template, _given(service), schema)


def _given(service: Service) -> Mapping[str, Any]:
    """What the component's own template gives of the fields that Kubernetes requires."""
    probed = {"port": FIRST}
    own = {
        "name": service.name,
        "readinessProbe": {"httpGet": probed}
        if service.ports[0].protocol == "http"
        else {"tcpSocket": probed},
        "lifecycle": {"preStop": {"sleep": {"seconds": 0}}},
    }
    return {"spec": {"containers": [own]}}


def _refusals(service: Service, subset: Subset) -> Refusals:
    template = subset.pod_template
    for path in _NEEDED:
        level: Any = template
        for step in path[:-1]:
            level = level.get(step) or {}
        if level.get(path[-1], path) is None:
            yield path, None, "a mapping or nothing, as the component's own is in it"
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    yield from below(("metadata",), _of_metadata(service, subset, metadata))
    yield from below(("spec",), _of_pod(subset, spec))
    for kind in ("containers", "initContainers"):
        for place, container in enumerate(spec.get(kind) or ()):
            path = ("spec", kind, place)
            if container["name"] == _SIDECAR:
                continue
            yield from below(path, _of_user(container))
            if kind == "containers" and container["name"] == service.name:
                yield from below(path, _of_own(service, subset, container))
            else:
                yield from below(path, _of_other(service, subset, container))


def _of_metadata(service: Service, subset: Subset, metadata: Mapping[str, Any]) -> Refusals:
    for name, value in service.version_labels(subset).items():
        labels = metadata.get("labels") or {}
        if name in labels and labels[name] != value:
            yield ("labels", name), labels[name], f"{value!r} or nothing, as the pods are selected by it"
    for kind in ("labels", "annotations"):
        inject = (metadata.get(kind) or {}).get(INJECT)
        if inject not in (None, "true"):
            yield (kind, INJECT), inject, '"true" or nothing, as copies and routes need the sidecar'


def _of_pod(subset: Subset, spec: Mapping[str, Any]) -> Refusals:
    if spec.get("restartPolicy") not in (None, "Always"):
        yield ("restartPolicy",), spec["restartPolicy"], "Always, as in every Deployment"
    if spec.get("hostNetwork") not in (None, False):
        yield (
            ("hostNetwork",),
            spec["hostNetwork"],
            "false, as Istio gives no sidecar to pods of the node's network",
        )
    if spec.get("serviceAccount") is not None:
        yield (
            ("serviceAccount",),
            spec["serviceAccount"],
            "nothing: serviceAccountName is the field's new name",
        )
    if "serviceAccountName" in spec and not fits(syntax.OBJECT_NAME, spec["serviceAccountName"]):
        yield (
            ("serviceAccountName",),
            spec["serviceAccountName"],
            "the name of a ServiceAccount in plain text: a-z, 0-9, '-' and '.', at most 253",
        )
    grace = spec.get("terminationGracePeriodSeconds", subset.stop.grace_seconds)
    delay = subset.stop.delay_seconds
    if not isinstance(grace, int) or grace <= delay:
        yield (
            ("terminationGracePeriodSeconds",),
            grace,
            f"a number of seconds above stop.delaySeconds, which is {delay}",
        )
    yield from _of_user(spec)


def _of_user(confined: Mapping[str, Any]) -> Refusals:
    """Of a pod, or of a container in it."""
    user = (confined.get("securityContext") or {}).get("runAsUser")
    if user == syntax.PROXY_USER:
        yield (
            ("securityContext", "runAsUser"),
            user,
            f"any other user than {syntax.PROXY_USER}: what that user sends does not pass Istio's sidecar",
        )


def _of_own(service: Service, subset: Subset, container: Mapping[str, Any]) -> Refusals:
    """Of the service's own container: what other settings say, they say alone."""
    if "image" in container:
        yield ("image",), container["image"], "nothing, as the version's image says it"
    for key in ("ports", "resources"):
        if key in container and container[key] is None:
            yield (key,), None, f"nothing, as the component's own {key} are in it"
    resources = container.get("resources") or {}
    for key in {"requests", "limits"} & set(resources):
        yield ("resources", key), resources[key], f"nothing, as the version's resources.{key} says it"
    for place, variable in enumerate(container.get("env") or ()):
        if variable["name"] in subset.env:
            allowed = "a variable that is not in the version's env as well"
            yield ("env", place, "name"), variable["name"], allowed
    yield from _of_ports(service, subset, container, own=True)


def _of_other(service: Service, subset: Subset, container: Mapping[str, Any]) -> Refusals:
    if container.get("image") is None:
        allowed = f"an image; or is {service.name!r} meant, which is the service's own container?"
        yield ("image",), None, allowed
    yield from _of_ports(service, subset, container, own=False)


def _of_ports(service: Service, subset: Subset, container: Mapping[str, Any], *, own: bool) -> Refusals:
    """`own`: it is the service's container, which has the service's ports."""
    names = {
        (service.container_port(subset, port), port.transport): port.container_name for port in service.ports
    }
    for place, port in enumerate(container.get("ports") or ()):
        needed = names.get(openapi.identity(port, _PORT_KEYS)) if own else None
        name = port.get("name", needed)
        if needed and name != needed:
            yield ("ports", place, "name"), name, f"{needed!r} or nothing, {_found_by(needed)} it"
        elif not needed and name in names.values():
            yield ("ports", place, "name"), name, f"another name, {_found_by(name)} this one"


def _found_by(name: str) -> str:
    key = "containerPort" if name == FIRST else "containerPorts"
    return f"as Services find the port of the version's {key} by"
