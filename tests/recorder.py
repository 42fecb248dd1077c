"""Runs a component without an engine and records what it registers (Pulumi's mocks, plus order and hooks)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc, settings

HOOKS = (
    "before_create",
    "after_create",
    "before_update",
    "after_update",
    "before_delete",
    "after_delete",
)


@dataclass
class Registered:
    """One resource as it was registered."""

    name: str
    type: str
    parent: str
    inputs: dict[str, Any]
    needs: set[str]
    hooks: dict[str, list[str]] = field(default_factory=dict)
    timeouts: dict[str, str] = field(default_factory=dict)
    kept: bool = False  # in the cluster, when it is removed from the stack
    ignored: set[str] = field(default_factory=set)  # properties whose changes are ignored
    version: str = ""  # of the provider that it asks for
    provider: str = ""  # that was given
    protected: bool = False


class _Echo(mocks.Mocks):
    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], None]:
        return {}, None

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        return f"{args.name}-id", args.inputs


class _HookRegistry:
    """Takes hooks, for which Pulumi's mocks have no place."""

    def __init__(self) -> None:
        self.hooks: dict[str, pulumi.ResourceHookFunction] = {}

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        self.hooks[hook.name] = hook.callback


class _Monitor(mocks.MockMonitor):
    """Pulumi's mock monitor that also notes dependencies and hooks, which `Mocks.new_resource` is not told."""

    def __init__(self) -> None:
        super().__init__(_Echo())
        self.registered: list[Registered] = []
        self.outputs: dict[str, Any] = {}

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
                    ignored=set(request.ignoreChanges),
                    version=request.version,
                    provider=request.provider.rsplit("::", 2)[-2] if request.provider else "",
                    protected=request.protect,
                    timeouts={
                        name: getattr(request.customTimeouts, name) for name in ("create", "update", "delete")
                    },
                )
            )
        return mocks.MockMonitor.RegisterResource(self, request)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        self.outputs = rpc.deserialize_properties(request.outputs)
        return mocks.MockMonitor.RegisterResourceOutputs(self, request)


@dataclass
class Recording:
    """What came of running a component without an engine."""

    built: Any
    registered: list[Registered]
    hooks: dict[str, pulumi.ResourceHookFunction]
    outputs: dict[str, Any]  # of the component

    def found(self, kind: str, name: str) -> Registered:
        (found,) = [
            thing for thing in self.registered if (thing.type.rsplit(":", 1)[-1], thing.name) == (kind, name)
        ]
        return found


def run(build: Callable[[], Any], preview: bool = False) -> Recording:
    monitor = _Monitor()
    mocks.set_mocks(_Echo(), project="mirrored-service", stack="test", preview=preview, monitor=monitor)
    hooks = _HookRegistry()
    callbacks: Any = hooks
    settings.SETTINGS.callbacks = callbacks
    built: list[Any] = []
    pulumi.runtime.test(lambda: built.append(build()))()
    return Recording(built[0], monitor.registered, hooks.hooks, monitor.outputs)


def record(build: Callable[[], Any], preview: bool = False) -> tuple[Any, list[Registered]]:
    """What `build` returned, and what it registered, in that order."""
    recording = run(build, preview)
    return recording.built, recording.registered
