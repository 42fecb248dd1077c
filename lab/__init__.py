"""A real Kubernetes with Istio on one Linux machine: no Docker, no images from a registry."""

from lab.cluster.lab import Lab
from lab.errors import LabError

__all__ = ["Lab", "LabError"]
