"""A service as a whole. Made by `reading.service.parse` alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .answer_digests import AnswerDigests
from .copies import MirrorMatch
from .entry import Gateway
from .mirror_headers import MirrorHeaders
from .mirror_to import MirrorTo
from .more_services import MoreService
from .ports import Port
from .routes import Route
from .subset import Subset
from .traffic_policy import TrafficPolicy

# Whose words say the routes.
ISTIO_API, GATEWAY_API = "istio", "gateway"


@dataclass(frozen=True)
class AccessLog:
    providers: tuple[str, ...]  # none: the mesh's own log, and no Telemetry


@dataclass(frozen=True)
class Service:
    name: str
    namespace: str
    create_namespace: bool
    namespace_labels: Mapping[str, str]  # of the one that is created
    cluster_domain: str
    api: str  # whose words say the routes: istio or gateway
    ports: tuple[Port, ...]
    hosts: tuple[str, ...]  # none: callers inside the mesh only, or a delegate
    gateway: Gateway
    routes: tuple[Route, ...]  # in order; the last one may be for everything
    labels: Mapping[str, str]  # of every object, besides its own
    annotations: Mapping[str, str]
    subsets: tuple[Subset, ...]  # by name, so that the order in which they were written changes nothing
    disruption_budget: (
        Mapping[str, Any] | None
    )  # as Kubernetes' PodDisruptionBudgetSpec, without its selector
    traffic_policy: TrafficPolicy
    more_services: tuple[MoreService, ...]
    mirror_match: MirrorMatch
    mirror_headers: MirrorHeaders | None  # None: copies are as the requests
    access_log: AccessLog
    answer_digests: AnswerDigests | None  # None: nothing is said of answers
    mirror_to: MirrorTo | None
    settle_seconds: float
    keep_on_destroy: bool
    requests_per_second: float  # as the user expects them; 0: not stated

    @property
    def by_gateway_api(self) -> bool:
        """Are the routes HTTPRoutes?"""
        return self.api == GATEWAY_API

    @property
    def routed(self) -> list[Port]:
        """The ports whose requests are routed and copied, each by its protocol."""
        return [port for port in self.ports if port.protocol]

    @property
    def port(self) -> Port:
        """The port that requests from outside, and from other stacks, are for: the first that is routed."""
        return self.routed[0]

    def container_port(self, subset: Subset, port: Port) -> int:
        """Where the pods of a version listen for requests to a port."""
        return subset.container_port if port is self.ports[0] else subset.container_ports[port.name]

    @property
    def live(self) -> list[Subset]:
        return [subset for subset in self.subsets if subset.live]

    @property
    def shadows(self) -> list[Subset]:
        return [subset for subset in self.subsets if subset.shadow]

    @property
    def run_by_others(self) -> list[Subset]:
        return [subset for subset in self.subsets if subset.run_by_others]

    @property
    def copies(self) -> bool:
        """Is anything copied?"""
        return bool(self.shadows) or (self.mirror_to is not None and self.mirror_to.percent > 0)

    @property
    def copied_methods(self) -> tuple[str, ...]:
        """Which requests are copied, as a comparison of logs needs it. A gRPC call is a POST, but next to ports
        for HTTP a POST in a log may be a request of theirs, of which there is no copy."""
        protocols = {port.protocol for port in self.routed}
        wanted = self.mirror_match.of("grpc") if protocols == {"grpc"} else None
        return (wanted or self.mirror_match).methods

    @property
    def entered(self) -> bool:
        """Do requests come in through a gateway?"""
        return bool(self.hosts) or self.gateway.delegate

    @property
    def gateway_routes(self) -> list[Route]:
        """The routes as they are at the gateway."""
        return [route for each in self.routes if (route := each.through_gateway())]

    def mesh_routes(self, port: Port) -> list[Route]:
        """The routes as they are for callers of a port inside the mesh."""
        there = [route.inside_mesh() for route in self.routes]
        if len(self.routed) == 1:
            # For any number: callers may use another one under another name.
            return _until_everything(there)
        return _until_everything([route for each in there if (route := each.at(port.number))])

    @property
    def main(self) -> Subset:
        """The live subset with the largest weight; of equals, the first by name."""
        return max(self.live, key=lambda subset: subset.weight)

    def contained(self, subset: Subset) -> bool:
        """Is there anything that holds for the version only while it is not live?"""
        return subset.shadow_isolation is not None or self.mirror_headers is not None

    def version_name(self, subset: Subset) -> str:
        """What the objects of one version are called. It goes by version, never by role."""
        return f"{self.name}-{subset.name}"

    def copies_name(self, subset: Subset) -> str:
        """The Service that a version gets copies through, where the routes are in Gateway API's words."""
        return f"{self.name}-{subset.copies_name}"

    def version_labels(self, subset: Subset) -> dict[str, str]:
        return {"app": self.name, "version": subset.name}

    def pod_labels(self, subset: Subset) -> dict[str, str]:
        """What the pods of a version are selected by."""
        return dict(subset.pod_labels) or self.version_labels(subset)

    @property
    def mesh_selector(self) -> dict[str, str]:
        """What the pods of all versions have in common."""
        first, *rest = (self.pod_labels(subset).items() for subset in self.subsets)
        shared = (
            dict(first)
            if not rest
            else {name: value for name, value in first if all((name, value) in x for x in rest)}
        )
        own = {"app": self.name}
        # As long as the name alone will do, a version that comes or goes does not change the Service.
        return own if own.items() <= shared.items() else shared

    def account(self, subset: Subset) -> str:
        """The ServiceAccount of a version's pods: what others recognise it by."""
        made = self.version_name(subset) if subset.shadow_isolation else "default"
        return subset.service_account or made

    @property
    def host(self) -> str:
        """The name callers inside the cluster use."""
        return self.full_name(self.name)

    def full_name(self, name: str) -> str:
        """What the mesh calls a Service of the namespace."""
        return f"{name}.{self.namespace}.svc.{self.cluster_domain}"

    @property
    def mesh_hosts(self) -> list[str]:
        """The names whose callers inside the mesh the routes are for."""
        more = [each.name for each in self.more_services if each.is_routed_like(self.routed)]
        return [self.full_name(name) for name in (self.name, *more)]

    @property
    def versions_name(self) -> str:
        return f"{self.name}-versions"

    @property
    def versions_host(self) -> str:
        """The name only the mesh's routes use: every version is behind it."""
        return self.full_name(self.versions_name)

    def urls(self) -> list[str]:
        """Where the service is reached through its own gateway; a wildcard host has no URL."""
        if self.gateway.existing:
            return []
        scheme, port, usual = self.gateway.origin
        suffix = "" if port == usual else f":{port}"
        return [f"{scheme}://{host}{suffix}/" for host in self.hosts if "*" not in host]


def _until_everything(routes: list[Route]) -> list[Route]:
    """Without those that no request gets to, of which Istio warns: as a route may be for callers inside the mesh
    alone, one for all of their requests need not be the last."""
    ends = next((place for place, route in enumerate(routes) if route.takes_every_path), len(routes))
    return routes[: ends + 1]
