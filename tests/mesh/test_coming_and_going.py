"""A service that runs already is taken over, and given back, without losing a request."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from lab import Lab
from lab.kit.client_pods import run_load_pod, run_pod
from lab.kit.load import Stream, from_pod, load, through_gateway
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import assert_nothing_lost
from tests.mesh.meanwhile import meanwhile

pytestmark = pytest.mark.thorough

V1 = {"image": "lab.local/nginx-v1:1", "weight": 100}
V2 = {"image": "lab.local/nginx-v2:1", "mirrorPercent": 100}

# What was there before: a Deployment and a Service of the same name, and a route from the gateway.
PLAIN = """
apiVersion: v1
kind: Namespace
metadata: {{name: {namespace}, labels: {{istio-injection: enabled}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: nginx, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: nginx}}}}
  template:
    metadata: {{labels: {{app: nginx}}}}
    spec:
      containers:
        - name: nginx
          image: lab.local/nginx-v1:1
          readinessProbe: {{httpGet: {{path: /healthz, port: 80}}, periodSeconds: 1}}
          lifecycle: {{preStop: {{sleep: {{seconds: 5}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: nginx, namespace: {namespace}}}
spec: {{selector: {{app: nginx}}, ports: [{{name: http, port: 80, targetPort: 80}}]}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: front, namespace: {namespace}}}
spec:
  selector: {{istio: ingressgateway}}
  servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: [{host}]}}]
"""
OWN_ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: own, namespace: {namespace}}}
spec:
  hosts: [{host}]
  gateways: [front]
  http:
    - match: [{{uri: {{prefix: /old/}}}}]
      rewrite: {{uri: /new/}}
      timeout: 5s
      route: [{{destination: {{host: nginx.{namespace}.svc.cluster.local}}}}]
    - corsPolicy: {{allowOrigins: [{{exact: "https://a.example"}}], allowMethods: [GET]}}
      headers: {{response: {{set: {{x-route: own}}}}}}
      route: [{{destination: {{host: nginx.{namespace}.svc.cluster.local}}}}]
"""
# The same for the stack, but for the mark, by which it is seen whose route a request took.
ROUTES: list[dict[str, Any]] = [
    {"match": [{"uri": {"prefix": "/old/"}}], "rewrite": {"uri": "/new/"}, "timeout": "5s"},
    {"corsPolicy": {"allowOrigins": [{"exact": "https://a.example"}], "allowMethods": ["GET"]}},
]


class Plain:
    """The service as it was, its stack, and load on it from everywhere."""

    def __init__(self, lab: Lab, deployed: ScratchStack) -> None:
        self.lab, self.deployed = lab, deployed
        names = {"namespace": deployed.namespace, "host": deployed.host}
        self.own_route = OWN_ROUTE.format(**names)
        lab.kubectl("apply", "--filename=-", input=PLAIN.format(**names) + "---" + self.own_route)
        deployed.kubectl("rollout", "status", "deployment/nginx", "--timeout=60s")
        run_load_pod(lab, deployed.namespace)
        run_pod(lab, deployed.namespace, "outside", "lab.local/vegeta:1", sidecar=False)
        self.streams: list[Stream] = [
            through_gateway(lab, deployed.host, rate=50),
            through_gateway(lab, deployed.host, rate=30, keep_alive=True),
            from_pod(deployed.namespace, "load", "http://nginx/load"),
            from_pod(deployed.namespace, "outside", "http://nginx/load"),
        ]

    def settings(self, **more: object) -> dict[str, object]:
        gateway = {"existing": f"{self.deployed.namespace}/front", "ownsHosts": True}
        return {"createNamespace": False, "gateway": gateway, "routes": ROUTES, **more}

    def asked(self, method: str) -> tuple[bool, bool]:
        """Did a request take the route that was there before, and is it answered as its CORS rule says?"""
        headers = {"Host": self.deployed.host, "Origin": "https://a.example"}
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, self.lab.gateway_url, headers=headers, timeout=60)
        allowed = answer.headers.get("Access-Control-Allow-Origin") == "https://a.example"
        return answer.headers.get("x-route") == "own", allowed

    @contextmanager
    def every_method_takes_one_route(self) -> Iterator[list[str]]:
        """Asks during the block; the list has whose route requests took, each change of it once."""
        odd: list[Any] = []
        routes: list[str] = []

        def ask() -> None:
            before, first, second, after = (self.asked(method) for method in ("GET", "POST", "GET", "POST"))
            # What changes meanwhile changes once, for all.
            if not (first[1] and second[1]) or (before == after and first != second):
                odd.append((before, first, second, after))
            whose = "own" if first[0] else "the stack's"
            if routes[-1:] != [whose]:
                routes.append(whose)

        with meanwhile(ask):
            yield routes
        assert odd == []

    def service(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.deployed.kubectl("get", "service/nginx", "--output=json"))
        return found

    def import_service(self, directory: Path) -> None:
        """The callers' Service becomes the stack's, as docs/changes.md says."""
        component = "mirrored-service:index:MirroredService"
        service = {
            "type": "kubernetes:core/v1:Service",
            "name": "nginx-callers",
            "id": f"{self.deployed.namespace}/nginx",
            "parent": "nginx",
        }
        file = directory / "import.json"
        file.write_text(
            json.dumps({"resources": [{"type": component, "name": "nginx", "component": True}, service]})
        )
        quiet = ("--protect=false", "--generate-code=false", "--skip-preview", "--yes")
        stack = self.deployed.stack
        stack.output("import", "--file", str(file), "--stack", stack.name, *quiet)


@pytest.fixture(scope="module")
def plain(lab: Lab, deploy: Callable[[], ScratchStack]) -> Plain:
    return Plain(lab, deploy())


def test_a_running_service_is_adopted_and_mirrored_without_losing_a_request(
    plain: Plain, tmp_path: Path
) -> None:
    address = plain.service()["spec"]["clusterIP"]
    plain.deployed.configure({"v1": V1, "v2": {**V2, "mirrorPercent": 0}}, **plain.settings())
    with load(plain.lab, plain.streams) as counted, plain.every_method_takes_one_route() as routes:
        # Until they end, a Service must lead to the pods that were there before.
        expose = ("--name=nginx-before", "--port=80", "--target-port=80")
        plain.deployed.kubectl("expose", "deployment", "nginx", *expose)
        plain.import_service(tmp_path)
        plain.deployed.stack.up()
        plain.deployed.kubectl("delete", "virtualservice/own")
        plain.deployed.kubectl("delete", "deployment/nginx", "--wait=true", "--cascade=foreground")
        plain.deployed.kubectl("delete", "service/nginx-before")
        plain.deployed.deploy({"v1": V1, "v2": V2}, **plain.settings())
    assert routes == ["own", "the stack's"]
    assert_nothing_lost(counted, {"v1"})
    assert plain.deployed.check().problems == []
    assert plain.service()["spec"]["selector"] == {"app": "nginx", "version": "v1"}
    assert plain.service()["spec"]["clusterIP"] == address


def test_the_stack_goes_and_the_live_version_stays_without_losing_a_request(plain: Plain) -> None:
    plain.deployed.deploy({"v1": V1, "v2": V2}, **plain.settings(keepOnDestroy=True))
    with load(plain.lab, plain.streams) as counted:
        plain.lab.kubectl("apply", "--filename=-", input=plain.own_route)
        plain.deployed.stack.destroy("--run-program")
    assert_nothing_lost(counted, {"v1"})
    kinds = "deployments,services,virtualservices,destinationrules"
    left = plain.deployed.kubectl("get", kinds, "--output=name").split()
    assert sorted(left) == [
        "deployment.apps/nginx-v1",
        "service/nginx",
        "virtualservice.networking.istio.io/own",
    ]
