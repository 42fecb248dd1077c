"""Waits around a change of routes.

istiod tells proxies of subsets and of routes separately. A route to a subset that a proxy does not know yet is a
503, and so is a route, not yet replaced in that proxy, to a subset that is already gone.

A version with shadowIsolation is contained while it is not live. Proxies must have let it out before it answers,
and must have stopped asking it before it is contained.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import pulumi

from .manifests import versions_answering, versions_used
from .service import Service

Hook = pulumi.ResourceHook | pulumi.ResourceHookFunction
Wait = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]


def hooks(name: str, service: Service, component: pulumi.Resource) -> pulumi.ResourceHookBinding:
    """Hooks for a VirtualService; `name` is the component's and keeps the hooks of two components apart.

    A change of weights or percentages alone waits for nothing, nor does a preview. Creation waits only where
    callers may be there already, in a namespace that exists. Deletion waits only when callers stay: a hook on
    deletion makes Pulumi ask for `destroy --run-program`.
    """
    contained = {subset.name for subset in service.subsets if subset.shadow_isolation}
    learn, forget = waits(service.settle_seconds, contained, component)
    learning: list[Hook] = [pulumi.ResourceHook(f"{name}-learn", learn)]
    forgotten = pulumi.ResourceHook(f"{name}-forget", forget)
    return pulumi.ResourceHookBinding(
        before_create=[] if service.create_namespace else learning,
        before_update=learning,
        after_update=[forgotten],
        after_delete=[forgotten] if service.keep_on_destroy else [],
    )


def waits(seconds: float, contained: Collection[str], component: pulumi.Resource | None) -> tuple[Wait, Wait]:
    """What runs before routes come to name versions, and after they ceased to; for those that are `contained`
    while they are not live, also before they become live, and after they ceased to be. Messages go to
    `component`."""

    async def settle(versions: set[str], doing: str) -> None:
        if versions and seconds:
            pulumi.log.info(
                f"{seconds:g} s for the proxies to {doing} {', '.join(sorted(versions))}", component
            )
            await asyncio.sleep(seconds)

    def coming(there: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> set[str]:
        freed = _answering(there) - _answering(before)
        return (_used(there) - _used(before)) | (freed & set(contained))

    async def learn(change: pulumi.ResourceHookArgs) -> None:
        await settle(coming(change.new_inputs, change.old_inputs), "learn of")

    async def forget(change: pulumi.ResourceHookArgs) -> None:
        await settle(coming(change.old_inputs, change.new_inputs), "forget")

    return learn, forget


def _used(inputs: Mapping[str, Any] | None) -> set[str]:
    return versions_used(inputs["spec"]) if inputs else set()


def _answering(inputs: Mapping[str, Any] | None) -> set[str]:
    return versions_answering(inputs["spec"]) if inputs else set()
