"""Where requests from outside the cluster enter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi


@dataclass(frozen=True)
class GatewayTls:
    credential_name: pulumi.Input[str]
    port: int
    redirect: bool


@dataclass(frozen=True)
class Gateway:
    existing: str | None
    delegate: bool  # the root VirtualService of the hosts' owner delegates to ours
    owns_hosts: bool  # as the user says: no other VirtualService has routes for the hosts
    selector: Mapping[str, str]
    port: int
    tls: GatewayTls | None  # None: HTTP only
    annotations: Mapping[str, str] = field(default_factory=dict)  # of one of Gateway API that is made

    @property
    def origin(self) -> tuple[str, int, int]:
        """Scheme and port of a URL that leads here, and the port that such a URL need not name."""
        return ("https", self.tls.port, 443) if self.tls else ("http", self.port, 80)
