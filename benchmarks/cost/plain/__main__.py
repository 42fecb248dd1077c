"""The component's objects as a program declares them by hand: in the same order, without component and hooks.

The objects come from a file, rendered beforehand, so that this program pays for nothing of the component's.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Service

CLASSES: dict[str, Callable[..., pulumi.Resource]] = {"Service": Service, "Deployment": Deployment}


def declare(manifest: dict[str, Any], needs: list[pulumi.Resource]) -> pulumi.Resource:
    """One object, registered after those it needs."""
    opts = pulumi.ResourceOptions(depends_on=needs)
    api_version, kind = manifest.pop("apiVersion"), manifest.pop("kind")
    name = f"{manifest['metadata']['name']}-{kind}"
    if kind in CLASSES:
        return CLASSES[kind](name, opts=opts, **manifest)
    return CustomResource(name, api_version=api_version, kind=kind, opts=opts, **manifest)


config = pulumi.Config()
services = json.loads(Path(config.require("file")).read_text())
for objects in services[: config.require_int("services")]:
    pods = declare(objects["pods"], [])
    callers = declare(objects["callers"], [pods])
    versions = declare(objects["versions"], [])
    rule = declare(objects["rule"], [versions])
    for route in ("ingress", "mesh"):
        declare(objects[route], [pods, rule, callers])
