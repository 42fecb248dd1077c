"""Serves the component to programs in other languages (a Pulumi component package)."""

from pulumi.provider.experimental import component_provider_host

from mirrored_service import MirroredService

if __name__ == "__main__":
    component_provider_host([MirroredService], name="mirrored-service", version="0.1.0")
