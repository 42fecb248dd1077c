"""Mirror live traffic to a shadow version with Istio, without a user ever seeing it."""

from .args import (
    AccessLogArgs,
    GatewayArgs,
    MirroredServiceArgs,
    MirrorMatchArgs,
    MirrorTarget,
    ProbeArgs,
    ResourcesArgs,
    RolloutArgs,
    StopArgs,
    SubsetArgs,
)
from .component import MirroredService
from .validation import InvalidArgsError

__all__ = [
    "AccessLogArgs",
    "GatewayArgs",
    "InvalidArgsError",
    "MirrorMatchArgs",
    "MirrorTarget",
    "MirroredService",
    "MirroredServiceArgs",
    "ProbeArgs",
    "ResourcesArgs",
    "RolloutArgs",
    "StopArgs",
    "SubsetArgs",
]
