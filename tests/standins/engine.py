"""Plays the engine towards the stand-in for the Kubernetes provider, over gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from lab.plugins.kubernetes.servicer import Provider
from lab.plugins.kubernetes.values import Object, decode, encode

_TYPES = {"v1": "core/v1"}


class RefusedError(Exception):
    """The plugin answered with an error; `kept` is the state that came with it, if any."""

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__(error.details())
        self.kept: Object | None = None
        self.reasons: list[str] = []
        metadata: Any = error.trailing_metadata() or ()
        for key, value in metadata:
            if key == "grpc-status-details-bin":
                self._read(status_pb2.Status.FromString(value))

    def _read(self, status: Any) -> None:
        details = provider_pb2.ErrorResourceInitFailed()
        status.details[0].Unpack(details)
        self.kept, self.reasons = decode(details.properties), list(details.reasons)


@dataclass
class Resource:
    """One resource of a program, as the engine knows it."""

    client: Any
    inputs: Object
    name: str = "test"
    identity: str = ""
    state: Object = field(default_factory=dict)
    timeout: float = 60
    kind: str = ""

    @property
    def urn(self) -> str:
        version = self.inputs["apiVersion"]
        kind = f"kubernetes:{_TYPES.get(version, version)}:{self.kind or self.inputs['kind']}"
        return f"urn:pulumi:dev::standins::{kind}::{self.name}"

    def check(self, inputs: Object | None = None) -> Object:
        """The inputs as the plugin completes them."""
        old = encode(self.state.get("__inputs", {}))
        request = provider_pb2.CheckRequest(urn=self.urn, olds=old, news=encode(inputs or self.inputs))
        return decode(self._call("Check", request).inputs)

    def preview(self) -> Object:
        """What the object would look like."""
        request = provider_pb2.CreateRequest(urn=self.urn, properties=encode(self.check()), preview=True)
        return decode(self._call("Create", request).properties)

    def create(self) -> Object:
        """Creates the object."""
        properties = encode(self.check())
        request = provider_pb2.CreateRequest(urn=self.urn, properties=properties, timeout=self.timeout)
        try:
            response = self._call("Create", request)
        except RefusedError as error:
            self.state = error.kept or {}
            self.identity = f"{self.inputs['metadata']['namespace']}/{self.inputs['metadata']['name']}"
            raise
        self.identity, self.state = response.id, decode(response.properties)
        return self.state

    def diff(self, inputs: Object) -> Any:
        """What these inputs would change."""
        old, new = encode(self.state), encode(self.check(inputs))
        return self._call(
            "Diff", provider_pb2.DiffRequest(id=self.identity, urn=self.urn, olds=old, news=new)
        )

    def update(self, inputs: Object, *, preview: bool = False, ignored: tuple[str, ...] = ()) -> Object:
        """Changes the object."""
        request = provider_pb2.UpdateRequest(
            id=self.identity,
            urn=self.urn,
            olds=encode(self.state),
            news=encode(self.check(inputs)),
            preview=preview,
            timeout=self.timeout,
            ignoreChanges=ignored,
        )
        result = decode(self._call("Update", request).properties)
        if not preview:
            self.state, self.inputs = result, inputs
        return result

    def refresh(self) -> Object | None:
        """The inputs that describe the object as it is now; None if it is gone."""
        old = encode(self.state.get("__inputs", {}))
        request = provider_pb2.ReadRequest(
            id=self.identity, urn=self.urn, properties=encode(self.state), inputs=old
        )
        response = self._call("Read", request)
        if not response.id:
            return None
        self.state = decode(response.properties)
        return decode(response.inputs)

    def import_as(self, identity: str) -> Object:
        """The inputs of an object that Pulumi does not know."""
        response = self._call("Read", provider_pb2.ReadRequest(id=identity, urn=self.urn))
        self.identity, self.state = response.id, decode(response.properties)
        return decode(response.inputs)

    def delete(self) -> None:
        """Deletes the object."""
        request = provider_pb2.DeleteRequest(
            id=self.identity, urn=self.urn, properties=encode(self.state), timeout=self.timeout
        )
        self._call("Delete", request)

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self.client, method)(request)
        except grpc.RpcError as error:
            raise RefusedError(error) from error


@contextmanager
def connected(kubeconfig: str, **settings: str) -> Iterator[Any]:
    """A client of a stand-in that is configured for this cluster."""
    server = grpc.server(futures.ThreadPoolExecutor())
    provider = Provider()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        client = provider_pb2_grpc.ResourceProviderStub(channel)
        settings = {"kubeconfig": kubeconfig, **settings}
        variables = {f"kubernetes:config:{key}": value for key, value in settings.items()}
        client.Configure(provider_pb2.ConfigureRequest(variables=variables, acceptSecrets=True))
        yield client
    provider.close()
    server.stop(grace=None).wait()
