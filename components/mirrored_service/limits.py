"""Renders how much copies may take up in each proxy that makes them."""

from __future__ import annotations

from .objects import Manifest
from .subset import MirrorLimits, OutlierDetection


def policy(limits: MirrorLimits) -> Manifest:
    """Without a limit a shadow that hangs eats up the memory of the very proxies that live requests go through:
    some 40 kB a copy. With HTTP/2 it leaves their processors alone too: no TLS handshake for every copy that
    waits."""
    http: Manifest = {"http1MaxPendingRequests": limits.pending_requests, "http2MaxRequests": limits.requests}
    if limits.http2 is not None:
        http["h2UpgradePolicy"] = "UPGRADE" if limits.http2 else "DO_NOT_UPGRADE"
    if limits.requests_per_connection:
        http["maxRequestsPerConnection"] = limits.requests_per_connection
    found: Manifest = {"connectionPool": {"tcp": {"maxConnections": limits.connections}, "http": http}}
    if limits.outlier_detection:
        found["outlierDetection"] = _outlier_detection(limits.outlier_detection)
    return found


def _outlier_detection(detection: OutlierDetection) -> Manifest:
    return {
        "consecutive5xxErrors": detection.consecutive_errors,
        "interval": f"{detection.interval_seconds}s",
        "baseEjectionTime": f"{detection.ejection_seconds}s",
        "maxEjectionPercent": detection.max_ejection_percent,
    }
