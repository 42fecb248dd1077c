"""How requests are told apart, and what holds for each kind: Istio's HTTPRoutes, in Istio's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Match = Mapping[str, Any]  # Istio's HTTPMatchRequest: everything in it must be true of a request

MESH = "mesh"  # what Istio calls the proxies of callers inside the mesh, as if that was a gateway
# What says which callers' proxies have the match at all; no property of a request.
_OF_PROXIES = ("gateways", "port", "sourceLabels", "sourceNamespace")
_OF_REQUESTS = ("authority", "headers", "method", "queryParams", "scheme", "withoutHeaders")


@dataclass(frozen=True)
class Route:
    matches: tuple[Match, ...]  # any of which is enough; (): every request
    rest: Mapping[str, Any]  # what else an HTTPRoute says, but for destinations and mirrors
    copied: bool

    @property
    def answers_itself(self) -> bool:
        """Does the caller's proxy answer, so that no version is asked?"""
        return "redirect" in self.rest or "directResponse" in self.rest

    def through_gateway(self) -> Route | None:
        """The route as it is at the gateway; None: it is for callers inside the mesh only."""
        if not self.matches:
            return self
        left = tuple(match for match in self.matches if MESH not in match.get("gateways", ()))
        return Route(left, self.rest, self.copied) if left else None

    def inside_mesh(self) -> Route:
        """The route as it is for callers inside the mesh."""
        plain = tuple({key: match[key] for key in match if key != "gateways"} for match in self.matches)
        # Istio wants no empty match; a route without one takes everything.
        return Route(plain if all(plain) else (), self.rest, self.copied)

    def at(self, port: int) -> Route | None:
        """The route as it is for callers of one port of several; None: it is for others only."""
        there = [match for match in self.matches or ({},) if match.get("port", port) == port]
        return (
            Route(tuple({**match, "port": port} for match in there), self.rest, self.copied)
            if there
            else None
        )

    @property
    def takes_every_path(self) -> bool:
        """Does it take every request of a port, as a route for callers inside the mesh?"""
        return not self.matches or any(set(match) <= {"name", "port", "statPrefix"} for match in self.matches)

    @property
    def catches_all(self) -> bool:
        """Does it take every path, and is known to Istio as such?"""
        return not self.matches or any(catches_all(match) for match in self.matches)

    @property
    def is_last(self) -> bool:
        """Does no request get beyond it, of whatever caller?"""
        return not self.matches or any(
            catches_all(match) and not any(key in match for key in _OF_PROXIES) for match in self.matches
        )


EVERYTHING = Route((), {}, True)


def catches_all(match: Match) -> bool:
    """Is it what Istio takes for a match of everything? It puts such routes behind those of all other
    VirtualServices of the host, and no others (IsCatchAllRoute in pilot/pkg/networking/core/route/route.go)."""
    every_path = match.get("uri") in (None, {}, {"prefix": "/"}, {"regex": ".*"})
    return every_path and not any(match.get(key) for key in _OF_REQUESTS)
