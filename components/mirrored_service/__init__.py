"""Mirror live traffic to a shadow version with Istio, without a user ever seeing it."""

from .args import (
    AccessLogArgs,
    GatewayArgs,
    GatewayTlsArgs,
    MirroredServiceArgs,
    MirrorHeadersArgs,
    MirrorLimitsArgs,
    MirrorMatchArgs,
    MirrorTarget,
    MirrorToArgs,
    MirrorToTlsArgs,
    NetworkPolicyArgs,
    OutlierDetectionArgs,
    ResourcesArgs,
    RolloutArgs,
    ShadowIsolationArgs,
    StopArgs,
    SubsetArgs,
    WorkloadArgs,
)
from .component import MirroredService
from .plan import render
from .reading.fields import InvalidArgsError

__all__ = [
    "AccessLogArgs",
    "GatewayArgs",
    "GatewayTlsArgs",
    "InvalidArgsError",
    "MirrorHeadersArgs",
    "MirrorLimitsArgs",
    "MirrorMatchArgs",
    "MirrorTarget",
    "MirrorToArgs",
    "MirrorToTlsArgs",
    "MirroredService",
    "MirroredServiceArgs",
    "NetworkPolicyArgs",
    "OutlierDetectionArgs",
    "ResourcesArgs",
    "RolloutArgs",
    "ShadowIsolationArgs",
    "StopArgs",
    "SubsetArgs",
    "WorkloadArgs",
    "render",
]
