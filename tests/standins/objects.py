"""Small objects that the tests create."""

from typing import Any

Object = dict[str, Any]

# Nothing listens there: the pull fails at once.
MISSING_IMAGE = "127.0.0.1:1/missing:1"


def config_map(namespace: str, **data: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": namespace},
        "data": data or {"a": "1"},
    }


def deployment(
    namespace: str,
    image: str = "lab.local/curl:1",
    app: str = "web",
    replicas: int = 1,
    annotations: dict[str, str] | None = None,
) -> Object:
    """Pods that are ready as soon as they run, and stop at once."""
    labels = {"app": app}
    container = {"name": "main", "image": image, "imagePullPolicy": "IfNotPresent"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": namespace,
            "annotations": annotations or {},
            "labels": labels,
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
            },
        },
    }


def service(namespace: str, annotations: dict[str, str] | None = None) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": namespace, "annotations": annotations or {}},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]},
    }


def virtual_service(namespace: str, percentage: float) -> Object:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "hosts": ["standins.example"],
            "http": [
                {
                    "route": [{"destination": {"host": "web", "subset": "v1"}}],
                    "mirrors": [
                        {
                            "destination": {"host": "web", "subset": "v2"},
                            "percentage": {"value": percentage},
                        }
                    ],
                }
            ],
        },
    }
