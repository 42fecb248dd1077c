"""The provider's gRPC interface: translates the engine's requests to operations on objects, and back."""

from __future__ import annotations

import functools
import json
import os
import threading
from collections.abc import Callable
from importlib import metadata as packages
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)
from typing_extensions import override

from ..serving import EngineLog
from . import kubeconfig
from .client import Cluster
from .diff import changes
from .errors import BadKubeconfigError, ClusterError
from .objects import Objects, Options, PartialError, Request
from .state import State, full_name, metadata, with_name
from .translate import (
    UNSUPPORTED,
    keeps_its_name,
    located,
    property_diff,
    proposed_name,
    refuse_unsupported,
    type_of,
    with_identity,
)
from .values import UNKNOWN, Object, decode, encode, mark_secrets, plain

# The stand-in speaks for the plugin that belongs to the installed SDK.
VERSION = packages.version("pulumi-kubernetes")
_CONFIG = "kubernetes:config:"
_KNOWN_CONFIG = {"kubeconfig", "context", "namespace", "enablePatchForce", "upsertExistingObjects"}
# Settings that change nothing here, or that only ask for what the stand-in does anyway.
_HARMLESS_CONFIG = {
    "enableServerSideApply": "true",
    "suppressDeprecationWarnings": "true",
    "suppressHelmHookWarnings": "true",
}

Response = TypeVar("Response")
Method = Callable[["Provider", Any, grpc.ServicerContext], Response]


def _reports(method: Method[Response]) -> Method[Response]:
    """Turns what went wrong with the cluster into the error that the engine shows."""

    @functools.wraps(method)
    def call(self: Provider, request: Any, context: grpc.ServicerContext) -> Response:
        try:
            return method(self, request, context)
        except PartialError as error:
            _abort_partially(context, error, self.marked_inputs(request))
        except ClusterError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        raise AssertionError("abort does not return")

    return call


def _abort_partially(context: grpc.ServicerContext, error: PartialError, marked: Object) -> None:
    """An error that carries the object's state, which the engine then keeps together with the reasons."""
    details = provider_pb2.ErrorResourceInitFailed(
        id=full_name(error.state.live), properties=encode(error.state.write(marked)), reasons=error.reasons
    )
    if error.inputs is not None:
        details.inputs.CopyFrom(encode(mark_secrets(error.inputs, marked)))
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(details)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, str(error))


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One provider: one cluster and one set of settings."""

    def __init__(self, engine: str = "") -> None:
        self._log = EngineLog(engine)
        self._cancelled = threading.Event()
        self._objects: Objects | None = None
        self._namespace = ""
        self._problem = "the provider is not configured"

    # Settings

    @override
    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._log = EngineLog(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, supports_autonaming_configuration=True
        )

    @override
    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    @override
    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        description = "The lab's stand-in for the Kubernetes provider; it has no schema of the kinds."
        schema = {"name": "kubernetes", "version": VERSION, "description": description, "resources": {}}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    @override
    @_reports
    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        failures = [
            provider_pb2.CheckFailure(property=key, reason="the lab's stand-in does not know this setting")
            for key, value in plain(decode(request.news)).items()
            if key not in _KNOWN_CONFIG | {"version", "pluginDownloadURL"}
            and value is not UNKNOWN
            and str(value).lower() not in ("", "false", _HARMLESS_CONFIG.get(key, ""))
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    @override
    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        old, new = plain(decode(request.olds)), plain(decode(request.news))
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        # Another cluster, as far as can be told: everything has to be made there.
        before, after = _server(old), _server(new)
        elsewhere = before and after and before != after
        moved = [key for key in changed if elsewhere and key in ("kubeconfig", "context")]
        kind = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=kind, diffs=changed, replaces=moved)

    @override
    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        settings = {key.removeprefix(_CONFIG): value for key, value in request.variables.items()}
        try:
            cluster = Cluster(settings.get("kubeconfig", ""), settings.get("context", ""))
            cluster.check()
        except ClusterError as error:
            # Not refused here: a stack without Kubernetes objects does not need a cluster.
            self._problem = f"configured Kubernetes cluster is unreachable: {error}"
        else:
            self._namespace = settings.get("namespace") or cluster.namespace
            options = Options(
                force_all=_is_set(settings, "enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
                upsert=_is_set(settings, "upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
            )
            self._objects = Objects(cluster, options, self._cancelled)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    @override
    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._cancelled.set()
        return empty_pb2.Empty()

    def close(self) -> None:
        """Ends all waits, and forgets the cluster."""
        self._cancelled.set()
        if self._objects is not None:
            self._objects.cluster.close()

    # Objects

    @override
    @_reports
    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        old, new = decode(request.olds), decode(request.news)
        refuse_unsupported(request.urn, plain(new))
        objects = self._connected()
        named = with_name(new, plain(old), lambda: proposed_name(request))
        if "generateName" in metadata(named):
            raise ClusterError(
                "the `.metadata.generateName` field is not supported in Server-Side Apply mode"
            )
        found = metadata(named)
        namespaced = not objects.cluster.knows(plain(named)) or objects.cluster.is_namespaced(plain(named))
        if named.get("metadata") is not UNKNOWN and namespaced and not found.get("namespace"):
            named = {**named, "metadata": {**found, "namespace": self._namespace}}
        return provider_pb2.CheckResponse(inputs=encode(mark_secrets(named, new)))

    @override
    @_reports
    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        objects = self._connected()
        old, new = State.read(decode(request.olds)), plain(decode(request.news))
        namespaced = objects.cluster.is_namespaced(new) if objects.cluster.knows(new) else True
        shape = with_identity(old.inputs, old.live, namespaced)
        found = changes(old.live, shape, new, request.ignoreChanges)
        replaced = [change.text for change in found if change.replaces]
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=replaced,
            deleteBeforeReplace=bool(replaced) and keeps_its_name(old.live, new),
            detailedDiff={change.text: property_diff(change) for change in found},
            hasDetailedDiff=True,
        )

    @override
    @_reports
    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        inputs = decode(request.properties)
        state = self._connected().create(self._operation(request, request.preview), inputs)
        if state is None:
            return provider_pb2.CreateResponse(properties=request.properties)
        identity = "" if request.preview else full_name(state.live)
        return provider_pb2.CreateResponse(id=identity, properties=encode(state.write(inputs)))

    @override
    @_reports
    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        inputs, old = decode(request.news), State.read(decode(request.olds))
        operation = self._operation(request, request.preview)
        state = self._connected().update(operation, old, inputs, list(request.ignoreChanges))
        return provider_pb2.UpdateResponse(
            properties=request.news if state is None else encode(state.write(inputs))
        )

    @override
    @_reports
    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        objects, marked = self._connected(), decode(request.inputs)
        old, known = State.read(decode(request.properties)), plain(marked)
        if known.get("kind") or old.live.get("kind"):
            wanted = known if known.get("kind") else old.live
            state = objects.read(located(wanted, request.id), old)
        else:
            state = objects.adopt(located(type_of(request.urn), request.id))
        if state is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=encode(state.write(marked)),
            inputs=encode(mark_secrets(state.inputs, marked)),
        )

    @override
    @_reports
    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        old = State.read(decode(request.properties))
        self._connected().delete(self._operation(request, preview=False), old)
        return empty_pb2.Empty()

    # What only the official provider can do

    @override
    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        _refuse(context, f"the function {request.tok}")

    @override
    def Call(self, request: Any, context: grpc.ServicerContext) -> Any:
        _refuse(context, f"the method {request.tok}")

    @override
    def List(self, request: Any, context: grpc.ServicerContext) -> Any:
        _refuse(context, "listing objects")

    @override
    def Parameterize(self, request: Any, context: grpc.ServicerContext) -> Any:
        _refuse(context, "a package made of custom resource definitions")

    @override
    def Construct(self, request: Any, context: grpc.ServicerContext) -> Any:
        _refuse(context, f"the component {request.type}")

    # Helpers

    def _connected(self) -> Objects:
        if self._objects is None:
            raise ClusterError(self._problem)
        return self._objects

    def _operation(self, request: Any, preview: bool) -> Request:
        return Request(request.urn, request.timeout, preview, self._log.status(request.urn))

    def marked_inputs(self, request: Any) -> Object:
        """The request's inputs, which say what is secret."""
        for field in ("news", "inputs", "old_inputs", "properties"):
            if field in request.DESCRIPTOR.fields_by_name and getattr(request, field).fields:
                return decode(getattr(request, field))
        return {}


def _refuse(context: grpc.ServicerContext, what: str) -> None:
    context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{what} {UNSUPPORTED}")


def _server(settings: Object) -> str:
    """The API server that these settings name themselves; empty if they leave it to the environment."""
    try:
        return kubeconfig.server(settings.get("kubeconfig") or "", settings.get("context") or "")
    except BadKubeconfigError:
        return ""


def _is_set(settings: dict[str, str], key: str, variable: str) -> bool:
    return settings.get(key, os.environ.get(variable, "")) == "true"
