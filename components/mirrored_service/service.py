"""The checked and complete description of a service, which the manifests are rendered from.

Made by `model.parse` alone; frozen, so that what was checked stays true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from .subset import MirrorLimits, Subset


@dataclass(frozen=True)
class GatewayTls:
    credential_name: pulumi.Input[str]
    port: int
    redirect: bool


@dataclass(frozen=True)
class Gateway:
    existing: str | None
    selector: Mapping[str, str]
    port: int
    tls: GatewayTls | None  # None: HTTP only

    @property
    def origin(self) -> tuple[str, int, int]:
        """Scheme and port of a URL that leads here, and the port that such a URL need not name."""
        return ("https", self.tls.port, 443) if self.tls else ("http", self.port, 80)


@dataclass(frozen=True)
class MirrorMatch:
    """Which requests are copied: those with one of the methods, one of the paths and all of the headers, if their
    body is not too large."""

    methods: tuple[str, ...]  # ("*",): all
    paths: tuple[str, ...]  # with "*" at the end: all that start so. (): all
    headers: Mapping[str, str]  # names in small letters; "*": any value
    max_body_bytes: int | None  # None: any size

    @property
    def every_method(self) -> bool:
        return self.methods == ("*",)

    @property
    def everything(self) -> bool:
        return self.every_method and not self.paths and not self.headers and self.max_body_bytes is None

    def copies_get_of(self, path: str) -> bool:
        """Is a GET of this path copied that has no headers of its own?"""
        method = self.every_method or "GET" in self.methods
        return method and not self.headers and (not self.paths or any(_covers(p, path) for p in self.paths))


@dataclass(frozen=True)
class AccessLog:
    providers: tuple[str, ...]  # none: the mesh's own log, and no Telemetry


@dataclass(frozen=True)
class MirrorToTls:
    mode: str
    ca_certificates: str | None


@dataclass(frozen=True)
class MirrorTo:
    host: pulumi.Input[str]
    port: pulumi.Input[int]
    percent: float
    tls: MirrorToTls | None
    mirror_limits: MirrorLimits


@dataclass(frozen=True)
class Service:
    name: str
    namespace: str
    create_namespace: bool
    port: int
    protocol: str
    hosts: tuple[str, ...]
    gateway: Gateway
    labels: Mapping[str, str]  # of every object, besides its own
    annotations: Mapping[str, str]
    subsets: tuple[Subset, ...]  # by name, so that the order in which they were written changes nothing
    mirror_match: MirrorMatch
    access_log: AccessLog
    mirror_to: MirrorTo | None
    settle_seconds: float
    keep_on_destroy: bool
    requests_per_second: float  # as the user expects them; 0: not stated

    @property
    def live(self) -> list[Subset]:
        return [subset for subset in self.subsets if subset.live]

    @property
    def shadows(self) -> list[Subset]:
        return [subset for subset in self.subsets if subset.shadow]

    @property
    def foreign(self) -> list[Subset]:
        return [subset for subset in self.subsets if subset.foreign]

    @property
    def copies(self) -> bool:
        """Is anything copied?"""
        return bool(self.shadows) or (self.mirror_to is not None and self.mirror_to.percent > 0)

    @property
    def main(self) -> Subset:
        """The live subset with the largest weight; of equals, the first by name."""
        return max(self.live, key=lambda subset: subset.weight)

    def account(self, subset: Subset) -> str:
        """The ServiceAccount of a version's pods: what others recognise it by."""
        made = f"{self.name}-{subset.name}" if subset.shadow_isolation else "default"
        return subset.service_account or made

    @property
    def host(self) -> str:
        """The name callers inside the cluster use."""
        return f"{self.name}.{self.namespace}.svc.cluster.local"

    @property
    def versions_name(self) -> str:
        return f"{self.name}-versions"

    @property
    def versions_host(self) -> str:
        """The name only the mesh's routes use: every version is behind it."""
        return f"{self.versions_name}.{self.namespace}.svc.cluster.local"

    def urls(self) -> list[str]:
        """Where the service is reached through its own gateway; a wildcard host has no URL."""
        if self.gateway.existing:
            return []
        scheme, port, usual = self.gateway.origin
        suffix = "" if port == usual else f":{port}"
        return [f"{scheme}://{host}{suffix}/" for host in self.hosts if "*" not in host]


def _covers(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern
