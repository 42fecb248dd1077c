"""What else holds for the pods: accounts, policies, Sidecars. It stays, if it holds for the stack's too. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..doctor.selectors import by_labels, by_selector
from ..doctor.subject import Object, key, said
from .row import CANNOT, STAYS, Row
from .running import Running
from .world import World

_Selector = Mapping[str, Any] | None


def _match_labels(found: Object) -> _Selector:
    return (found["spec"].get("selector") or {}).get("matchLabels")


# By kind: what it selects pods by. None: all pods of its namespace.
_SELECTORS: dict[str, Callable[[Object], _Selector]] = {
    "AuthorizationPolicy": _match_labels,
    "EnvoyFilter": lambda found: (found["spec"].get("workloadSelector") or {}).get("labels"),
    "PeerAuthentication": _match_labels,
    "RequestAuthentication": _match_labels,
    "Sidecar": lambda found: (found["spec"].get("workloadSelector") or {}).get("labels"),
    "Telemetry": _match_labels,
}


def read(world: World, running: Running, pods: Mapping[str, str], account: str) -> Iterator[Row]:
    """`pods`: the labels that the stack's pods have; `account`: their ServiceAccount."""
    for kind, selector_of in _SELECTORS.items():
        for found in world.of(kind, running.namespace):
            selector = selector_of(found)
            holds = [not selector or by_labels(selector, labels) for labels in (running.pods, pods)]
            yield from _rows(found, *holds)
    for found in world.of("NetworkPolicy", running.namespace):
        selects = found["spec"].get("podSelector") or {}
        yield from _rows(found, by_selector(selects, running.pods), by_selector(selects, pods))
    for kind in ("Ingress", "HTTPRoute"):
        for found in world.of(kind, running.namespace):
            if set(_backends(found["spec"])) & {key(each)[2] for each in running.services}:
                yield Row(
                    said(found),
                    STAYS,
                    "its requests come to the Service as before: the live version answers. They pass no route of "
                    "the stack's, so they are not copied",
                    "let them enter through an Istio Gateway (hosts), if they are to be copied",
                )
    for found in world.of("ServiceAccount", running.namespace):
        if key(found)[2] == account:
            yield Row(said(found), STAYS, "the pods run as it, as before")


def _backends(value: Any) -> Iterator[str]:
    """The names of the Services that an Ingress or an HTTPRoute leads to, wherever it says so."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            if name == "service" and isinstance(member, Mapping) and "name" in member:
                yield str(member["name"])
            elif name == "backendRefs":
                yield from (str(each.get("name")) for each in member)
            else:
                yield from _backends(member)
    elif isinstance(value, list):
        for member in value:
            yield from _backends(member)


def _rows(found: Object, holds_now: bool, holds_for_ours: bool) -> Iterator[Row]:
    if holds_now and holds_for_ours:
        yield Row(
            said(found), STAYS, "it holds for the stack's pods as for those that run now, shadows included"
        )
    elif holds_now:
        yield Row(
            said(found),
            CANNOT,
            "it selects the pods that run now by a label that the component sets itself, so it does not hold for "
            "the stack's",
            "let it select by a label that both have, before the first `up`",
        )
    elif holds_for_ours:
        yield Row(
            said(found),
            CANNOT,
            "it selects the stack's pods, and not those that run now",
            "let it select by a label that the stack's pods do not have, before the first `up`",
        )
