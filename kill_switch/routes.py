"""What a service's routes copy, and the same routes without copies. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Route = dict[str, Any]

COPIES = "-copies"  # ends the name of the subset that a version gets copies through
MIRRORS = ("mirrors", "mirror", "mirrorPercentage")


def names(service: str) -> tuple[str, str]:
    """The VirtualServices of a service: for what comes through the gateway, and from inside the mesh."""
    return f"{service}-vs", f"{service}-mesh"


def copied_to(routes: Iterable[Route]) -> list[tuple[str, str]]:
    """Host and subset of whatever gets copies; the subset is empty where the route names none."""
    mirrors = [
        mirror
        for route in routes
        for mirror in [
            *(mirror["destination"] for mirror in route.get("mirrors", [])),
            *([route["mirror"]] if "mirror" in route else []),
        ]
    ]
    return sorted({(mirror["host"], mirror.get("subset", "")) for mirror in mirrors})


def without_copies(routes: list[Route]) -> list[Route]:
    """The same routes to the same live versions.

    Where requests were told apart only to copy some of them, one route for all is left: what `pulumi up` makes of
    percentages of 0, so that it has nothing to change afterwards.
    """
    plain = [{key: route[key] for key in route if key not in MIRRORS} for route in routes]
    unmatched = [{key: route[key] for key in route if key != "match"} for route in plain]
    last = plain[-1:]
    return last if last and all(route == last[0] for route in unmatched) else plain
