"""How many pods there are, who counts them, and how many may be missing. Pure."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from ..doctor.selectors import by_selector
from ..doctor.subject import Object, key, said
from . import owners
from .row import CANNOT, REPLACED, STAYS, Row
from .running import Running
from .world import World

_GUARDS = ("minAvailable", "maxUnavailable")


@dataclass(frozen=True)
class Scaling:
    version: dict[str, Any]  # settings of the version
    service: dict[str, Any]  # settings of the service
    rows: list[Row]
    replaced: list[Object]  # what is deleted once the stack's are there
    then_least: int | None = None  # minReplicas, when it is over
    then_others: str | None = None  # who counts the pods, when it is over


def read(world: World, running: Running, deployment: Object, container: str) -> Scaling:
    """`container` is what the service's container was called."""
    count = int(deployment["spec"].get("replicas", 1))
    version, rows, replaced, then_least, then_others = _counted(world, running, deployment, count, container)
    service: dict[str, Any] = {}
    for budget in world.of("PodDisruptionBudget", running.namespace):
        if not by_selector(budget["spec"].get("selector"), running.pods):
            continue
        said_of = {
            name: budget["spec"][name]
            for name in (*_GUARDS, "unhealthyPodEvictionPolicy")
            if budget["spec"].get(name) is not None
        }
        if service:
            rows.append(
                Row(
                    said(budget),
                    CANNOT,
                    "it is the second budget for these pods",
                    "delete it: Kubernetes evicts no pod that two of them select",
                )
            )
            continue
        service["disruptionBudget"] = said_of
        rows.append(
            Row(
                said(budget),
                REPLACED,
                "the stack makes one for each live version (disruptionBudget); while both are there none of the "
                "pods is evicted",
                owners.take_out(budget),
            )
        )
        replaced.append(budget)
    return Scaling(version, service, rows, replaced, then_least, then_others)


def _counted(
    world: World, running: Running, deployment: Object, count: int, container: str
) -> tuple[dict[str, Any], list[Row], list[Object], int | None, str | None]:
    scalers = [
        each
        for each in world.of("HorizontalPodAutoscaler", running.namespace)
        if (each["spec"].get("scaleTargetRef") or {}).get("kind") == "Deployment"
        and each["spec"]["scaleTargetRef"].get("name") == key(deployment)[2]
    ]
    if not scalers:
        return ({"replicas": count} if count != 1 else {}), [], [], None, None
    scaler, *rest = scalers
    rows = [
        Row(said(each), CANNOT, "it is the second autoscaler for this Deployment", "delete one of them")
        for each in rest
    ]
    other = owners.maker(scaler)
    if other:
        rows.append(
            Row(
                said(scaler),
                STAYS,
                f"{other} makes it; the pods are {count} until it counts those of the stack",
                f"the steps say when to point {other} to the new Deployment",
            )
        )
        return {"replicas": count}, rows, [], None, other
    spec = _as_v2(scaler)
    for metric in spec.get("metrics") or ():
        of_container = metric.get("containerResource")
        if of_container and of_container.get("container") == container:
            of_container["container"] = running.name
    least = int(spec.get("minReplicas") or 1)
    # As many as there are: they get all requests at once, and an autoscaler starts with the least.
    counted = world.live or "status" in deployment  # as kubectl prints what runs
    then_least = least if counted and count > least else None
    if then_least is not None:
        spec["minReplicas"] = count
    why = "the stack makes one for its own Deployment (autoscaling)"
    if then_least is not None:
        why += f"; with {count} pods at least, which there are now, until requests are taken over"
    rows.append(Row(said(scaler), REPLACED, why, _of_scaler(scaler, running, counted=counted)))
    return {"autoscaling": spec}, rows, [scaler], then_least, None


def _of_scaler(scaler: Object, running: Running, *, counted: bool) -> str:
    most = scaler["spec"].get("maxReplicas")
    look = (
        ""
        if counted
        else f"see how many pods there are now (at most {most}), and set "
        f"subsets.{running.version}.autoscaling.minReplicas to that until requests are taken over"
    )
    return "; ".join(filter(None, (look, owners.take_out(scaler))))


def _as_v2(scaler: Object) -> dict[str, Any]:
    """The spec without its target, in the words of autoscaling/v2."""
    spec = {name: value for name, value in scaler["spec"].items() if name != "scaleTargetRef"}
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    if percent is not None:  # of autoscaling/v1
        target = {"type": "Utilization", "averageUtilization": percent}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return copy.deepcopy(spec)
