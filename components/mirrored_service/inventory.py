"""Every object of a service, in the order in which `pulumi up` makes them."""

from __future__ import annotations

from itertools import chain

from . import containment, manifests, target
from .objects import Manifest
from .service import Service
from .subset import Subset


def objects(service: Service) -> list[Manifest]:
    """The objects of a service that is not there yet, each after those that it needs."""
    found = [manifests.namespace(service)] if service.create_namespace else []
    if service.access_log.providers:
        found += [manifests.telemetry(service, subset) for subset in service.subsets]
    found += chain.from_iterable(_pods(service, subset) for subset in service.live)
    found += [manifests.callers_service(service), manifests.mesh_service(service)]
    found += [manifests.destination_rule(service, subset) for subset in service.subsets]
    found += target.objects_of(service)
    if not service.gateway.existing:
        found.append(manifests.gateway(service))
    found += [manifests.ingress_virtual_service(service), manifests.mesh_virtual_service(service)]
    found += chain.from_iterable(_pods(service, subset) for subset in service.subsets if not subset.live)
    return found


def _pods(service: Service, subset: Subset) -> list[Manifest]:
    if subset.foreign:
        return []
    contained = [made for _, made in containment.objects_of(service, subset)]
    return [*contained, manifests.deployment(service, subset)]
