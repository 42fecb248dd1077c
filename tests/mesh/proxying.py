"""A version that asks other services for its answers, and those services: what containment is about."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import requests

from lab import Lab
from lab.kit import templates
from lab.kit.check import access_log
from lab.kit.scratch import ScratchStack

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

# nginx that answers nothing by itself: it asks the shadow's store about /own, the live one about /live, and about
# everything else the one that it is made for.
CONFIGURATION = """
user root;
daemon off;
pid /run/nginx.pid;
error_log /dev/stderr warn;
events {{ worker_connections 4096; }}
http {{
    log_format json escape=json '{{"path":"$uri","status":$status,"x_forwarded_for":"$http_x_forwarded_for"}}';
    access_log /dev/stdout json;
    client_max_body_size 0;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server {{
        listen 80 backlog=4096;
        location = /healthz {{ access_log off; return 200 "ok"; }}
        location / {{ proxy_set_header Host {store}; proxy_pass http://{store}; }}
        location /own {{ proxy_set_header Host {own}; proxy_pass http://{own}; }}
        location /live {{ proxy_set_header Host {live}; proxy_pass http://{live}; }}
    }}
}}
"""


def host(namespace: str, name: str) -> str:
    return f"{name}.{namespace}.svc.cluster.local"


def add_stores(lab: Lab, namespace: str) -> None:
    """The live store (answers as v3), the shadow's (answers as v2), and a configuration of the proxy for each."""
    for name, version in (("live-store", "v3"), ("shadow-store", "v2")):
        manifest = STORE.format(name=name, namespace=namespace, version=version)
        lab.kubectl("apply", "--filename=-", input=manifest)
    for name in ("live-store", "shadow-store"):
        lab.kubectl("rollout", "status", f"deployment/{name}", f"--namespace={namespace}", "--timeout=120s")
        configuration = CONFIGURATION.format(
            store=host(namespace, name),
            own=host(namespace, "shadow-store"),
            live=host(namespace, "live-store"),
        )
        literal = f"--from-literal=nginx.conf={configuration}"
        lab.kubectl("create", "configmap", name, f"--namespace={namespace}", literal)


def proxy(store: str = "live-store", **properties: Any) -> dict[str, Any]:
    """A version that asks the store for its answers; its configuration is a mount."""
    template = templates.pod(
        {"volumes": [{"name": "config", "configMap": {"name": store}}]},
        volumeMounts=[{"name": "config", "mountPath": "/etc/nginx/nginx.conf", "subPath": "nginx.conf"}],
        readinessProbe={"httpGet": {"path": "/healthz"}, "periodSeconds": 1},
    )
    return {"image": "lab.local/nginx-v2:1", **template, **properties}


def statuses(deployed: ScratchStack, version: str, path: str, answering: str) -> set[int]:
    """Sends requests through the gateway, which this nginx answers, and returns what the version answered to them
    or to its copies."""
    count = 20
    for _ in range(count):
        answer = requests.get(
            f"{deployed.lab.gateway_url}{path}", headers={"Host": deployed.host}, timeout=10
        )
        assert answer.text.startswith(f"nginx {answering} "), answer.text
    give_up = time.monotonic() + LIMIT_SECONDS
    while len(logged := access_log(deployed.lab, deployed.service, version, path)) < count:
        assert time.monotonic() < give_up, f"{len(logged)} of {count} were logged"
        time.sleep(0.3)
    return {line["status"] for line in logged}


def requests_at(lab: Lab, namespace: str, store: str) -> Counter[str]:
    """How often the store saw each request; a request and its copies have the same id."""
    logs = lab.kubectl(
        "logs", f"--namespace={namespace}", f"deployment/{store}", f"--container={store}", "--tail=-1"
    )
    lines = (json.loads(line) for line in logs.splitlines() if line.startswith("{"))
    return Counter(line["x_request_id"] for line in lines if line["path"] == "/load")
