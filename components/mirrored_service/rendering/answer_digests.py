"""Renders what digests the answers of a version: Lua in the sidecars of its pods, by Istio's TrafficExtension.

In the inbound sidecars, as the caller's proxy throws a shadow's answer away before any filter sees it. An
EnvoyFilter could hold the same Lua, and would reach further than a version's pods in the hands of whoever may
write one.

The object is there in every role: what is compared with a shadow is the live version, and a promotion changes
nothing.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from ..description.answer_digests import AnswerDigests
from ..description.service import Service
from ..description.subset import Subset
from . import Manifest, manifest, tagging


def traffic_extension(service: Service, subset: Subset, digests: AnswerDigests) -> Manifest:
    methods = _methods(service)
    key = digests.key
    spec: Manifest = {
        "selector": {"matchLabels": service.pod_labels(subset)},
        "match": [{"mode": "SERVER"}],
        "lua": {
            "inlineCode": lua(key, digests, methods)
            if isinstance(key, str)
            else key.apply(lambda known: lua(known, digests, methods))
        },
    }
    return manifest(
        "extensions.istio.io/v1alpha1", "TrafficExtension", tagging.version_metadata(service, subset), spec
    )


def _methods(service: Service) -> tuple[str, ...]:
    """Those of requests that are copied. A gRPC call is a POST, and is told as one that cannot be compared."""
    copied = service.mirror_match
    calls = any(port.protocol == "grpc" and copied.of("grpc") for port in service.routed)
    return tuple(dict.fromkeys((*copied.methods, *(("POST",) if calls else ()))))


def lua(key: str, digests: AnswerDigests, methods: tuple[str, ...]) -> str:
    """The filter's source: the settings, and the file that reads them."""
    chosen = "nil" if "*" in methods else "{" + ", ".join(f"[{json.dumps(m)}] = true" for m in methods) + "}"
    hidden = json.dumps(digests.hide_names)
    return (
        f'local KEY, ONE_OF, MOST_JSON, HIDDEN = "{key}", {digests.one_of}, {digests.max_json_bytes}, {hidden}\n'
        f"local METHODS = {chosen}\n{_source()}"
    )


@cache
def _source() -> str:
    return Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
