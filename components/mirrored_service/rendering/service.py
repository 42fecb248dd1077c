"""Renders the namespace and the Services."""

from __future__ import annotations

from ..description.service import Service
from . import Manifest, manifest, pods, tagging

_NOT_AWAITED = {"pulumi.com/skipAwait": "true"}


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
    selector = service.pod_labels(service.main)
    # Its pods were waited for already, unless others run them, and the provider would wait 10 s more.
    annotations = None if service.main.run_by_others else _NOT_AWAITED
    return _service(service, service.name, selector, annotations)


def mesh_service(service: Service) -> Manifest:
    """What the mesh's routes use: every version is behind it, so no caller should be told of it."""
    # It may have no ready pod for a while and nobody waits for it: the routes decide who gets requests.
    return _service(service, service.versions_name, service.mesh_selector, _NOT_AWAITED)


def _service(
    service: Service,
    name: str,
    selector: dict[str, str],
    annotations: dict[str, str] | None = None,
) -> Manifest:
    # By name, so that pods of one version may listen on different ports while one of them replaces the other.
    # Pods that others run have no port of that name, and all listen on one.
    target = service.main.container_port if service.run_by_others else pods.PORT
    port = {
        "name": service.protocol,
        "appProtocol": service.protocol,
        "port": service.port,
        "targetPort": target,
    }
    metadata = tagging.metadata(service, name, {"app": service.name}, annotations)
    spec = {"type": "ClusterIP", "selector": selector, "ports": [port]}
    return manifest("v1", "Service", metadata, spec)
