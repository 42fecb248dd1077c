"""Renders the checked service as Kubernetes and Istio objects: one pure function an object, plain dicts.

Names, labels and selectors go by version, never by role, so that promoting a version renames nothing.
"""

from __future__ import annotations

from typing import Any

from .service import COPIES, Service, Subset

Manifest = dict[str, Any]

ISTIO = "networking.istio.io/v1"
TELEMETRY = "telemetry.istio.io/v1"
POD_PORT = "app"  # the container port's name, by which versions may listen on different ones
# Copies that one proxy lets wait for an answer; it drops what goes beyond. Without a limit a shadow that hangs
# eats up the memory of the very proxies that live requests go through: some 40 kB a copy.
MOST_COPIES = 1024


def namespace(service: Service) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": service.namespace, "labels": {"istio-injection": "enabled"}},
    }


def deployment(service: Service, subset: Subset) -> Manifest:
    labels = _version_labels(service, subset)
    # A version that goes gets no requests any more: nobody needs to wait until its pods have ended.
    annotations = {"pulumi.com/deletionPropagationPolicy": "background"}
    metadata = _metadata(service, f"{service.name}-{subset.name}", labels)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**metadata, "annotations": annotations},
        "spec": {
            "replicas": subset.replicas,
            "selector": {"matchLabels": labels},
            "progressDeadlineSeconds": subset.rollout.deadline_seconds,
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {
                    "maxSurge": subset.rollout.max_surge,
                    "maxUnavailable": subset.rollout.max_unavailable,
                },
            },
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "terminationGracePeriodSeconds": subset.stop.grace_seconds,
                    "containers": [_container(service, subset)],
                },
            },
        },
    }


def callers_service(service: Service) -> Manifest:
    """What callers use. It selects the live version only: a caller without a sidecar never meets a shadow."""
    selector = _version_labels(service, service.main)
    return _service(service, service.name, selector, service.main.container_port)


def mesh_service(service: Service) -> Manifest:
    """What the mesh's routes use: every version is behind it, so no caller should be told of it."""
    ports = {subset.container_port for subset in service.subsets}
    # A number where one will do: pods from before an adoption have no port of that name. A pod that no Service
    # leads to any more, while requests are still on their way to it, answers them with 503.
    target = ports.pop() if len(ports) == 1 else POD_PORT
    manifest = _service(service, service.versions_name, {"app": service.name}, target)
    # It may have no ready pod for a while and nobody waits for it: the routes decide who gets requests.
    manifest["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}
    return manifest


def destination_rule(service: Service, subset: Subset) -> Manifest:
    """One version as two subsets of the same pods: for live requests, and for copies, whose number is limited.

    Istio merges the rules of one host, so a version comes and goes with its rule. The limit does not depend on
    the version's role: a promotion changes nothing about how a proxy reaches it.
    """
    labels = {"version": subset.name}
    limits = {
        "tcp": {"maxConnections": MOST_COPIES},
        "http": {"http1MaxPendingRequests": MOST_COPIES, "http2MaxRequests": MOST_COPIES},
    }
    subsets = [
        {"name": subset.name, "labels": labels},
        {"name": subset.copies_name, "labels": labels, "trafficPolicy": {"connectionPool": limits}},
    ]
    return _istio(
        "DestinationRule",
        _metadata(service, f"{service.name}-{subset.name}", _version_labels(service, subset)),
        {"host": service.versions_host, "subsets": subsets},
    )


def gateway(service: Service) -> Manifest:
    server = {
        "port": {"number": service.gateway.port, "name": "http", "protocol": "HTTP"},
        "hosts": list(service.hosts),
    }
    return _istio(
        "Gateway",
        _metadata(service, _gateway_name(service), {"app": service.name}),
        {"selector": dict(service.gateway.selector), "servers": [server]},
    )


def telemetry(service: Service, subset: Subset) -> Manifest:
    """Which access log the version's sidecars write of requests that come in."""
    labels = _version_labels(service, subset)
    providers = [{"name": name} for name in service.access_log.providers]
    return _istio(
        "Telemetry",
        _metadata(service, f"{service.name}-{subset.name}", labels),
        {
            "selector": {"matchLabels": labels},
            "accessLogging": [{"match": {"mode": "SERVER"}, "providers": providers}],
        },
        TELEMETRY,
    )


def ingress_virtual_service(service: Service) -> Manifest:
    """Routes what enters through the gateway."""
    gateway_name = service.gateway.existing or _gateway_name(service)
    return _virtual_service(service, f"{service.name}-vs", list(service.hosts), gateway_name)


def mesh_virtual_service(service: Service) -> Manifest:
    """Routes what callers inside the mesh send: they get the same live version, and are mirrored too."""
    return _virtual_service(service, f"{service.name}-mesh", [service.host], "mesh")


def versions_used(virtual_service_spec: Manifest) -> set[str]:
    """The versions that the routes of a VirtualService name, as destination or as mirror."""
    return {
        target["destination"]["subset"].removesuffix(COPIES)
        for route in virtual_service_spec["http"]
        for target in [*route["route"], *route.get("mirrors", [])]
    }


def _version_labels(service: Service, subset: Subset) -> dict[str, str]:
    return {"app": service.name, "version": subset.name}


def _metadata(service: Service, name: str, labels: dict[str, str]) -> Manifest:
    return {"name": name, "namespace": service.namespace, "labels": labels}


def _gateway_name(service: Service) -> str:
    return f"{service.name}-gateway"


def _container(service: Service, subset: Subset) -> Manifest:
    container: Manifest = {
        "name": service.name,
        "image": subset.image,
        "ports": [{"name": POD_PORT, "containerPort": subset.container_port}],
        "readinessProbe": _readiness_probe(subset),
        "resources": {"requests": dict(subset.requests)},
    }
    if subset.limits:
        container["resources"]["limits"] = dict(subset.limits)
    if subset.stop.delay_seconds:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": subset.stop.delay_seconds}}}
    if subset.env:
        container["env"] = [{"name": name, "value": subset.env[name]} for name in sorted(subset.env)]
    if subset.command:
        container["command"] = list(subset.command)
    if subset.args:
        container["args"] = list(subset.args)
    return container


def _readiness_probe(subset: Subset) -> Manifest:
    port = {"port": POD_PORT}
    check = {"httpGet": {"path": subset.probe.path, **port}} if subset.probe.path else {"tcpSocket": port}
    return {
        **check,
        "periodSeconds": subset.probe.period_seconds,
        "timeoutSeconds": subset.probe.timeout_seconds,
        "failureThreshold": subset.probe.failure_threshold,
    }


def _service(service: Service, name: str, selector: dict[str, str], target: int | str) -> Manifest:
    port = {
        "name": service.protocol,
        "appProtocol": service.protocol,
        "port": service.port,
        "targetPort": target,
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(service, name, {"app": service.name}),
        "spec": {"type": "ClusterIP", "selector": selector, "ports": [port]},
    }


def _virtual_service(service: Service, name: str, hosts: list[str], gateway_name: str) -> Manifest:
    return _istio(
        "VirtualService",
        _metadata(service, name, {"app": service.name}),
        {"hosts": hosts, "gateways": [gateway_name], "http": _routes(service)},
    )


def _istio(kind: str, metadata: Manifest, spec: Manifest, api_version: str = ISTIO) -> Manifest:
    # What somebody edits by hand belongs to their field manager from then on, and without this no preview and no
    # update could change it back.
    annotations = {"pulumi.com/patchForce": "true"}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {**metadata, "annotations": annotations},
        "spec": spec,
    }


def _routes(service: Service) -> list[Manifest]:
    """The routes: requests that are copied first, then all others, to the same live versions."""
    live = [
        {"destination": _destination(service, subset.name), "weight": subset.weight}
        for subset in service.live
    ]
    mirrors = [
        {"destination": _destination(service, subset.copies_name), "percentage": {"value": share}}
        for subset in service.shadows
        for share in subset.mirror_shares()
    ]
    if not mirrors:
        return [{"route": live}]
    if service.copies_everything:
        return [{"route": live, "mirrors": mirrors}]
    match = [{"method": {"exact": method}} for method in service.methods]
    return [{"match": match, "route": live, "mirrors": mirrors}, {"route": live}]


def _destination(service: Service, subset: str) -> Manifest:
    return {"host": service.versions_host, "subset": subset}
