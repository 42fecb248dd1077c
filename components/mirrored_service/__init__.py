"""Mirror live traffic to a shadow version with Istio, without a user ever seeing it."""

from .args import (
    AccessLogArgs,
    EmptyDirArgs,
    GatewayArgs,
    MirroredServiceArgs,
    MirrorLimitsArgs,
    MirrorMatchArgs,
    MirrorTarget,
    MountArgs,
    NetworkPolicyArgs,
    OutlierDetectionArgs,
    ProbeArgs,
    ResourcesArgs,
    RolloutArgs,
    SecretKeyArgs,
    ShadowIsolationArgs,
    StopArgs,
    SubsetArgs,
    TolerationArgs,
    WorkloadArgs,
)
from .component import MirroredService
from .validation import InvalidArgsError

__all__ = [
    "AccessLogArgs",
    "EmptyDirArgs",
    "GatewayArgs",
    "InvalidArgsError",
    "MirrorLimitsArgs",
    "MirrorMatchArgs",
    "MirrorTarget",
    "MirroredService",
    "MirroredServiceArgs",
    "MountArgs",
    "NetworkPolicyArgs",
    "OutlierDetectionArgs",
    "ProbeArgs",
    "ResourcesArgs",
    "RolloutArgs",
    "SecretKeyArgs",
    "ShadowIsolationArgs",
    "StopArgs",
    "SubsetArgs",
    "TolerationArgs",
    "WorkloadArgs",
]
