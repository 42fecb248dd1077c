"""Decides how requests to a port are told apart, and what becomes of each kind, before either API's words for it.

A condition, and what else holds, is in Istio's words, as the user's routes are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ..description.copies import shares
from ..description.ports import Port
from ..description.routes import Match, Route
from ..description.service import Service
from ..description.subset import Subset
from . import copies
from .matches import combined


@dataclass(frozen=True)
class Rule:
    """Some requests. Of several rules that take a request, the first one is meant."""

    matches: tuple[Match, ...]  # any of which is enough; (): every request
    route: Route  # of the user's, which they are part of
    copied: bool

    @property
    def rest(self) -> Mapping[str, Any]:
        """What holds for them, but for who answers and who gets copies."""
        return self.route.rest


def rules(service: Service, port: Port, described: Iterable[Route]) -> list[Rule]:
    """The rules for these routes, in order, for requests to a port."""
    return list(chain.from_iterable(_of_route(service, port, route) for route in described))


def mirrors(service: Service, port: Port) -> list[tuple[Subset | None, float]]:
    """Who gets copies of a request that is copied, and how many in a hundred; None: the service of another
    environment. One above 100 % is there more than once."""
    found: list[tuple[Subset | None, float]] = [
        (subset, share) for subset in service.shadows for share in subset.mirror_shares()
    ]
    # The other service has one port.
    if service.mirror_to and port is service.port:
        found += [(None, share) for share in shares(service.mirror_to.percent)]
    return found


def _of_route(service: Service, port: Port, route: Route) -> list[Rule]:
    """A route of the description: for the requests that are copied first, then for all others the same without
    mirrors. Both answer alike, whatever is copied."""
    plain = Rule(route.matches, route, copied=False)
    wanted = service.mirror_match.of(port.protocol)
    if route.answers_itself or not route.copied or wanted is None or not mirrors(service, port):
        return [plain]
    both = combined(route.matches, [{}] if wanted.everything else copies.matches(wanted))
    if both == [{}]:
        return [Rule((), route, copied=True)]
    if not both:
        return [plain]
    copied = Rule(tuple(both), route, copied=True)
    if not route.matches:
        return [copied, plain]
    # Istio warns of a match that stands before already.
    left = tuple(match for match in route.matches if match not in both)
    return [copied, Rule(left, route, copied=False)] if left else [copied]
