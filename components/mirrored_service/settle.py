"""Waits around a change of routes.

istiod tells proxies of subsets and of routes separately. A route to a subset that a proxy does not know yet is a
503, and so is a route, not yet replaced in that proxy, to a subset that is already gone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pulumi

from .manifests import versions_used
from .service import Service

Hook = pulumi.ResourceHook | pulumi.ResourceHookFunction
Wait = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]


def hooks(name: str, service: Service, component: pulumi.Resource) -> pulumi.ResourceHookBinding:
    """Hooks for a VirtualService; `name` is the component's and keeps the hooks of two components apart.

    A change of weights or percentages alone waits for nothing, nor does a preview. Creation waits only where
    callers may be there already, in a namespace that exists. Deletion waits only when callers stay: a hook on
    deletion makes Pulumi ask for `destroy --run-program`.
    """
    learn, forget = waits(service.settle_seconds, component)
    learning: list[Hook] = [pulumi.ResourceHook(f"{name}-learn", learn)]
    forgotten = pulumi.ResourceHook(f"{name}-forget", forget)
    return pulumi.ResourceHookBinding(
        before_create=[] if service.create_namespace else learning,
        before_update=learning,
        after_update=[forgotten],
        after_delete=[forgotten] if service.keep_on_destroy else [],
    )


def waits(seconds: float, component: pulumi.Resource | None) -> tuple[Wait, Wait]:
    """What runs before routes come to name versions, and after they ceased to; messages go to `component`."""

    async def settle(versions: set[str], doing: str) -> None:
        if versions and seconds:
            pulumi.log.info(
                f"{seconds:g} s for the proxies to {doing} {', '.join(sorted(versions))}", component
            )
            await asyncio.sleep(seconds)

    async def learn(change: pulumi.ResourceHookArgs) -> None:
        await settle(_used(change.new_inputs) - _used(change.old_inputs), "learn of")

    async def forget(change: pulumi.ResourceHookArgs) -> None:
        await settle(_used(change.old_inputs) - _used(change.new_inputs), "forget")

    return learn, forget


def _used(inputs: Mapping[str, Any] | None) -> set[str]:
    return versions_used(inputs["spec"]) if inputs else set()
