"""What istiod says of the routes in Gateway API's words. Pure.

It says so as soon as it has read them, which is not when proxies have them; and it says why it does not take one.
"""

from __future__ import annotations

from collections.abc import Iterator

from .finding import DANGER, Finding, NotChecked
from .seen import Seen
from .subject import said

Findings = Iterator[Finding | NotChecked]


def route_conditions(seen: Seen) -> Findings:
    """Routes that nobody serves, or whose Services or Gateway are not there."""
    ours = seen.subject.of("HTTPRoute")
    if not ours:
        return
    for found in seen.here("HTTPRoute"):
        if not seen.subject.owns(found):
            continue
        parents = found.get("status", {}).get("parents") or ()
        if len(parents) < len(found["spec"].get("parentRefs") or ()):
            yield Finding(
                DANGER,
                f"{said(found)} is served by nobody",
                "no controller says anything of one of its parents: there is no such Gateway, or one of a class "
                "that is not Istio's",
                "make the Gateway, or name another one in gateway.existing",
            )
        for parent in parents:
            for condition in parent.get("conditions") or ():
                if condition.get("status") == "False":
                    parent_name = parent.get("parentRef", {}).get("name")
                    yield Finding(
                        DANGER,
                        f"{said(found)} at {parent_name}: {condition.get('type')} is False "
                        f"({condition.get('reason')})",
                        f"istiod says: {condition.get('message')}",
                        "what it names must be there and allowed; while a shadow is not up yet its Service for "
                        "copies is missing, and live requests do not mind",
                    )
