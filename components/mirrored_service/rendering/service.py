"""Renders the namespace and the Services."""

from __future__ import annotations

from ..description.more_services import MoreService
from ..description.ports import Port
from ..description.service import Service
from ..description.subset import Subset
from . import Manifest, manifest, tagging

_NOT_AWAITED = {"pulumi.com/skipAwait": "true"}
_NO_POD = {"mirrored-service/copies": "none"}  # a label that no pod has


def namespace(service: Service) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": service.namespace,
            **tagging.common(service, dict(service.namespace_labels)),
        },
    }


def callers_service(service: Service) -> Manifest:
    """What callers use. It selects the live version only: a caller without a sidecar never meets a shadow."""
    # Its pods were waited for already, unless others run them, and the provider would wait 10 s more.
    annotations = None if service.main.run_by_others else _NOT_AWAITED
    spec = {"type": "ClusterIP", **_live(service), "ports": [_port(service, port) for port in service.ports]}
    return _service(service, service.name, spec, annotations)


def more_service(service: Service, more: MoreService) -> Manifest:
    """Another way to the live version. Nobody waits for it: its pods are those of the callers' Service, and a
    load balancer that gets no address must hold up no promotion."""
    ports = [{**entry.spec, "targetPort": _leads_to(service, entry.target)} for entry in more.ports]
    spec = {"type": "ClusterIP", **more.spec, **_live(service), "ports": ports}
    return _service(service, more.name, spec, {**more.annotations, **_NOT_AWAITED})


def mesh_service(service: Service) -> Manifest:
    """What the mesh's routes use: every version is behind it, so no caller should be told of it."""
    # Those that are not routed too. By its Services a pod's sidecar knows what comes in: what it learns of a port
    # must not depend on whether its version is live.
    ports = [_port(service, port) for port in service.ports if port.app_protocol]
    spec = {"type": "ClusterIP", "selector": service.mesh_selector, "ports": ports}
    # It may have no ready pod for a while and nobody waits for it: the routes decide who gets requests.
    return _service(service, service.versions_name, spec, _NOT_AWAITED)


def version_service(service: Service, subset: Subset) -> Manifest:
    """What the routes of Gateway API send a version's live requests to, whatever its role."""
    return _of_version(service, subset, service.version_name(subset), service.pod_labels(subset))


def copies_service(service: Service, subset: Subset) -> Manifest:
    """What they send its copies to. While the version is live no pod is behind it, and proxies drop copies: they
    stop with this Service, before the version's pods or what contains it change for its new role."""
    selected = service.pod_labels(subset)
    return _of_version(
        service, subset, service.copies_name(subset), {**selected, **_NO_POD} if subset.live else selected
    )


def _of_version(service: Service, subset: Subset, name: str, selector: dict[str, str]) -> Manifest:
    ports = [_port(service, port) for port in service.ports if port.app_protocol]
    spec = {"type": "ClusterIP", "selector": selector, "ports": ports}
    metadata = tagging.metadata(service, name, service.version_labels(subset), _NOT_AWAITED)
    return manifest("v1", "Service", metadata, spec)


def _live(service: Service) -> Manifest:
    return {"selector": service.pod_labels(service.main)}


def _port(service: Service, port: Port) -> Manifest:
    said: Manifest = {"appProtocol": port.app_protocol} if port.app_protocol else {"protocol": port.transport}
    return {"name": port.name, **said, "port": port.number, "targetPort": _leads_to(service, port)}


def _leads_to(service: Service, target: Port | int | str) -> int | str:
    """By name, so that pods of one version may listen on different ports while one of them replaces the other.
    Pods that others run have no port of that name, and all listen on one."""
    if not isinstance(target, Port):
        return target
    return service.container_port(service.main, target) if service.run_by_others else target.container_name


def _service(service: Service, name: str, spec: Manifest, annotations: dict[str, str] | None) -> Manifest:
    metadata = tagging.metadata(service, name, {"app": service.name}, annotations)
    return manifest("v1", "Service", metadata, spec)
