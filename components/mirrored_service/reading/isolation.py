"""Reads what a version may reach while it is not live, and checks that nobody live looks like it."""

from __future__ import annotations

from .. import args as public
from ..description.isolation import NetworkPolicy, ShadowIsolation, Workload
from ..description.service import Service
from ..description.subset import Subset, protected_name
from . import syntax
from .fields import Fields, Problems

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
    namespace = fields.text("namespace", None, _LABEL_TEXT, syntax.LABEL)
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
    _check_names(service, problems)
    for subset in service.subsets:
        if subset.live or not (subset.shadow_isolation and subset.shadow_isolation.protects):
            continue
        for other in _sharing(service, subset):
            problems.add(
                ("subsets", subset.name, "podTemplate", "spec", "serviceAccountName"),
                f"{service.account(subset)!r} is not allowed; allowed: next to shadowIsolation.protects, a "
                f"ServiceAccount that no live version has, as {other.name} has this one; leave it out, and "
                "one is made",
            )


def _check_names(service: Service, problems: Problems) -> None:
    """Resources of one kind need names of their own: "a-b" of version v2, and "b" of v2-a, would have one."""
    taken: dict[str, str] = {}
    for subset in service.subsets:
        for workload in subset.shadow_isolation.protects if subset.shadow_isolation else ():
            name = protected_name(subset, workload)
            if name in taken:
                problems.add(
                    ("subsets", subset.name, "shadowIsolation", "protects"),
                    f"the name {workload!r} is not allowed; allowed: another one, as {name!r} is what "
                    f"{taken[name]} makes of one of its own",
                )
            taken[name] = subset.name


def _sharing(service: Service, subset: Subset) -> list[Subset]:
    return [other for other in service.live if service.account(other) == service.account(subset)]
