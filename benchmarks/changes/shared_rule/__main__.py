"""Plain Pulumi, as people write it: every object declared, one DestinationRule, dependencies, no waits."""

from collections.abc import Callable

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Namespace, Service

from benchmarks.changes.contenders import walkthrough_objects
from mirrored_service import manifests, model

service = model.parse(pulumi.Config().require_object("args"))
objects = {obj["kind"]: obj for obj in walkthrough_objects(service)}


def declare(manifest: manifests.Manifest, needs: list[pulumi.Resource]) -> pulumi.Resource:
    opts = pulumi.ResourceOptions(depends_on=needs)
    properties = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    name = manifest["metadata"]["name"]
    kinds: dict[str, Callable[..., pulumi.Resource]] = {
        "Namespace": Namespace,
        "Service": Service,
        "Deployment": Deployment,
    }
    if manifest["kind"] in kinds:
        return kinds[manifest["kind"]](name, opts=opts, **properties)
    return CustomResource(
        name, api_version=manifest["apiVersion"], kind=manifest["kind"], opts=opts, **properties
    )


namespace = declare(objects["Namespace"], [])
pods = [declare(manifests.deployment(service, subset), [namespace]) for subset in service.subsets]
callers = declare(objects["Service"], [namespace])
rule = declare(objects["DestinationRule"], [callers])
gateway = declare(objects["Gateway"], [namespace])
declare(objects["VirtualService"], [rule, gateway, *pods])
