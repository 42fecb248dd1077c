"""Reads a cluster with kubectl: with the access, and the credentials plugins, that its user has every day."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .kill_switch import cluster
from .kill_switch.commands import run
from .kill_switch.errors import CommandError

Object = dict[str, Any]

AT_ONCE = 4
# By kind: what kubectl is asked for, with the group where names of several groups meet.
RESOURCES = {
    **cluster.RESOURCES,
    "AuthorizationPolicy": "authorizationpolicies.security.istio.io",
    "ConfigMap": "configmaps",
    "Deployment": "deployments.apps",
    "DestinationRule": "destinationrules.networking.istio.io",
    "EnvoyFilter": "envoyfilters.networking.istio.io",
    "Event": "events",
    "Gateway": "gateways.networking.istio.io",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers.autoscaling",
    "Ingress": "ingresses.networking.k8s.io",
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "Namespace": "namespaces",
    "NetworkPolicy": "networkpolicies.networking.k8s.io",
    "PeerAuthentication": "peerauthentications.security.istio.io",
    "Pod": "pods",
    "PodDisruptionBudget": "poddisruptionbudgets.policy",
    "RequestAuthentication": "requestauthentications.security.istio.io",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "ServiceEntry": "serviceentries.networking.istio.io",
    "Sidecar": "sidecars.networking.istio.io",
    "Telemetry": "telemetries.telemetry.istio.io",
    "TrafficExtension": "trafficextensions.extensions.istio.io",
}


class Kubectl:
    """kubectl with the options that choose the cluster."""

    def __init__(self, access: Sequence[str] = ()) -> None:
        self._command = ("kubectl", *access)

    def lists(self, kinds: Iterable[str], *where: str) -> tuple[dict[str, list[Object]], dict[str, str]]:
        """The objects of these kinds, by kind; and for those that could not be read, why. A kind that the cluster
        does not have has no objects.

        `where` are kubectl's options for which: --namespace, --all-namespaces, a selector.
        """
        wanted = list(kinds)
        try:
            return self._list(wanted, where), {}
        except CommandError as problem:
            if len(wanted) == 1:
                return (
                    ({wanted[0]: []}, {})
                    if cluster.NOT_THERE in str(problem)
                    else ({}, {wanted[0]: _why(problem)})
                )
        # One by one, to know which of them it was.
        with ThreadPoolExecutor(AT_ONCE) as pool:
            parts = list(pool.map(lambda kind: self.lists([kind], *where), wanted))
        found = {kind: items for part, _ in parts for kind, items in part.items()}
        return found, {kind: why for _, part in parts for kind, why in part.items()}

    def object(self, kind: str, name: str, *where: str) -> Object | None:
        """One object; None: there is none."""
        text = self.run("get", RESOURCES[kind], name, "--ignore-not-found", "--output=json", *where)
        found: Object | None = json.loads(text) if text.strip() else None
        return found

    def create(self, asked: Sequence[Mapping[str, Any]]) -> list[Object]:
        """What the API server makes of objects that are questions to it, such as reviews of access."""
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(asked)})
        return list(_each(self.run("create", "--filename=-", "--output=json", given=given)))

    def run(self, *arguments: str, given: str | None = None) -> str:
        return run(*self._command, *arguments, given=given)

    def _list(self, kinds: Sequence[str], where: Sequence[str]) -> dict[str, list[Object]]:
        resources = ",".join(RESOURCES[kind] for kind in kinds)
        text = self.run("get", resources, "--output=json", "--show-managed-fields", *where)
        found: dict[str, list[Object]] = {kind: [] for kind in kinds}
        for item in json.loads(text)["items"]:
            found[item["kind"]].append(item)
        return found


def _each(text: str) -> Iterator[Object]:
    """kubectl prints what it makes one object after the other."""
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        found, end = decoder.raw_decode(rest)
        yield found
        rest = rest[end:].lstrip()


def _why(problem: CommandError) -> str:
    """kubectl's own words: the last line, which says what went wrong."""
    lines = [line for line in str(problem).splitlines() if line.strip()]
    return lines[-1].partition("Error from server ")[2].strip() or lines[-1]
