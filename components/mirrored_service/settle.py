"""Waits around a change of routes.

istiod tells proxies of subsets and of routes separately. A route to a subset that a proxy does not know yet is a
503, and so is a route, not yet replaced in that proxy, to a subset that is already gone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pulumi

from .manifests import subsets_used

Wait = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]


def hooks(name: str, seconds: float, component: pulumi.Resource) -> pulumi.ResourceHookBinding:
    """Hooks for a VirtualService; `name` is the component's and keeps the hooks of two components apart.

    Neither runs on creation or in a preview, and a change of weights or percentages alone waits for nothing.
    """
    learn, forget = waits(seconds, component)
    return pulumi.ResourceHookBinding(
        before_update=[pulumi.ResourceHook(f"{name}-learn", learn)],
        after_update=[pulumi.ResourceHook(f"{name}-forget", forget)],
    )


def waits(seconds: float, component: pulumi.Resource | None) -> tuple[Wait, Wait]:
    """What runs before and after an update of routes; messages are shown at `component`."""

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
    return subsets_used(inputs["spec"]) if inputs else set()
