"""Waits around changes, as Pulumi's hooks. Which object has which, the plan says.

istiod tells proxies of versions and of routes separately, and of everything late. A route to a version that a
proxy does not know yet is a 503, and so is a route, not yet replaced in that proxy, to a version that is already
gone. A version with shadowIsolation must be let out before it answers, and proxies must have stopped asking it
before it is contained.

No preview waits, nor does a change of weights or percentages alone. No hook raises, whatever is in the cluster: a
hook that raises fails its step, in every `up` from then on.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

import pulumi

from .plan import Step
from .rendering import known_routes

# Pulumi deletes nothing that has a hook of which the program no longer knows: `hook "NAME" was not registered`.
_LEAVES = (
    " must stay in the program until `pulumi destroy --run-program`, or `pulumi up` without keepOnDestroy "
    "(docs/changes.md, Leaving)"
)


class Waits:
    """The waits of one component. Messages go to `component`, whose name keeps its hook apart from another's."""

    def __init__(
        self, name: str, seconds: float, contained: Collection[str], component: pulumi.Resource | None
    ) -> None:
        self._name = name
        self._seconds = seconds
        self._contained = set(contained)
        self._component = component
        # Whose objects they are, by kind and resource name: a version may be called "mesh", as routes are.
        self._versions: dict[tuple[str, str], str | None] = {}
        self._changed: dict[str, float] = {}  # when a version was last changed by this `up`

    def of(self, step: Step) -> pulumi.ResourceHookBinding:
        """The hooks of a step."""
        self._versions[step.key[0], step.resource_name(self._name)] = step.version
        hooks: Any = {moment: [self._hook] for moment in step.waits}
        return pulumi.ResourceHookBinding(**hooks)

    @cached_property
    def _hook(self) -> pulumi.ResourceHook:
        """The same one for all steps and moments, as the SDK starts a server for each (docs/cost.md)."""
        return pulumi.ResourceHook(self._name + _LEAVES, self.wait)

    async def wait(self, change: pulumi.ResourceHookArgs) -> None:
        """Before a change there are no new outputs yet, and after a deletion there is nothing new: see
        pulumi.ResourceHookArgs, which has a table of it."""
        is_ahead = change.new_inputs and not change.new_outputs
        await (self.before(change) if is_ahead else self.after(change))

    async def before(self, change: pulumi.ResourceHookArgs) -> None:
        """Before an object of a version changes, or the routes do."""
        version = self._version(change)
        await (self.settled(version) if version else self.learn(change))

    async def after(self, change: pulumi.ResourceHookArgs) -> None:
        """After that. Routes that go are no longer among the steps, and are known by that."""
        version = self._version(change)
        if version:
            self._changed[version] = time.monotonic()
        else:
            await self.forget(change)

    def _version(self, change: pulumi.ResourceHookArgs) -> str | None:
        return self._versions.get((change.type.rpartition(":")[2], change.name))

    async def learn(self, change: pulumi.ResourceHookArgs) -> None:
        """Before routes come to lead live requests to versions that proxies may not know of, or that were
        contained."""
        before, after = _before(change), change.new_inputs
        await self._settle(self._coming(after, before), "learn of")

    async def forget(self, change: pulumi.ResourceHookArgs) -> None:
        """After routes ceased to."""
        before, after = _before(change), change.new_inputs
        await self._settle(self._coming(before, after), "forget")

    def _coming(self, there: object, other: object) -> set[str]:
        """The versions that answer there and of which the other routes say nothing; of those that are contained
        while they are not live, also those that the other routes only copy to."""
        answering = known_routes.answering(there)
        freed = (answering - known_routes.answering(other)) & self._contained
        return (answering - known_routes.used(other)) | freed

    async def settled(self, version: str) -> None:
        """Until proxies know what this `up` changed of the version last."""
        if version in self._changed:
            passed = time.monotonic() - self._changed[version]
            await self._sleep(self._seconds - passed, f"learn of the change of {version}")

    async def _settle(self, versions: Collection[str], doing: str) -> None:
        if versions:
            await self._sleep(self._seconds, f"{doing} {', '.join(sorted(versions))}")

    async def _sleep(self, seconds: float, doing: str) -> None:
        if seconds > 0:
            pulumi.log.info(f"{seconds:.2g} s for the proxies to {doing}", self._component)
            await asyncio.sleep(seconds)


def _before(change: pulumi.ResourceHookArgs) -> Mapping[str, Any] | None:
    """The object as it was: the whole of it where Pulumi has that, as its old inputs are cut to the shape of what
    the component wrote."""
    return change.old_outputs or change.old_inputs
