"""Asks the lab's API server what it thinks of objects: a server-side dry run, with the schema taken strictly.

Nothing is stored. Istio's validating webhook and its sidecar injector take part in dry runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
import yaml
from requests.adapters import HTTPAdapter

from lab import Lab
from mirrored_service.description.service import Service
from mirrored_service.plan import plan
from mirrored_service.rendering import Manifest

_COLLECTIONS = {
    "Namespace": "/api/v1/namespaces",
    "Service": "/api/v1/namespaces/{}/services",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "ServiceEntry": "/apis/networking.istio.io/v1/namespaces/{}/serviceentries",
    "DestinationRule": "/apis/networking.istio.io/v1/namespaces/{}/destinationrules",
    "EnvoyFilter": "/apis/networking.istio.io/v1alpha3/namespaces/{}/envoyfilters",
    "Gateway": "/apis/networking.istio.io/v1/namespaces/{}/gateways",
    "Telemetry": "/apis/telemetry.istio.io/v1/namespaces/{}/telemetries",
    "TrafficExtension": "/apis/extensions.istio.io/v1alpha1/namespaces/{}/trafficextensions",
    "HTTPRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes",
    "VirtualService": "/apis/networking.istio.io/v1/namespaces/{}/virtualservices",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Sidecar": "/apis/networking.istio.io/v1/namespaces/{}/sidecars",
    "AuthorizationPolicy": "/apis/security.istio.io/v1/namespaces/{}/authorizationpolicies",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
}
_AT_ONCE = 4
_STRICT = {"dryRun": "All", "fieldManager": "fuzz", "fieldValidation": "Strict"}
# What the server takes but finds odd, it says in this header.
_WARNING = "Warning"
# Istio's webhook finds every one of these odd.
_ALWAYS_WARNED_OF = ("EnvoyFilter",)


class Judge:
    """The API server, and the namespace (with sidecar injection) that objects would be created in."""

    def __init__(self, lab: Lab, namespace: str) -> None:
        self.namespace = namespace
        access = yaml.safe_load(lab.kubeconfig.read_text())
        self._server = access["clusters"][0]["cluster"]["server"]
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(lab.layout.authority)
        self._session.headers["Authorization"] = f"Bearer {access['users'][0]['user']['token']}"
        self._session.mount("https://", HTTPAdapter(pool_maxsize=_AT_ONCE))
        self._threads = ThreadPoolExecutor(_AT_ONCE)

    def close(self) -> None:
        self._threads.shutdown()
        self._session.close()

    def refusals(self, objects: Iterable[Manifest]) -> list[str]:
        """What the server would refuse, or warn of, each with its reason."""
        return [said for said in self._threads.map(self._ask, objects) if said]

    def _ask(self, manifest: Manifest) -> str:
        kind = manifest["kind"]
        metadata = dict(manifest["metadata"])
        if "namespace" in metadata:
            # The object's own does not exist; nothing in a dry run could create it.
            metadata["namespace"] = self.namespace
        answer = self._session.post(
            self._server + _collection(manifest).format(self.namespace),
            params=_STRICT,
            data=json.dumps({**manifest, "metadata": metadata}),
            headers={"Content-Type": "application/json"},
            timeout=30,
        )
        if not answer.ok:
            return f"{kind} {metadata['name']}: {answer.json().get('message', answer.text)}"
        warning = "" if kind in _ALWAYS_WARNED_OF else answer.headers.get(_WARNING)
        return f"{kind} {metadata['name']}: {warning}" if warning else ""


def _collection(manifest: Manifest) -> str:
    found = _COLLECTIONS[manifest["kind"]]
    # Two APIs have a kind called Gateway.
    return found.replace("/networking.istio.io/v1/", f"/{manifest['apiVersion']}/")


def rendered(service: Service) -> list[Manifest]:
    """Every object of a service; and, as a Deployment's pods are not checked with it, a pod of each version."""
    objects = [step.manifest for step in plan(service)]
    return [*objects, *(_pod(made) for made in objects if made["kind"] == "Deployment")]


def _pod(deployment: Manifest) -> dict[str, Any]:
    template = deployment["spec"]["template"]
    metadata = {**template["metadata"], "name": "fuzz", "namespace": deployment["metadata"]["namespace"]}
    # The account does not exist in a dry run, and the pod would be refused for it. The Deployment has its name.
    spec = {key: value for key, value in template["spec"].items() if key != "serviceAccountName"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
