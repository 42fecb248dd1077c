"""Renders a version's pods: what they are made after, how they take over from each other, and end."""

from __future__ import annotations

from ..description import openapi
from ..description.ports import FIRST, Port
from ..description.service import Service
from ..description.subset import Subset
from . import Manifest, merging, tagging

# The pod's seccomp profile holds for the containers that Istio injects too, the container's for itself.
_SECCOMP: Manifest = {"seccompProfile": {"type": "RuntimeDefault"}}
_CONFINED: dict[str, Manifest] = {
    "baseline": {"allowPrivilegeEscalation": False, **_SECCOMP},
    "restricted": {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    },
}


def deployment(service: Service, subset: Subset) -> Manifest:
    labels = service.version_labels(subset)
    # A version that goes gets no requests any more: nobody needs to wait until its pods have ended, unless what
    # contains them goes next.
    propagation = "foreground" if service.contained(subset) else "background"
    annotations = {"pulumi.com/deletionPropagationPolicy": propagation}
    ready_for = subset.rollout.min_ready_seconds
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": tagging.version_metadata(service, subset, annotations),
        "spec": {
            **({} if subset.scaled_by_others else {"replicas": subset.least_pods}),
            "selector": {"matchLabels": labels},
            "progressDeadlineSeconds": subset.rollout.deadline_seconds,
            # The API server leaves out a 0, which would be drift ever after.
            **({"minReadySeconds": ready_for} if ready_for else {}),
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {
                    "maxSurge": subset.rollout.max_surge,
                    "maxUnavailable": subset.rollout.max_unavailable,
                },
            },
            "template": template(service, subset),
        },
    }


def template(service: Service, subset: Subset) -> Manifest:
    """What the pods are made after: the user's template, merged over what the component needs."""
    made = merging.merged(component_template(service, subset), subset.pod_template, openapi.POD_TEMPLATE)
    if subset.env:
        own = container(service, made)
        # After the template's variables: a value can use those before it, as "$(NAME)".
        variables = [{"name": name, "value": subset.env[name]} for name in sorted(subset.env)]
        own["env"] = [*own.get("env", []), *variables]
    return made


def container(service: Service, template: Manifest) -> Manifest:
    """The service's own container in a template."""
    found: Manifest = next(each for each in template["spec"]["containers"] if each["name"] == service.name)
    return found


def component_template(service: Service, subset: Subset) -> Manifest:
    """What the user's template is merged over."""
    pod: Manifest = {
        # The default one too: Kubernetes would put back the name of one that is taken away, from the field's old
        # spelling, which nobody owns, and the pods would wait for an account that is gone.
        "serviceAccountName": service.account(subset),
        "terminationGracePeriodSeconds": subset.stop.grace_seconds,
        "containers": [_container(service, subset)],
    }
    if subset.pod_security == "restricted":
        pod["securityContext"] = _SECCOMP
    return {"metadata": {"labels": service.version_labels(subset)}, "spec": pod}


def _container(service: Service, subset: Subset) -> Manifest:
    container: Manifest = {
        "name": service.name,
        "image": subset.image,
        "ports": [_port(service, subset, port) for port in service.ports],
        "readinessProbe": _readiness_probe(service),
        "resources": {"requests": dict(subset.requests)},
    }
    if subset.limits:
        container["resources"]["limits"] = dict(subset.limits)
    if subset.pod_security != "image":
        container["securityContext"] = _CONFINED[subset.pod_security]
    if subset.stop.delay_seconds:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": subset.stop.delay_seconds}}}
    return container


def _port(service: Service, subset: Subset, port: Port) -> Manifest:
    """By its name Services find it, wherever the pods of a version listen."""
    transport = {} if port.transport == "TCP" else {"protocol": port.transport}
    return {"name": port.container_name, "containerPort": service.container_port(subset, port), **transport}


def _readiness_probe(service: Service) -> Manifest:
    """Of the first port. The kubelet's HTTP probe speaks HTTP/1.1 only."""
    http = service.ports[0].protocol == "http"
    check = {"httpGet": {"path": "/", "port": FIRST}} if http else {"tcpSocket": {"port": FIRST}}
    return {**check, "periodSeconds": 2, "timeoutSeconds": 1, "failureThreshold": 3}
