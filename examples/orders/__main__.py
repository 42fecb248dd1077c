"""Orders: v1 answers and writes to the live database, v2 gets copies and writes to a database of its own."""

from typing import Any

import pulumi
from database import Database
from pulumi_kubernetes.core.v1 import Namespace

from mirrored_service import MirroredService

config = pulumi.Config()
namespace = config.require("namespace")

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


def version(name: str, database: Database, **role: Any) -> Any:
    """One version of the service, and the database that it is told to use."""
    return {
        "image": config.require("image"),
        "containerPort": 8080,
        "probe": {"path": "/healthz"},
        "podSecurity": "restricted",
        "env": {"VERSION": name, **database.client_environment},
        **role,
    }


orders = MirroredService(
    "orders",
    {
        "name": "orders",
        "namespace": namespace,
        "hosts": config.require_object("hosts"),
        # Orders are POSTs: to copy what writes has to be asked for, and needs a shadow that may write.
        "mirrorMatch": {"methods": ["GET", "POST"], "paths": ["/orders"], "maxBodyBytes": 10_000},
        "subsets": {
            "v1": version("v1", databases["live"], weight=100),
            "v2": version(
                "v2",
                databases[config.require("shadowDatabase")],
                mirrorPercent=config.require_int("mirrorPercent"),
                # Whatever v2 is told: its own proxy lets it reach the shadow database only, and the proxy of the
                # live database refuses it.
                shadowIsolation={
                    "mayReach": [databases["shadow"].host],
                    "protects": {"orders-live": databases["live"].workload},
                },
            ),
        },
    },
)

pulumi.export("urls", orders.urls)
