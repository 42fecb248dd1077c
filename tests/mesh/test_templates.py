"""Pods as people have them: taken by the API server as they are rendered, and running."""

import copy
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.kit.scratch import ScratchStack
from mirrored_service import MirroredServiceArgs
from mirrored_service.reading.service import parse
from tests.fuzz.judge import Judge, rendered
from tests.mesh.faults import wait_until
from tests.services import service_args

TEMPLATES: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("pod_templates.yaml").read_text())
# The lab has neither such nodes nor whoever makes volumes.
NOT_RUN = {"gpu", "ephemeral"}
GPU = {"resources": {"limits": {"nvidia.com/gpu": "1", "memory": "1Gi"}, "requests": {"nvidia.com/gpu": "1"}}}
SERVER = ["/bin/busybox", "httpd", "-f", "-vv", "-p", "8080", "-h", "/etc"]  # says each request
OBJECTS = """
apiVersion: v1
kind: Secret
metadata: {{name: keys, namespace: {namespace}}}
stringData: {{API: hush-4711}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings, namespace: {namespace}}}
data: {{DATABASE: shadow}}
"""


def version(name: str, **role: Any) -> dict[str, Any]:
    """A version with one of the templates, and with a server where that has none."""
    template = copy.deepcopy(TEMPLATES[name])
    containers = template["spec"].setdefault("containers", [])
    if all(each["name"] != "nginx" for each in containers):
        containers.append({"name": "nginx"})
    own = next(each for each in containers if each["name"] == "nginx")
    own.setdefault("command", SERVER)
    own.setdefault("readinessProbe", {"httpGet": {"path": "/passwd"}, "periodSeconds": 1})
    found = {
        "image": "lab.local/curl:1",
        "containerPort": 8080,
        "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}},
        "stop": {"delaySeconds": 0},
        "podTemplate": template,
    }
    return {**found, **(GPU if name == "gpu" else {}), **role}


@pytest.fixture(scope="module")
def judge(lab: Lab) -> Iterator[Judge]:
    namespace = f"test-{uuid.uuid4().hex[:6]}"
    lab.kubectl("create", "namespace", namespace)
    lab.kubectl("label", "namespace", namespace, "istio-injection=enabled")
    if "nvidia" not in lab.kubectl("get", "runtimeclasses", "--output=name"):
        nvidia = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "nvidia"}}
        lab.kubectl("create", "--filename=-", input=json.dumps({**nvidia, "handler": "nvidia"}))
    judge = Judge(lab, namespace)
    yield judge
    judge.close()
    lab.kubectl("delete", "runtimeclass", "nvidia")
    lab.kubectl("delete", "namespace", namespace, "--wait=false")


def test_there_are_twelve() -> None:
    assert len(TEMPLATES) == 12


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_api_server_takes_every_field_as_it_is_rendered(judge: Judge, name: str) -> None:
    # A namespace that is made must not be there: that of the walkthrough may be.
    service = parse(service_args({"v1": version(name, weight=100)}, namespace="templates"))
    assert judge.refusals(rendered(service)) == []


def from_the_page() -> dict[str, Any]:
    """The arguments that docs/moving.md shows."""
    page = (CHECKOUT / "docs" / "moving.md").read_text()
    config = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])["config"]
    return {key.removeprefix("mirrored-service:"): value for key, value in config.items()}


def test_the_api_server_takes_what_the_page_on_moving_shows(judge: Judge) -> None:
    service = parse(cast(MirroredServiceArgs, from_the_page()))
    assert judge.refusals(rendered(service)) == []


def test_what_the_page_on_moving_shows_runs_with_the_image_of_the_lab(
    deploy: Callable[[], ScratchStack],
) -> None:
    args, stack = from_the_page(), deploy()
    shown = args["subsets"]["v1"]
    (own,) = shown["podTemplate"]["spec"]["containers"]
    own["command"] = [*SERVER[:-3], "9898", "-h", "/etc"]
    for probe in ("livenessProbe", "readinessProbe"):
        asks = "busybox wget -q -O /dev/null localhost:9898/passwd"
        own[probe]["exec"]["command"] = ["/bin/sh", "-c", asks]
    own_settings = {key: args[key] for key in ("name", "ports", "disruptionBudget")}
    stack.deploy({"v1": {**shown, "image": "lab.local/curl:1", "stop": {"delaySeconds": 0}}}, **own_settings)
    ready = "--output=jsonpath={.status.readyReplicas}"
    assert stack.kubectl("get", "deployment/podinfo-v1", ready) == "2"
    budget = "--output=jsonpath={.status.disruptionsAllowed}"
    wait_until(lambda: stack.kubectl("get", "pdb/podinfo-v1", budget) == "1", "one pod may be missing")
    assert stack.stack.preview() == []


@pytest.fixture(scope="module")
def deployed(lab: Lab, deploy: Callable[[], ScratchStack]) -> ScratchStack:
    """All that the lab can run, each as a version: one is live."""
    stack = deploy()
    lab.kubectl("create", "namespace", stack.namespace)
    lab.kubectl("label", "namespace", stack.namespace, "istio-injection=enabled")
    lab.kubectl("apply", "--filename=-", input=OBJECTS.format(namespace=stack.namespace))
    versions = {name: version(name) for name in TEMPLATES if name not in NOT_RUN}
    versions["another-port"]["weight"] = 100
    versions["own-sidecar"]["mirrorPercent"] = 100
    stack.deploy(versions, createNamespace=False)
    return stack


def run_inside(deployed: ScratchStack, name: str, script: str) -> list[str]:
    """The lines that a shell in the version's container prints."""
    pod = (f"--namespace={deployed.namespace}", f"deployment/nginx-{name}", "--container=nginx")
    return deployed.lab.kubectl("exec", *pod, "--", "/bin/sh", "-c", script).splitlines()


def test_every_version_that_can_runs_with_its_sidecar_and_is_as_configured(deployed: ScratchStack) -> None:
    pods = json.loads(deployed.kubectl("get", "pods", "--selector=app=nginx", "--output=json"))["items"]
    ready = {
        pod["metadata"]["labels"]["version"]: {
            each["name"]
            for kind in ("containerStatuses", "initContainerStatuses")
            for each in pod["status"].get(kind, ())
            if each["ready"]
        }
        for pod in pods
    }
    assert set(ready) == set(TEMPLATES) - NOT_RUN
    assert all({"nginx", "istio-proxy"} <= containers for containers in ready.values()), ready
    assert {"sql-proxy", "logs"} <= ready["own-sidecar"]
    assert deployed.stack.preview() == []


def test_what_a_template_says_is_so_in_its_pod(deployed: ScratchStack) -> None:
    assert run_inside(deployed, "init-container", "cat /data/passwd") == ["fetched"]
    assert run_inside(
        deployed, "read-only", "echo >/a 2>/dev/null || echo refused; echo >/tmp/a && id -u"
    ) == [
        "refused",
        "1000",
    ]
    assert run_inside(deployed, "env-from", "echo $DATABASE $KEY_API $MEMORY") == [
        "shadow hush-4711 16777216"
    ]
    assert "10.9.8.7\tlegacy.example.org\tlegacy" in run_inside(deployed, "host-aliases", "cat /etc/hosts")
    token, labels = "/var/run/identity/token", "/var/run/identity/labels"
    assert run_inside(deployed, "projected-token", f"test -s {token} && grep tier {labels}") == ['tier="web"']
    annotations = "jsonpath={.items[0].metadata.annotations}"
    vault = json.loads(deployed.kubectl("get", "pods", "--selector=version=vault", f"--output={annotations}"))
    assert vault["vault.hashicorp.com/role"] == "shop"


def test_live_requests_and_copies_arrive(deployed: ScratchStack) -> None:
    for _ in range(20):
        run_inside(deployed, "zones", "busybox wget -q -O /dev/null http://nginx/group")
    wait_until(lambda: received(deployed, "own-sidecar") == 20, "each request was copied")


def received(deployed: ScratchStack, name: str) -> int:
    """The requests for that file that arrived in the version's container."""
    pod = (f"deployment/nginx-{name}", "--container=nginx")
    return sum("url:/group" in line for line in deployed.kubectl("logs", *pod).splitlines())
