"""The service of another environment that copies go to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import pulumi

from .copies import MirrorLimits

# What the target's objects are called after; a version of that name would have the same rule.
SUFFIX = "mirror-to"


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


def is_address(host: str) -> bool:
    """Is it an IPv4 address, and no name?"""
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
