"""Takes out of a pod template what the API server fills in: what is left was said by somebody. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NOISE = ("kubectl.kubernetes.io/restartedAt", "kubectl.kubernetes.io/last-applied-configuration")
_POD = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "enableServiceLinks": True,
    "terminationGracePeriodSeconds": 30,
    "serviceAccountName": "default",
}
_CONTAINER = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
    "securityContext": {},
}
PROBE = {"failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1}
_HTTP = {"path": "/", "scheme": "HTTP"}
_MODE = {"defaultMode": 0o644}
_SOURCES = ("configMap", "downwardAPI", "projected", "secret")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def plain(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template without defaults, and without nulls, which say nothing."""
    found = _without_nulls(template)
    metadata = found.get("metadata", {})
    metadata.pop("creationTimestamp", None)
    annotations = metadata.get("annotations", {})
    for key in _NOISE:
        annotations.pop(key, None)
    if not annotations:
        metadata.pop("annotations", None)
    spec = found["spec"]
    spec.pop("serviceAccount", None)  # the old name of serviceAccountName
    _drop(spec, _POD)
    for kind in ("containers", "initContainers"):
        for container in spec.get(kind, ()):
            _container(container)
    for volume in spec.get("volumes", ()):
        for source in _SOURCES:
            if source in volume:
                _drop(volume[source], _MODE)
    return {"metadata": metadata, "spec": spec}


def _container(container: dict[str, Any]) -> None:
    image = str(container.get("image", ""))
    usual = "Always" if image.endswith(":latest") or ":" not in image.rpartition("/")[2] else "IfNotPresent"
    _drop(container, {**_CONTAINER, "imagePullPolicy": usual})
    for port in container.get("ports", ()):
        _drop(port, {"protocol": "TCP"})
    for probe in PROBES:
        if probe in container:
            _drop(container[probe], PROBE)
            _drop(container[probe].get("httpGet", {}), _HTTP)
            _drop(container[probe].get("grpc", {}), {"service": ""})
    for hook in container.get("lifecycle", {}).values():
        _drop(hook.get("httpGet", {}), _HTTP)
    for variable in container.get("env", ()):
        _drop(variable.get("valueFrom", {}).get("fieldRef", {}), {"apiVersion": "v1"})
        if "valueFrom" not in variable:
            variable.setdefault("value", "")


def _drop(found: dict[str, Any], usual: Mapping[str, Any]) -> None:
    for key, value in usual.items():
        if key in found and found[key] == value:
            del found[key]


def _without_nulls(value: Any) -> Any:
    """A copy, which may be changed."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(member) for key, member in value.items() if member is not None}
    return [_without_nulls(member) for member in value] if isinstance(value, list) else value
