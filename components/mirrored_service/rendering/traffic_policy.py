"""Renders how proxies reach the pods of a version: for live requests, and for copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..description.subset import Subset
from ..description.traffic_policy import TrafficPolicy
from . import Manifest, copies


def of_live(policy: TrafficPolicy) -> Manifest:
    """What to add to the subset for live requests. Istio merges the rules of one host, and of those only one may
    have a policy for all of its subsets: so each subset has it."""
    return {"trafficPolicy": dict(policy.spec)} if policy.spec else {}


def of_copies(policy: TrafficPolicy, subset: Subset) -> Manifest:
    """What to add to the subset for copies: limits of their own, and TLS as live requests have it, which is how
    the same pods must be spoken to. The rest (balancing, sessions, ejection) is for live requests alone."""
    limits = copies.policy(subset.mirror_limits)
    found = {**limits, **_tls(policy.spec)}
    # A port with settings of its own inherits none, so the limits are said again.
    ports = [{"port": each["port"], **limits, **_tls(each)} for each in policy.by_port]
    if policy.tls_modes and ports:
        found["portLevelSettings"] = ports
    return {"trafficPolicy": found}


def _tls(policy: Mapping[str, Any]) -> Manifest:
    return {"tls": policy["tls"]} if "tls" in policy else {}
