"""Which service is judged: the objects that its config renders, or those that are in the cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...description.routes import MESH
from ...description.service import Service
from ...description.subset import COPIES
from ...plan import managed, plan
from ...rendering import known_routes

Object = Mapping[str, Any]
Key = tuple[str, str, str]  # kind, namespace, name

MANAGED_BY = "app.kubernetes.io/managed-by"
SERVICE = "app.kubernetes.io/name"


def key(found: Object) -> Key:
    metadata = found["metadata"]
    return found["kind"], metadata.get("namespace", ""), metadata["name"]


def said(found: Object) -> str:
    """An object, as the user would name it to kubectl."""
    kind, namespace, name = key(found)
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def bound_to(virtual_service: Object) -> list[str]:
    """Gateways as namespace/name, or "mesh". None of a delegate, which is bound to nothing itself."""
    if not virtual_service["spec"].get("hosts"):
        return []
    listed = virtual_service["spec"].get("gateways") or [MESH]
    own = key(virtual_service)[1]
    return [name if name == MESH or "/" in name else f"{own}/{name}" for name in listed]


def doors(virtual_service: Object) -> list[str]:
    """The gateways through which requests come in from outside."""
    return [name for name in bound_to(virtual_service) if name != MESH]


def labels(found: Object) -> Mapping[str, str]:
    return found["metadata"].get("labels") or {}


def is_ours(found: Object) -> bool:
    """Does the component say that it made the object, of whatever service?"""
    return labels(found).get(MANAGED_BY) == "mirrored-service"


@dataclass(frozen=True)
class Version:
    """A version, by what the mesh knows it by."""

    name: str
    selector: Mapping[str, str]  # of its pods
    template: Mapping[str, str] | None  # all labels of pods that the component makes; None: others make them
    live: bool


@dataclass(frozen=True)
class Subject:
    name: str
    namespace: str
    objects: Sequence[Object]
    configured: bool  # the objects are those of a config, and the cluster may have others
    settle_seconds: float | None = None  # None: not known
    secret: bool = False  # values in pods may be secret

    @cached_property
    def keys(self) -> frozenset[Key]:
        return frozenset(map(key, self.objects))

    def of(self, kind: str) -> list[Object]:
        return [found for found in self.objects if found["kind"] == kind]

    def owns(self, found: Object) -> bool:
        return key(found) in self.keys

    @cached_property
    def domain(self) -> str:
        """The cluster's, as the service's rules have it."""
        where = f".{self.namespace}.svc."
        hosts = [str(rule["spec"].get("host")) for rule in self.of("DestinationRule")]
        ours = (host.partition(where) for host in hosts if host.startswith(f"{self.name}-"))
        return next((domain for _, found, domain in ours if found), "cluster.local")

    @property
    def host(self) -> str:
        """What callers in the mesh use."""
        return f"{self.name}.{self.namespace}.svc.{self.domain}"

    @property
    def versions_host(self) -> str:
        """What only the routes use."""
        return f"{self.name}-versions.{self.namespace}.svc.{self.domain}"

    @property
    def routed_hosts(self) -> list[str]:
        """Where the routes lead: to subsets of one Service, or with Gateway API to a Service for each version and
        one for its copies."""
        if not self.of("HTTPRoute"):
            return [self.versions_host]
        where = f"{self.namespace}.svc.{self.domain}"
        return [
            f"{self.name}-{version.name}{end}.{where}" for version in self.versions for end in ("", COPIES)
        ]

    @cached_property
    def versions(self) -> tuple[Version, ...]:
        answering = {version for found in self.routes for version in known_routes.answering(found)}
        templates = {key(found)[2]: _template(found) for found in self.of("Deployment")}
        return tuple(
            Version(
                name,
                templates.get(f"{self.name}-{name}") or selector,
                templates.get(f"{self.name}-{name}"),
                name in answering,
            )
            for name, selector in self._selectors.items()
            if not name.endswith(COPIES)
        )

    @property
    def routes(self) -> list[Object]:
        """Whatever says the routes, in either API's words."""
        return [found for kind in known_routes.KINDS for found in self.of(kind)]

    @property
    def _selectors(self) -> dict[str, Mapping[str, str]]:
        """What tells the pods of each version: subsets, or with Gateway API Services."""
        found = {
            subset["name"]: subset.get("labels") or {}
            for rule in self.of("DestinationRule")
            if rule["spec"].get("host") == self.versions_host
            for subset in rule["spec"].get("subsets") or ()
        }
        for service in self.of("Service"):
            version = labels(service).get("version")
            if version and key(service)[2] == f"{self.name}-{version}":
                found.setdefault(version, service["spec"].get("selector") or {})
        return found


def _template(deployment: Object) -> Mapping[str, str]:
    found: Mapping[str, str] = deployment["spec"]["template"]["metadata"].get("labels") or {}
    return found


def of_config(described: Service, *, secret: bool = False) -> Subject:
    """The service as its config describes it; `secret`: some of it is one, so that values are not told."""
    # Of Gateways those of Istio are read; what becomes of one of Gateway API its routes' conditions tell.
    objects = [
        managed(step)
        for step in plan(described)
        if not (described.by_gateway_api and step.manifest["kind"] == "Gateway")
    ]
    return Subject(
        described.name,
        described.namespace,
        objects,
        configured=True,
        settle_seconds=described.settle_seconds,
        secret=secret,
    )


def in_cluster(name: str, namespace: str, found: Iterable[Object]) -> Subject:
    """The service as the cluster has it: by the labels that the component gives its objects."""
    ours = [
        each
        for each in found
        if is_ours(each) and labels(each).get(SERVICE) == name and key(each)[1] == namespace
    ]
    return Subject(name, namespace, ours, configured=False)
