"""A version's surroundings arrive in its pod; and how far Pod Security lets it run."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import Lab, LabError
from lab.kit import templates
from lab.kit.scratch import ScratchStack
from mirrored_service.reading.service import parse
from mirrored_service.rendering import pods
from tests.services import service_args

V1 = {"image": "lab.local/nginx-v1:1", "weight": 100}
SERVES = ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/etc"]


def server(pod: Any = None, **container: Any) -> dict[str, Any]:
    """A server that runs as any user."""
    probe = {"httpGet": {"path": "/passwd"}, "periodSeconds": 1}
    return {
        "image": "lab.local/curl:1",
        "containerPort": 8080,
        "stop": {"delaySeconds": 0},
        **templates.pod(pod, command=SERVES, readinessProbe=probe, **container),
    }


OBJECTS = """
apiVersion: v1
kind: Secret
metadata: {{name: keys, namespace: {namespace}}}
stringData: {{password: hush-4711, ca.pem: certificate}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings, namespace: {namespace}}}
data: {{shop.conf: "database = shadow"}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: shop-shadow, namespace: {namespace}}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {namespace}}}
spec:
  capacity: {{storage: 1Mi}}
  accessModes: [ReadWriteOnce]
  storageClassName: {namespace}
  hostPath: {{path: /run/{namespace}, type: DirectoryOrCreate}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: files, namespace: {namespace}}}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: {namespace}
  resources: {{requests: {{storage: 1Mi}}}}
"""


@pytest.fixture(scope="module")
def deployed(lab: Lab, deploy: Callable[[], ScratchStack]) -> Iterator[ScratchStack]:
    deployed = deploy()
    deployed.deploy({"v1": V1})
    lab.kubectl("apply", "--filename=-", input=OBJECTS.format(namespace=deployed.namespace))
    yield deployed
    lab.kubectl("delete", f"persistentvolume/{deployed.namespace}", "--wait=false")


def run_inside(deployed: ScratchStack, script: str) -> list[str]:
    """The lines that a shell in v2's container prints."""
    pod = (f"--namespace={deployed.namespace}", "deployment/nginx-v2", "--container=nginx")
    return deployed.lab.kubectl("exec", *pod, "--", "/bin/sh", "-c", script).splitlines()


def test_everything_a_version_has_around_it_arrives_in_its_pod(deployed: ScratchStack) -> None:
    toleration = {"key": "shadows", "operator": "Exists", "effect": "NoSchedule"}
    surrounded = {
        "env": {"DATABASE": "db://shop:$(PASSWORD)@shadow-db"},
        **server(
            {
                "serviceAccountName": "shop-shadow",
                "imagePullSecrets": [{"name": "keys"}],
                "nodeSelector": {"kubernetes.io/hostname": "lab"},
                "tolerations": [toleration],
                "volumes": [
                    {"name": "settings", "configMap": {"name": "settings"}},
                    {"name": "keys", "secret": {"secretName": "keys"}},
                    {"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}},
                    {"name": "files", "persistentVolumeClaim": {"claimName": "files"}},
                ],
            },
            env=[{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}}],
            volumeMounts=[
                {"name": "settings", "mountPath": "/settings"},
                {"name": "keys", "mountPath": "/keys/ca.pem", "subPath": "ca.pem"},
                {"name": "scratch", "mountPath": "/scratch"},
                {"name": "files", "mountPath": "/files"},
                {"name": "files", "mountPath": "/archive", "readOnly": True},
            ],
            securityContext={"runAsUser": 0},
        ),
    }
    deployed.deploy({"v1": V1, "v2": surrounded})
    assert run_inside(deployed, "echo $DATABASE; cat /settings/shop.conf; echo; cat /keys/ca.pem; echo") == [
        "db://shop:hush-4711@shadow-db",
        "database = shadow",
        "certificate",
    ]
    assert run_inside(
        deployed, "echo kept >/files/a && cat /archive/a; echo >/scratch/a && echo scratch"
    ) == [
        "kept",
        "scratch",
    ]
    assert run_inside(deployed, "(echo >/archive/a) 2>/dev/null || echo refused") == ["refused"]
    (pod,) = json.loads(deployed.kubectl("get", "pods", "--selector=version=v2", "--output=json"))["items"]
    assert pod["spec"]["serviceAccountName"] == "shop-shadow"
    assert pod["spec"]["imagePullSecrets"] == [{"name": "keys"}]
    assert pod["spec"]["nodeSelector"] == {"kubernetes.io/hostname": "lab"}
    assert toleration in pod["spec"]["tolerations"]


class Namespace:
    """A namespace with a Pod Security profile, in which pods are tried."""

    def __init__(self, lab: Lab, name: str, profile: str) -> None:
        self.lab, self.name = lab, name
        lab.kubectl("create", "namespace", name)
        lab.kubectl("label", "namespace", name, f"pod-security.kubernetes.io/enforce={profile}")

    def refusal(self, pod: dict[str, Any]) -> str:
        """Why the pod would be refused; empty if it would not be."""
        try:
            self.lab.kubectl(
                "create",
                f"--namespace={self.name}",
                "--dry-run=server",
                "--filename=-",
                input=json.dumps(pod),
            )
        except LabError as refused:
            return str(refused)
        return ""


@pytest.fixture
def namespace(lab: Lab) -> Iterator[Callable[[str], Namespace]]:
    made: list[Namespace] = []

    def make(profile: str) -> Namespace:
        made.append(Namespace(lab, f"test-{uuid.uuid4().hex[:6]}", profile))
        return made[-1]

    yield make
    for each in made:
        lab.kubectl("delete", "namespace", each.name, "--wait=false")


def pod_of(namespace: str, **version: Any) -> dict[str, Any]:
    """The pod of a version, as its Deployment would make it."""
    subsets = {"v1": {**server(), **version, "weight": 100}}
    described = parse(service_args(subsets, namespace=namespace, createNamespace=False))
    template = pods.deployment(described, described.main)["spec"]["template"]
    metadata = {**template["metadata"], "name": "nginx"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


RESTRICTED = {**server(securityContext={"runAsUser": 1000}), "podSecurity": "restricted"}


@pytest.mark.parametrize(
    ("profile", "level", "accepted"),
    [
        ("baseline", "image", True),
        ("baseline", "baseline", True),
        ("baseline", "restricted", True),
        ("restricted", "restricted", True),
        ("restricted", "baseline", False),
        ("restricted", "image", False),
    ],
)
def test_a_version_fits_the_profile_that_is_named_after_its_pod_security(
    namespace: Callable[[str], Namespace], profile: str, level: str, accepted: bool
) -> None:
    where = namespace(profile)
    refusal = where.refusal(pod_of(where.name, podSecurity=level))
    assert (refusal == "") == accepted, refusal
    assert accepted or 'violates PodSecurity "restricted' in refusal


def test_a_restricted_version_runs_where_nothing_else_may(
    namespace: Callable[[str], Namespace], deploy: Callable[[], ScratchStack]
) -> None:
    where = namespace("restricted")
    deployed = deploy()
    deployed.namespace = where.name
    deployed.deploy({"v1": {**RESTRICTED, "weight": 100}}, createNamespace=False)
    ready = deployed.kubectl("get", "pods", "--selector=version=v1", "--no-headers")
    assert ready.split()[1:3] == ["1/1", "Running"]


def test_of_a_pod_with_a_sidecar_a_restricted_namespace_refuses_only_what_sets_up_its_network(
    namespace: Callable[[str], Namespace],
) -> None:
    where = namespace("restricted")
    where.lab.kubectl("label", "namespace", where.name, "istio-injection=enabled")
    refusal = where.refusal(pod_of(where.name, **RESTRICTED))
    assert 'container "istio-init" must not include "NET_ADMIN", "NET_RAW"' in refusal
    assert set(re.findall(r'container "([^"]+)"', refusal)) == {"istio-init"}


def test_with_the_plugin_that_sets_up_the_network_instead_a_pod_with_a_sidecar_is_accepted(
    lab: Lab, namespace: Callable[[str], Namespace], tmp_path: Path
) -> None:
    """Istio's CNI plugin is not in the lab: the pod is made as Istio makes it for a mesh that has the plugin."""
    where = namespace("restricted")
    injected = inject_as_with_cni(lab, pod_of(where.name, **RESTRICTED), tmp_path)
    names = [each["name"] for each in [*injected["spec"]["initContainers"], *injected["spec"]["containers"]]]
    assert set(names) == {"istio-validation", "istio-proxy", "nginx"}
    assert where.refusal(injected) == ""


def inject_as_with_cni(lab: Lab, pod: dict[str, Any], directory: Path) -> dict[str, Any]:
    system = "--namespace=istio-system"
    injector = json.loads(lab.kubectl("get", "configmap/istio-sidecar-injector", system, "--output=json"))[
        "data"
    ]
    mesh = json.loads(lab.kubectl("get", "configmap/istio", system, "--output=json"))["data"]["mesh"]
    values = json.loads(injector["values"])
    values.setdefault("pilot", {})["cni"] = {"enabled": True, "provider": "default"}
    files = {"inject": injector["config"], "values": json.dumps(values), "mesh": mesh, "pod": json.dumps(pod)}
    for name, content in files.items():
        (directory / name).write_text(content)
    injected = lab.run(
        "istioctl",
        "kube-inject",
        f"--injectConfigFile={directory / 'inject'}",
        f"--valuesFile={directory / 'values'}",
        f"--meshConfigFile={directory / 'mesh'}",
        f"--filename={directory / 'pod'}",
        capture_output=True,
        text=True,
    )
    assert injected.returncode == 0, injected.stderr
    found: dict[str, Any] = next(yaml.safe_load_all(injected.stdout))
    return found
