"""Renders what changes the headers of copies: a filter in the sidecars of the pods that get them.

Behind all others, so that what decides whether a request comes in still has its credentials, and before the app.
By an EnvoyFilter, as a route has no way to edit the headers of a mirror, and Istio's other way in,
TrafficExtension, is there from 1.30 on only and runs Lua for each copy; the rights reach no further than the
service's namespace.

The object is there in every role, so that a promotion neither makes nor removes one: for a live version it
changes nothing.
"""

from __future__ import annotations

from ..description.mirror_headers import MirrorHeaders
from ..description.service import Service
from ..description.subset import Subset
from . import Manifest, manifest, tagging

FILTER = "mirrored-service.mirror-headers"
_MUTATION = "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation"
_MANAGER = "envoy.filters.network.http_connection_manager"
_ROUTER = "envoy.filters.http.router"


def envoy_filter(service: Service, subset: Subset, headers: MirrorHeaders) -> Manifest:
    spec: Manifest = {
        "workloadSelector": {"labels": service.pod_labels(subset)},
        "configPatches": [] if subset.live else [_patch(headers)],
    }
    return manifest(
        "networking.istio.io/v1alpha3", "EnvoyFilter", tagging.version_metadata(service, subset), spec
    )


def _patch(headers: MirrorHeaders) -> Manifest:
    where = {"filter": {"name": _MANAGER, "subFilter": {"name": _ROUTER}}}
    mutations = [{"remove": name} for name in headers.remove] + [
        {"append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
        for name, value in headers.set.items()
    ]
    config = {"@type": _MUTATION, "mutations": {"request_mutations": mutations}}
    return {
        "applyTo": "HTTP_FILTER",
        "match": {"context": "SIDECAR_INBOUND", "listener": {"filterChain": where}},
        "patch": {"operation": "INSERT_BEFORE", "value": {"name": FILTER, "typed_config": config}},
    }
