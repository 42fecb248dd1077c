"""A PostgreSQL in the mesh: one pod whose data goes with it, which is enough to try things out."""

from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, Secret, Service

SCHEMA = Path(__file__).with_name("orders.sql")
USER = 999  # "postgres" in the image
DATA = "/var/lib/postgresql/data"
INIT = "/docker-entrypoint-initdb.d"  # where the image looks for what to run in a new database


class Database(pulumi.ComponentResource):
    """PostgreSQL with the orders' table, reached under `host` by who knows the password."""

    def __init__(
        self,
        name: str,
        namespace: str,
        image: str,
        password: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("orders:index:Database", name, {}, opts)
        labels = {"app": f"orders-{name}"}
        metadata: Any = {"name": f"orders-{name}", "namespace": namespace, "labels": labels}
        self.host = f"orders-{name}.{namespace}.svc.cluster.local"
        self.workload: Any = {"labels": labels, "namespace": namespace}
        # A component does not pass on what it depends on.
        own = pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on if opts else None)

        secret = Secret(name, metadata=metadata, string_data={"password": password}, opts=own)
        schema = ConfigMap(name, metadata=metadata, data={"orders.sql": SCHEMA.read_text()}, opts=own)
        server = Deployment(
            name,
            metadata=metadata,
            spec={
                "selector": {"match_labels": labels},
                "strategy": {"type": "Recreate"},
                "template": {"metadata": {"labels": labels}, "spec": _pod(image, secret, schema)},
            },
            opts=own,
        )
        service = Service(
            name,
            metadata=metadata,
            spec={"selector": labels, "ports": [{"name": "tcp", "app_protocol": "tcp", "port": 5432}]},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[server]),
        )
        # Known once the database serves: whoever is given these variables waits for it.
        host = service.metadata.apply(lambda _: self.host)
        self.client_environment: dict[str, pulumi.Input[str]] = {
            "PGHOST": host,
            "PGUSER": "orders",
            "PGPASSWORD": password,
            "PGDATABASE": "orders",
        }
        self.register_outputs({"host": self.host})


def _pod(image: str, secret: Secret, schema: ConfigMap) -> Any:
    """The pod, as Kubernetes' restricted profile wants it."""
    password = {"secretKeyRef": {"name": secret.metadata.name, "key": "password"}}
    return {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "postgres",
                "image": image,
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "env": [
                    {"name": "POSTGRES_USER", "value": "orders"},
                    {"name": "POSTGRES_DB", "value": "orders"},
                    {"name": "POSTGRES_PASSWORD", "valueFrom": password},
                    {"name": "PGDATA", "value": f"{DATA}/pgdata"},
                ],
                "readinessProbe": {
                    "exec": {"command": ["pg_isready", "--host=127.0.0.1", "--username=orders"]},
                    "periodSeconds": 2,
                },
                "volumeMounts": [{"name": "data", "mountPath": DATA}, {"name": "schema", "mountPath": INIT}],
            }
        ],
        "volumes": [
            {"name": "data", "emptyDir": {}},
            {"name": "schema", "configMap": {"name": schema.metadata.name}},
        ],
    }
