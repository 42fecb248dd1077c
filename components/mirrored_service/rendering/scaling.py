"""Renders who counts a version's pods, and how many of them may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..description import openapi
from ..description.service import Service
from ..description.subset import Subset
from . import Manifest, manifest, merging, tagging


def autoscaler(service: Service, subset: Subset, spec: Mapping[str, Any]) -> Manifest:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": service.version_name(subset)}
    return manifest(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        tagging.version_metadata(service, subset),
        merging.merged({"scaleTargetRef": target}, spec, openapi.AUTOSCALER),
    )


def disruption_budget(service: Service, subset: Subset, spec: Mapping[str, Any]) -> Manifest:
    selector = {"matchLabels": service.version_labels(subset)}
    return manifest(
        "policy/v1",
        "PodDisruptionBudget",
        tagging.version_metadata(service, subset),
        merging.merged({"selector": selector}, spec, openapi.DISRUPTION_BUDGET),
    )
