"""Which requests are copied, and how much the copies may take up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# A request with one of these rarely has a body. Without a Content-Length no route can tell: Envoy takes away
# transfer-encoding before it chooses one, and HTTP/2 has none.
BODILESS_METHODS = ("GET", "HEAD", "OPTIONS", "DELETE", "TRACE")
UPLOADING_METHODS = ("POST", "PUT", "PATCH", "*")


@dataclass(frozen=True)
class MirrorMatch:
    """Which requests are copied: those with one of the methods, one of the paths and all of the headers, if their
    body is not too large."""

    methods: tuple[str, ...]  # ("*",): all
    paths: tuple[str, ...]  # with "*" at the end: all that start so. (): all
    headers: Mapping[str, str]  # names in small letters; "*": any value
    max_body_bytes: int | None  # None: any size
    grpc_calls: bool | None = None  # None: as other requests with POST

    def of(self, protocol: str | None) -> MirrorMatch | None:
        """Which requests of a port with this protocol are copied; None: none. Every gRPC call is a POST, whatever
        it does, and none says how large it is."""
        if protocol != "grpc":
            return self
        asked = bool({"*", "POST"} & set(self.methods)) if self.grpc_calls is None else self.grpc_calls
        return replace(self, methods=("*",), max_body_bytes=None) if asked else None

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
class OutlierDetection:
    consecutive_errors: int
    interval_seconds: int
    ejection_seconds: int
    max_ejection_percent: int


@dataclass(frozen=True)
class MirrorLimits:
    connections: int
    pending_requests: int
    requests: int
    requests_per_connection: int | None
    http2: bool | None  # None: the mesh decides
    outlier_detection: OutlierDetection | None


def shares(percent: float) -> list[float]:
    """The percentages of the mirrors of one target: Istio takes at most 100 for one, so 250 is 100, 100, 50."""
    full, rest = divmod(percent, 100)
    rest = round(rest, 4)
    return [100] * int(full) + ([int(rest) if rest == int(rest) else rest] if rest else [])


def _covers(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern
