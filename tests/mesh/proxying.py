"""A version that asks other services for its answers, and those services: what containment is about."""

from __future__ import annotations

import time
from typing import Any

import requests

from lab import Lab
from lab.check import access_log
from lab.scratch import ScratchStack

LIMIT_SECONDS = 30.0

# A service of the mesh that is not of the stack; it answers "nginx <version> <pod>".
STORE = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: {name}
          image: lab.local/nginx-{version}:1
          readinessProbe: {{httpGet: {{path: /healthz, port: 80}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: 80}}]}}
"""

# nginx that answers nothing by itself: /own is the shadow's store, everything else the live one.
CONFIGURATION = """
user root;
daemon off;
pid /run/nginx.pid;
error_log /dev/stderr warn;
events {{ worker_connections 4096; }}
http {{
    log_format json escape=json '{{"path":"$uri","status":$status,"x_forwarded_for":"$http_x_forwarded_for"}}';
    access_log /dev/stdout json;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server {{
        listen 80 backlog=4096;
        location = /healthz {{ access_log off; return 200 "ok"; }}
        location / {{ proxy_set_header Host live-store; proxy_pass http://{live}; }}
        location /own {{ proxy_set_header Host shadow-store; proxy_pass http://{shadow}; }}
    }}
}}
"""


def host(namespace: str, name: str) -> str:
    return f"{name}.{namespace}.svc.cluster.local"


def add_stores(lab: Lab, namespace: str) -> None:
    """The live store (answers as v3) and the shadow's (answers as v2), and the proxy's configuration."""
    for name, version in (("live-store", "v3"), ("shadow-store", "v2")):
        manifest = STORE.format(name=name, namespace=namespace, version=version)
        lab.kubectl("apply", "--filename=-", input=manifest)
    for name in ("live-store", "shadow-store"):
        lab.kubectl("rollout", "status", f"deployment/{name}", f"--namespace={namespace}", "--timeout=120s")
    configuration = CONFIGURATION.format(
        live=host(namespace, "live-store"), shadow=host(namespace, "shadow-store")
    )
    literal = f"--from-literal=nginx.conf={configuration}"
    lab.kubectl("create", "configmap", "proxy", f"--namespace={namespace}", literal)


def proxy(**properties: Any) -> dict[str, Any]:
    """A version that proxies to the stores; its configuration is a mount."""
    mount = {"path": "/etc/nginx/nginx.conf", "configMap": "proxy", "subPath": "nginx.conf"}
    probe = {"path": "/healthz", "periodSeconds": 1}
    return {"image": "lab.local/nginx-v2:1", "mounts": [mount], "probe": probe, **properties}


def statuses_of_copies(deployed: ScratchStack, version: str, path: str, count: int = 20) -> set[int]:
    """Sends requests through the gateway, and returns what the version answered to its copies of them."""
    for _ in range(count):
        answer = requests.get(
            f"{deployed.lab.gateway_url}{path}", headers={"Host": deployed.host}, timeout=10
        )
        assert answer.text.startswith("nginx v1 "), answer.text
    give_up = time.monotonic() + LIMIT_SECONDS
    while len(logged := access_log(deployed.lab, deployed.service, version, path)) < count:
        assert time.monotonic() < give_up, f"{len(logged)} copies of {count} were logged"
        time.sleep(0.3)
    return {line["status"] for line in logged}
