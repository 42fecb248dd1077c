"""A real Kubernetes with Istio on one Linux machine: no Docker, no images from a registry."""

from lab.errors import LabError
from lab.lab import Lab

__all__ = ["Lab", "LabError"]
