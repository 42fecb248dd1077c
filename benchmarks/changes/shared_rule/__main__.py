"""Plain Pulumi, as people write it: every object declared, the route depends on all others, no waits."""

from collections.abc import Callable
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Namespace, Service

CLASSES: dict[str, Callable[..., pulumi.Resource]] = {
    "Namespace": Namespace,
    "Service": Service,
    "Deployment": Deployment,
}


def declare(manifest: dict[str, Any], needs: list[pulumi.Resource]) -> pulumi.Resource:
    """One object, registered after those it needs."""
    opts = pulumi.ResourceOptions(depends_on=needs)
    api_version, kind = manifest.pop("apiVersion"), manifest.pop("kind")
    name = manifest["metadata"]["name"]
    if kind in CLASSES:
        return CLASSES[kind](name, opts=opts, **manifest)
    return CustomResource(name, api_version=api_version, kind=kind, opts=opts, **manifest)


namespace, *others, route = pulumi.Config().require_object("objects")
first = declare(namespace, [])
rest = [declare(manifest, [first]) for manifest in others]
declare(route, [first, *rest])
