"""Serves the component to programs in other languages (a Pulumi component package)."""

from importlib import metadata

from pulumi.provider.experimental import component_provider_host

from mirrored_service import MirroredService

NAME = "mirrored-service"

if __name__ == "__main__":
    component_provider_host([MirroredService], name=NAME, version=metadata.version(NAME))
