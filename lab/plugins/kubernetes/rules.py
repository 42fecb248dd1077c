"""Which changed property replaces an object instead of updating it, by kind.

The list is the one that the official provider documents: fields that the API server refuses to change, and
ConfigMaps and Secrets, whose readers would not notice a change in place.
"""

from __future__ import annotations

from typing import Any

# A field name, or a list index.
Path = tuple[str | int, ...]

_IDENTITY = ("metadata.name", "metadata.namespace")
_VOLUME_SOURCES = """
    awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk
    glusterfs hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos
    vsphereVolume
"""
_POD_FIELDS = """
    affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC
    hostNetwork hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority
    priorityClassName readinessGates restartPolicy runtimeClassName schedulerName securityContext
    serviceAccount serviceAccountName shareProcessNamespace subdomain terminationGracePeriodSeconds volumes
"""
_CONTAINER_FIELDS = """
    args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources
    securityContext stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices
    volumeMounts workingDir
"""


def _below(prefix: str, names: str) -> tuple[str, ...]:
    return tuple(f"{prefix}.{name}" for name in names.split())


_REPLACED_BY: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "StatefulSet"): _below(
        "spec", "podManagementPolicy revisionHistoryLimit selector serviceName volumeClaimTemplates"
    ),
    ("batch", "Job"): _below("spec", "completions parallelism selector template"),
    ("", "ConfigMap"): ("binaryData", "data"),
    ("", "PersistentVolume"): _below("spec", _VOLUME_SOURCES),
    ("", "PersistentVolumeClaim"): _below("spec", "accessModes selector storageClassName volumeName"),
    ("", "Pod"): (
        *_below("spec", _POD_FIELDS),
        *_below("spec.containers.*", _CONTAINER_FIELDS),
        *_below("spec.initContainers.*", _CONTAINER_FIELDS),
    ),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Secret"): ("type", "stringData", "data"),
    ("", "Service"): ("spec.clusterIP",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
}


def api_group(api_version: str) -> str:
    """The group of "group/version"; empty for the core API."""
    return api_version.rpartition("/")[0]


def replacing_paths(obj: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """The paths of this object's kind whose change, or whose part's change, makes a new object."""
    kind = (api_group(obj.get("apiVersion", "")), obj.get("kind", ""))
    return tuple(tuple(path.split(".")) for path in (*_IDENTITY, *_REPLACED_BY.get(kind, ())))


def replaces(path: Path, value: Any, rules: tuple[tuple[str, ...], ...]) -> bool:
    """Does setting `value` at `path` replace the object? A rule also covers everything below it."""
    return any(_touches(path, value, rule) for rule in rules)


def _touches(path: Path, value: Any, rule: tuple[str, ...]) -> bool:
    if any(wanted not in ("*", step) for step, wanted in zip(path, rule, strict=False)):
        return False
    return _contains(value, rule[len(path) :])


def _contains(value: Any, rest: tuple[str, ...]) -> bool:
    if not rest:
        return True
    if isinstance(value, list):
        return rest[0] == "*" and any(_contains(item, rest[1:]) for item in value)
    return isinstance(value, dict) and rest[0] in value and _contains(value[rest[0]], rest[1:])
