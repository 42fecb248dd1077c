"""Orders: one version answers and writes to the live database, the other gets copies and writes to a database of
its own."""

import pulumi
from database import Database
from pulumi_kubernetes.core.v1 import Namespace

from mirrored_service import MirroredService, SubsetArgs

config = pulumi.Config()
namespace = config.require("namespace")
live = config.require("live")
told = config.require("shadowDatabase")  # the database that the shadow is told to use

data = Namespace("data", metadata={"name": f"{namespace}-data", "labels": {"istio-injection": "enabled"}})
databases = {
    role: Database(
        role,
        namespace=f"{namespace}-data",
        image=config.require("databaseImage"),
        password=config.require_secret("databasePassword"),
        opts=pulumi.ResourceOptions(depends_on=[data]),
    )
    for role in ("live", "shadow")
}


def version(name: str) -> SubsetArgs:
    """One version of the service, in the role that it has now."""
    database = databases["live" if name == live else told]
    return {
        "weight": 100 if name == live else 0,
        "mirrorPercent": 0 if name == live else config.require_int("mirrorPercent"),
        "image": config.require("image"),
        "containerPort": 8080,
        "podTemplate": {
            "spec": {
                "containers": [{"name": "orders", "readinessProbe": {"httpGet": {"path": "/healthz"}}}],
            }
        },
        "podSecurity": "restricted",
        "env": {"VERSION": name, **database.client_environment},
        # While the version is not live, and whatever it is told: its own proxy lets it reach the shadow database
        # only, and the proxy of the live database refuses it.
        "shadowIsolation": {
            "mayReach": [databases["shadow"].host],
            "protects": {"orders-live": databases["live"].workload},
        },
    }


orders = MirroredService(
    "orders",
    {
        "name": "orders",
        "namespace": namespace,
        "hosts": config.require_object("hosts"),
        "gateway": {"ownsHosts": True},
        # Orders are POSTs: to copy what writes has to be asked for, and needs a shadow that may write.
        "mirrorMatch": {"methods": ["GET", "POST"], "paths": ["/orders"], "maxBodyBytes": 10_000},
        "subsets": {name: version(name) for name in ("v1", "v2")},
    },
)

pulumi.export("urls", orders.urls)
