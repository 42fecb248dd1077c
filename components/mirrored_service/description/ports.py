"""The ports of a service: those that are routed and mirrored, and those that lead to the live version only."""

from __future__ import annotations

from dataclasses import dataclass

FIRST = "app"  # what pods call the first port, whatever it is called in the Service

# What routes take a port's requests for, by its appProtocol.
ROUTED = {
    "http": "http",
    "http2": "http2",
    "grpc": "grpc",
    "grpc-web": "grpc",
    "kubernetes.io/h2c": "http2",
    "kubernetes.io/ws": "http",
}
# What Istio takes for connections, of which it knows no requests.
CONNECTIONS = ("tcp", "tls", "https", "mongo", "mysql", "redis", "kubernetes.io/wss")


@dataclass(frozen=True)
class Port:
    name: str
    number: int  # that callers use
    app_protocol: str | None  # None: of UDP, of which the mesh knows nothing
    transport: str  # TCP or UDP
    container_port: int  # where pods listen, unless their version says otherwise
    container_name: str  # what pods call it, by which their Services find it

    @property
    def protocol(self) -> str | None:
        """http, http2 or grpc; None: it is not routed."""
        return ROUTED.get(self.app_protocol) if self.app_protocol else None


def told_by_name(name: str) -> str | None:
    """The appProtocol that Istio reads from a port's name: all of it, or what is before the first hyphen; None:
    it would guess (ConvertProtocol in pkg/config/kube/conversion.go)."""
    if name.startswith("grpc-web"):
        return "grpc-web"
    first = name.split("-", 1)[0]
    return first if first in (*ROUTED, *CONNECTIONS) else None
