"""Runs a component without an engine and records what it registers (Pulumi's mocks, plus order and hooks)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc, settings

HOOKS = ("before_create", "before_update", "after_update", "after_delete")


@dataclass
class Registered:
    """One resource as it was registered."""

    name: str
    type: str
    parent: str
    inputs: dict[str, Any]
    needs: set[str]
    hooks: dict[str, list[str]] = field(default_factory=dict)
    timeouts: set[str] = field(default_factory=set)
    kept: bool = False  # in the cluster, when it is removed from the stack


class _Echo(mocks.Mocks):
    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], None]:
        return {}, None

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        return f"{args.name}-id", args.inputs


class _HookRegistry:
    """Accepts hooks: Pulumi's mocks have no place to register them."""

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        pass


class _Monitor(mocks.MockMonitor):
    """Pulumi's mock monitor that also notes dependencies and hooks, which `Mocks.new_resource` is not told."""

    def __init__(self) -> None:
        super().__init__(_Echo())
        self.registered: list[Registered] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  (the name of the gRPC method)
        if request.type != "pulumi:pulumi:Stack":
            hooks = request.hooks
            self.registered.append(
                Registered(
                    name=request.name,
                    type=request.type,
                    parent=request.parent.rsplit("::", 1)[-1],
                    inputs=rpc.deserialize_properties(request.object),
                    needs={urn.rsplit("::", 1)[-1] for urn in request.dependencies},
                    hooks={kind: list(getattr(hooks, kind)) for kind in HOOKS},
                    kept=request.retainOnDelete,
                    timeouts={request.customTimeouts.create, request.customTimeouts.update},
                )
            )
        return mocks.MockMonitor.RegisterResource(self, request)


def record(build: Callable[[], Any], preview: bool = False) -> tuple[Any, list[Registered]]:
    """What `build` returned, and what it registered, in that order."""
    monitor = _Monitor()
    mocks.set_mocks(_Echo(), project="mirrored-service", stack="test", preview=preview, monitor=monitor)
    callbacks: Any = _HookRegistry()
    settings.SETTINGS.callbacks = callbacks
    built: list[Any] = []
    pulumi.runtime.test(lambda: built.append(build()))()
    return built[0], monitor.registered
