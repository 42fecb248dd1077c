"""The program that test_engine.py deploys: a Pulumi program as a user would write it."""

from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, Namespace, Service

config = pulumi.Config()
if config.get("mistake"):
    raise ValueError("weights: 90 is not allowed; allowed: a sum of 100")

print("the program runs")
name = config.require("namespace")
namespace = Namespace("namespace", metadata={"name": name})
inside = pulumi.ResourceOptions(depends_on=[namespace])
limit = {"pulumi.com/timeoutSeconds": config.require("limit")}
labels = {"app": config.get("app") or "web"}


def told(args: pulumi.ResourceHookArgs) -> None:
    before, after = args.old_inputs, args.new_inputs
    assert before is not None
    assert after is not None
    pulumi.log.info(f"hook: {before['spec']['hosts']} -> {after['spec']['hosts']}")


pods: Any = {
    "metadata": {"labels": labels},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "main", "image": config.require("image")}],
    },
}
web = Deployment(
    "web",
    metadata={"name": "web", "namespace": name, "annotations": limit},
    spec={"replicas": 1, "selector": {"match_labels": labels}, "template": pods},
    opts=inside,
)
ConfigMap(
    "settings",
    metadata={"name": "settings", "namespace": name},
    data={"token": config.require_secret("token")},
    opts=inside,
)
Service(
    "web",
    metadata={"name": "web", "namespace": name},
    spec={"selector": labels, "ports": [{"name": "http", "port": 80}]},
    opts=pulumi.ResourceOptions(depends_on=[web]),
)
mirror = {
    "destination": {"host": "web", "subset": "v2"},
    "percentage": {"value": config.require_float("percent")},
}
CustomResource(
    "route",
    api_version="networking.istio.io/v1",
    kind="VirtualService",
    metadata={"name": "web", "namespace": name},
    spec={
        "hosts": config.require_object("hosts"),
        "http": [{"route": [{"destination": {"host": "web", "subset": "v1"}}], "mirrors": [mirror]}],
    },
    opts=pulumi.ResourceOptions(
        depends_on=[namespace],
        hooks=pulumi.ResourceHookBinding(before_update=[pulumi.ResourceHook("told", told)]),
    ),
)
pulumi.export("uid", namespace.metadata["uid"])
