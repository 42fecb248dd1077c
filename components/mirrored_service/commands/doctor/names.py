"""Host names of the mesh. Pure."""

from __future__ import annotations


def full(host: str, namespace: str, domain: str) -> str:
    """What a host name means in an object of this namespace: Istio completes names without a dot."""
    return host if "." in host or host == "*" else f"{host}.{namespace}.svc.{domain}"


def covers(pattern: str, host: str) -> bool:
    """Is the host, which may be a pattern too, among those that the pattern stands for?"""
    if not pattern.startswith("*"):
        return pattern == host
    return host.lstrip("*").endswith(pattern[1:])


def meet(one: str, other: str) -> bool:
    return covers(one, other) or covers(other, one)
