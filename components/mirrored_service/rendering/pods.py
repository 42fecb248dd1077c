"""Renders a version's pods: what runs in them, in which surroundings, and how far they are confined."""

from __future__ import annotations

from ..description.pods import EmptyDir, Mount, Toleration
from ..description.service import Service
from ..description.subset import Subset
from . import Manifest, tagging

PORT = "app"  # the container port's name, by which versions may listen on different ones

# The pod's seccomp profile holds for the containers that Istio injects too, the container's for itself.
_SECCOMP: Manifest = {"seccompProfile": {"type": "RuntimeDefault"}}


def deployment(service: Service, subset: Subset) -> Manifest:
    labels = service.version_labels(subset)
    # A version that goes gets no requests any more: nobody needs to wait until its pods have ended, unless what
    # contains them goes next.
    propagation = "foreground" if subset.shadow_isolation else "background"
    annotations = {"pulumi.com/deletionPropagationPolicy": propagation}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": tagging.version_metadata(service, subset, annotations),
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
            "template": {"metadata": {"labels": labels}, "spec": _pod(service, subset)},
        },
    }


def _pod(service: Service, subset: Subset) -> Manifest:
    volumes = _volumes(subset)
    pod: Manifest = {
        # The default one too: Kubernetes would put back the name of one that is taken away, from the field's old
        # spelling, which nobody owns, and the pods would wait for an account that is gone.
        "serviceAccountName": service.account(subset),
        "terminationGracePeriodSeconds": subset.stop.grace_seconds,
        "containers": [_container(service, subset, volumes)],
    }
    if subset.pod_security == "restricted":
        pod["securityContext"] = _SECCOMP
    if volumes:
        pod["volumes"] = list(volumes.values())
    if subset.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in subset.image_pull_secrets]
    if subset.node_selector:
        pod["nodeSelector"] = dict(subset.node_selector)
    if subset.tolerations:
        pod["tolerations"] = [_toleration(toleration) for toleration in subset.tolerations]
    return pod


def _container(service: Service, subset: Subset, volumes: dict[object, Manifest]) -> Manifest:
    container: Manifest = {
        "name": service.name,
        "image": subset.image,
        "ports": [{"name": PORT, "containerPort": subset.container_port}],
        "readinessProbe": _readiness_probe(subset),
        "resources": {"requests": dict(subset.requests)},
    }
    if subset.limits:
        container["resources"]["limits"] = dict(subset.limits)
    if confined := _security_context(subset):
        container["securityContext"] = confined
    if subset.stop.delay_seconds:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": subset.stop.delay_seconds}}}
    if variables := _variables(subset):
        container["env"] = variables
    if subset.mounts:
        container["volumeMounts"] = [_volume_mount(mount, volumes) for mount in subset.mounts]
    if subset.command:
        container["command"] = list(subset.command)
    if subset.args:
        container["args"] = list(subset.args)
    return container


def _security_context(subset: Subset) -> Manifest:
    user = {} if subset.run_as_user is None else {"runAsUser": subset.run_as_user}
    if subset.pod_security == "image":
        return user
    if subset.pod_security == "baseline":
        return {"allowPrivilegeEscalation": False, **_SECCOMP, **user}
    return {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        **user,
    }


def _variables(subset: Subset) -> list[Manifest]:
    """The secret ones first: a variable can use those before it, as "$(NAME)"."""
    secret = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": entry.secret, "key": entry.key}}}
        for name, entry in sorted(subset.secret_env.items())
    ]
    return [*secret, *({"name": name, "value": subset.env[name]} for name in sorted(subset.env))]


def _volumes(subset: Subset) -> dict[object, Manifest]:
    """The pod's volumes by where their content comes from: mounts of one source share its volume, as some storage
    cannot be mounted twice. Directories of the pod's own are one for each mount."""
    volumes: dict[object, Manifest] = {}
    for mount in subset.mounts:
        volumes.setdefault(_source(mount), {"name": f"mount-{len(volumes)}", **_content(mount)})
    return volumes


def _source(mount: Mount) -> object:
    if mount.empty_dir:
        return mount.path
    return mount.config_map, mount.secret, mount.claim


def _content(mount: Mount) -> Manifest:
    if mount.empty_dir:
        return {"emptyDir": _empty_dir(mount.empty_dir)}
    if mount.config_map is not None:
        return {"configMap": {"name": mount.config_map}}
    if mount.secret is not None:
        return {"secret": {"secretName": mount.secret}}
    return {"persistentVolumeClaim": {"claimName": mount.claim}}


def _empty_dir(directory: EmptyDir) -> Manifest:
    return {"sizeLimit": directory.size_limit} if directory.size_limit else {}


def _volume_mount(mount: Mount, volumes: dict[object, Manifest]) -> Manifest:
    rendered: Manifest = {"name": volumes[_source(mount)]["name"], "mountPath": mount.path}
    if mount.read_only:
        rendered["readOnly"] = True
    if mount.sub_path:
        rendered["subPath"] = mount.sub_path
    return rendered


def _toleration(toleration: Toleration) -> Manifest:
    rendered = {
        "key": toleration.key,
        "operator": toleration.operator,
        "value": toleration.value,
        "effect": toleration.effect,
        "tolerationSeconds": toleration.toleration_seconds,
    }
    return {key: value for key, value in rendered.items() if value is not None}


def _readiness_probe(subset: Subset) -> Manifest:
    port = {"port": PORT}
    check = {"httpGet": {"path": subset.probe.path, **port}} if subset.probe.path else {"tcpSocket": port}
    return {
        **check,
        "periodSeconds": subset.probe.period_seconds,
        "timeoutSeconds": subset.probe.timeout_seconds,
        "failureThreshold": subset.probe.failure_threshold,
    }
