"""How requests reach the pods today: DestinationRules, as the component's traffic policy. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..doctor import names
from ..doctor.selectors import by_labels
from ..doctor.subject import Object, key, said
from . import owners
from .row import CANNOT, REPLACED, STAYS, Row
from .running import Running
from .world import World

ROOT = "istio-system"


@dataclass
class Policy:
    settings: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    replaced: list[Object] = field(default_factory=list)
    unfit: list[str] = field(default_factory=list)  # subsets that the stack's pods will not be in


def read(world: World, running: Running, subsets: set[str], pods: Mapping[str, str]) -> Policy:
    """`subsets`: by which requests reach the pods today; `pods`: the labels of the stack's."""
    found = Policy()
    for rule in sorted(world.of("DestinationRule"), key=lambda each: not _is_exact(each, running)):
        namespace, host = key(rule)[1], _host(rule, running)
        if not any(names.covers(host, each) for each in running.hosts):
            continue
        if namespace not in (running.namespace, ROOT):
            _of_callers(found, rule, namespace)
        elif not _is_exact(rule, running):
            _take(found, rule, rule["spec"].get("trafficPolicy") or {})
            found.rows.append(
                Row(
                    said(rule),
                    STAYS,
                    f"it is for {host}, and the stack's rules are closer: what it says is in trafficPolicy",
                )
            )
        else:
            _exact(found, rule, subsets, running, pods)
    return found


def _exact(found: Policy, rule: Object, subsets: set[str], running: Running, pods: Mapping[str, str]) -> None:
    policy = dict(rule["spec"].get("trafficPolicy") or {})
    for subset in rule["spec"].get("subsets") or ():
        if subset["name"] not in subsets:
            continue
        labels = subset.get("labels") or {}
        if labels and not by_labels(labels, running.pods):
            found.rows.append(
                Row(
                    said(rule),
                    CANNOT,
                    f"its subset {subset['name']}, which routes lead to, is of other pods than "
                    "those of the service",
                    "lead them to the pods that are to be brought in first",
                )
            )
        elif labels and not by_labels(labels, pods):
            found.unfit.append(subset["name"])
        policy |= subset.get("trafficPolicy") or {}
    _take(found, rule, policy)
    found.replaced.append(rule)
    found.rows.append(
        Row(
            said(rule),
            REPLACED,
            "requests take the stack's rules" + (", which say the same (trafficPolicy)" if policy else ""),
            owners.take_out(rule),
        )
    )


def _take(found: Policy, rule: Object, policy: Mapping[str, Any]) -> None:
    if not policy:
        return
    before = found.settings.get("trafficPolicy")
    if before not in (None, policy):
        found.rows.append(
            Row(
                said(rule),
                CANNOT,
                "its traffic policy is not that of the other rule, and the stack has one for all ways to it",
                "choose one of them in trafficPolicy",
            )
        )
        return
    found.settings["trafficPolicy"] = dict(policy)


def _of_callers(found: Policy, rule: Object, namespace: str) -> None:
    found.rows.append(
        Row(
            said(rule),
            CANNOT,
            f"it is what callers in {namespace} say of their requests; these go to the stack's versions, for "
            "which it says nothing",
            "put what all callers need into trafficPolicy, or tell its owner",
        )
    )


def _is_exact(rule: Object, running: Running) -> bool:
    return _host(rule, running) in running.hosts


def _host(rule: Object, running: Running) -> str:
    return names.full(str(rule["spec"].get("host", "")), key(rule)[1], running.domain)
