"""Reads what a version may reach while it is not live, and checks that nobody live looks like it."""

from __future__ import annotations

from .. import args as public
from ..description.isolation import NetworkPolicy, ShadowIsolation, Workload
from ..description.service import Service
from ..description.subset import Subset
from . import syntax
from .fields import Fields, Problems, matches

_HOSTS_TEXT = (
    'a list of hosts as the mesh knows them, such as "db.shop.svc.cluster.local" or '
    '"*.shop.svc.cluster.local", each once; [] for none'
)
_RANGES_TEXT = 'a list of address ranges, such as "10.20.0.0/16", each once'
_LABEL_TEXT = "a DNS label: a-z, 0-9 and '-', at most 63"


def read(fields: Fields) -> ShadowIsolation | None:
    """The isolation of a version, if it has one."""
    section = fields.optional_section("shadowIsolation", public.ShadowIsolationArgs)
    if section is None:
        return None
    if section.readable and section.values.get("mayReach") is None:
        section.problems.add((*section.path, "mayReach"), f"missing; allowed: {_HOSTS_TEXT}")
    hosts = section.texts("mayReach", (), _HOSTS_TEXT, syntax.is_mesh_host)
    protected = section.named_sections(
        "protects", public.WorkloadArgs, "workloads by a name", syntax.LABEL, _LABEL_TEXT
    )
    return ShadowIsolation(
        may_reach=section.each_once("mayReach", hosts, _HOSTS_TEXT),
        protects={name: _workload(protected[name]) for name in sorted(protected)},
        network_policy=_network_policy(section),
    )


def _workload(fields: Fields) -> Workload:
    allowed = "labels of the workload's pods, at least one"
    labels = fields.labels("labels", allowed)
    if fields.readable and not labels and fields.values.get("labels") in (None, {}):
        # Istio and Kubernetes would take no labels for every pod of the namespace.
        fields.refuse(("labels",), fields.values.get("labels"), allowed)
    namespace = fields.value(
        "namespace", None, _LABEL_TEXT, lambda raw: raw if matches(syntax.LABEL, raw) else None
    )
    return Workload(labels, namespace)


def _network_policy(fields: Fields) -> NetworkPolicy | None:
    section = fields.optional_section("networkPolicy", public.NetworkPolicyArgs)
    if section is None:
        return None
    pods = section.listed_sections("pods", public.WorkloadArgs, "a list of workloads")
    ranges = section.texts("cidrs", (), _RANGES_TEXT, syntax.is_range)
    return NetworkPolicy(
        pods=tuple(_workload(workload) for workload in pods),
        cidrs=section.each_once("cidrs", ranges, _RANGES_TEXT),
    )


def check(service: Service, problems: Problems) -> None:
    """A workload that refuses a version refuses whoever has its ServiceAccount: no live version may."""
    for subset in service.subsets:
        if subset.live or not (subset.shadow_isolation and subset.shadow_isolation.protects):
            continue
        for other in _sharing(service, subset):
            problems.add(
                ("subsets", subset.name, "serviceAccount"),
                f"{service.account(subset)!r} is not allowed; allowed: next to shadowIsolation.protects, a "
                f"ServiceAccount that no live version has, as {other.name} has this one; leave it out, and "
                "one is made",
            )


def _sharing(service: Service, subset: Subset) -> list[Subset]:
    return [other for other in service.live if service.account(other) == service.account(subset)]
