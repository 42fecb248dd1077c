"""Runs the stand-in as a plugin process: `python -m lab.plugins.kubernetes <engine address>`."""

from __future__ import annotations

from pulumi.runtime.proto import provider_pb2_grpc

from ..serving import engine_address, serve
from .servicer import Provider


def main() -> None:
    """Serves one provider until the engine is done with it."""
    provider = Provider(engine_address())
    serve(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server),
        on_stop=provider.close,
    )


if __name__ == "__main__":
    main()
