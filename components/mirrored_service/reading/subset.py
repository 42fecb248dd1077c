"""Reads one version."""

from __future__ import annotations

from ..description.ports import Port
from ..description.subset import Subset
from . import copies, isolation, others, pods, ports, scaling, template
from .fields import Fields

POD_SECURITY = ("baseline", "restricted", "image")


def read(name: str, fields: Fields, of: tuple[Port, ...], *, sidecars: bool) -> Subset:
    """The version of this name; `of` are the service's ports. `sidecars`: pods that the component makes have some
    that read the requests."""
    pod_labels = others.pod_labels(fields)
    requests, limits = pods.resources(fields)
    first, rest = ports.container_ports(fields, of)
    protocols = [port.protocol for port in of]
    subset = Subset(
        name=name,
        image=pods.image(fields),
        pod_labels=pod_labels,
        weight=fields.whole("weight", 0, 0, 100),
        mirror_percent=copies.percent(fields),
        replicas=fields.whole("replicas", 1, 1, 10_000),
        autoscaling=scaling.autoscaling(fields),
        scaled_by_others=fields.flag("scaledByOthers", False),
        container_port=first,
        container_ports=rest,
        env=pods.env(fields),
        pod_template=template.read(fields),
        pod_security=fields.choice("podSecurity", "baseline", POD_SECURITY),
        requests=requests,
        limits=limits,
        rollout=pods.rollout(fields),
        stop=pods.stop(fields),
        mirror_limits=copies.limits(fields, protocols or ["http"], sidecars=sidecars and not pod_labels),
        shadow_isolation=isolation.read(fields),
    )
    scaling.check(fields)
    _check(fields, subset)
    return subset


def _check(fields: Fields, subset: Subset) -> None:
    """What must not stand next to each other."""
    if subset.live and subset.shadow:
        fields.refuse(
            ("mirrorPercent",),
            subset.mirror_percent,
            f"0 next to weight {subset.weight}, as a version is live or a shadow, never both",
        )
