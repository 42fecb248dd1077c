"""Gateways of tests on the lab's ingress gateway: another team's, in a namespace of its own, and the one of
Gateway API that the lab has (lab/cluster/manifests/gateway-api.yaml)."""

from __future__ import annotations

from typing import Any

import yaml

BY_GATEWAY_API: dict[str, Any] = {"api": "gateway", "gateway": {"existing": "istio-system/ingress"}}


def of_others(namespace: str, name: str, *hosts: str) -> str:
    """The namespace and the Gateway as YAML; of each host every namespace may have routes."""
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    gateway = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"istio": "ingressgateway"},
            "servers": [
                {
                    "port": {"number": 80, "name": "http", "protocol": "HTTP"},
                    "hosts": [f"*/{host}" for host in hosts],
                }
            ],
        },
    }
    return yaml.safe_dump_all([made, gateway])
