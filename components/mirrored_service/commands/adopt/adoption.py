"""From what runs to the config, what becomes of each object, and what is to be done. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ... import warnings
from ...args import MirroredServiceArgs
from ...description.ports import Port
from ...description.service import Service
from ...plan import plan
from ...reading import ports as reading_ports
from ...reading.fields import Fields, InvalidArgsError, Problems
from ...reading.service import parse
from ...rendering import pods as rendering
from ..doctor.selectors import by_selector
from ..doctor.subject import Object, key, said
from . import around, defaults, differences, owners, pods, policy, ports, routes, scaling, services
from .row import CANNOT, REPLACED, STAYS, Row
from .running import Running
from .world import World

# Which object a setting is from, for who reads what is wrong with it.
_FROM = {"ports": "Service", "moreServices": "Services", "trafficPolicy": "DestinationRule"}


@dataclass
class Adoption:
    """What `adopt` found out."""

    running: Running
    settings: dict[str, Any]  # the component's arguments, as the config has them
    rows: list[Row]
    changed: list[str]  # how the stack's pods differ from those that run
    warned: list[str]  # what the component says of the config
    secrets: list[str]  # paths of values that are not written
    routing: routes.Routing
    rules: policy.Policy
    imported: list[tuple[str, Object]]
    container: str  # what the container that answers was called
    replaced: list[Object] = field(default_factory=list)  # besides routes and rules
    then_least: int | None = None
    then_others: str | None = None

    @property
    def expressed(self) -> bool:
        return all(row.verdict != CANNOT for row in self.rows)


def adopt(world: World, running: Running) -> Adoption:
    """Raises InvalidArgsError with what the component does not take of it, and from which object that is."""
    first, routed = routes.ports_led_to(world, running)
    listed, rows = ports.read(running, first, routed)
    described = _described(listed)
    routing = routes.read(world, running, next((port.number for port in described if port.protocol), 0))
    led = services.read(running, described)
    labels = _labels_of_ours(running)
    rules = policy.read(world, running, routing.subsets, labels)
    version, of_pods = _left(world, running) if running.left else _taken(world, running, described)
    settings = {
        "name": running.name,
        "namespace": running.namespace,
        "createNamespace": False,
        **({} if running.domain == "cluster.local" else {"clusterDomain": running.domain}),
        "ports": listed,
        **routing.settings,
        **led.settings,
        **rules.settings,
        **(of_pods.service if of_pods else {}),
        "subsets": {running.version: version.settings},
    }
    service = _parsed(settings)
    (subset,) = service.subsets
    rows = [
        *version.rows,
        *(of_pods.rows if of_pods else ()),
        *led.rows,
        *rows,
        *routing.rows,
        *rules.rows,
        *around.read(world, running, labels, service.account(subset) if not running.left else ""),
        *_names_taken(world, running, service),
        *(
            Row(what, CANNOT, f"not read: {why}", "ask who may read them whether any is about this service")
            for what, why in world.unread.items()
        ),
    ]
    changed = list(version.renamed)
    if not running.left:
        after = defaults.plain(rendering.template(service, subset))
        changed += differences.between(version.before, after)
    return Adoption(
        running,
        settings,
        rows,
        changed,
        [line for line in warnings.of(service) if not line.startswith("subsets: none has a mirrorPercent")],
        pods.secrets(version.settings, f"subsets.{running.version}"),
        routing,
        rules,
        led.imported,
        version.container,
        of_pods.replaced if of_pods else [],
        of_pods.then_least if of_pods else None,
        of_pods.then_others if of_pods else None,
    )


def _described(listed: list[dict[str, Any]]) -> tuple[Port, ...]:
    """The ports as the component has them; what is wrong with them is said when all is read."""
    return reading_ports.read(Fields((), {"ports": listed}, ("ports",), Problems()))


def _labels_of_ours(running: Running) -> Mapping[str, str]:
    return running.pods if running.left else {**running.pods, **running.made_labels}


def _taken(world: World, running: Running, described: tuple[Port, ...]) -> tuple[pods.Pods, scaling.Scaling]:
    deployment = cast(Object, running.deployment)
    if not described:
        return pods.Pods({"weight": 100}, {}, [], []), scaling.Scaling({}, {}, [], [])
    read = pods.read(running, deployment, described)
    counted = scaling.read(world, running, deployment, read.container)
    row = Row(
        said(deployment),
        REPLACED,
        f"the same pods are those of Deployment {running.name}-{running.version}, but for what is listed below; "
        "they start beside it, and it goes last",
        owners.take_out(deployment),
    )
    settings = {"weight": 100, **counted.version, **read.settings}
    return (
        pods.Pods(settings, read.before, read.renamed, [row, *read.rows], read.container),
        counted,
    )


def _left(world: World, running: Running) -> tuple[pods.Pods, None]:
    """The pods stay their owner's, and so does who counts them."""
    what = said(running.deployment) if running.deployment else f"the pods of {said(running.services[0])}"
    rows = [
        Row(
            what,
            STAYS,
            f"{running.owner or 'you'} runs the pods: the stack routes to them by their labels (podLabels)",
            "give the next version's pods a label with another value, and none that all Services here select",
        )
    ]
    for kind in ("HorizontalPodAutoscaler", "PodDisruptionBudget"):
        for found in world.of(kind, running.namespace):
            target = found["spec"].get("scaleTargetRef") or {}
            scales = running.deployment and target.get("name") == key(running.deployment)[2]
            if scales or by_selector(found["spec"].get("selector"), running.pods):
                rows.append(Row(said(found), STAYS, "it is about pods that stay their owner's"))
    return pods.Pods({"podLabels": running.selector, "weight": 100}, {}, [], rows), None


def _parsed(settings: Mapping[str, Any]) -> Service:
    try:
        return parse(cast(MirroredServiceArgs, settings))
    except InvalidArgsError as wrong:
        lines = [f"{line} (from the {_source(line)})" for line in wrong.problems]
        raise InvalidArgsError("what runs cannot be said in a config as it is", lines) from None


def _source(problem: str) -> str:
    setting = problem.partition(":")[0].partition(".")[0].partition("[")[0]
    if setting in ("routes", "hosts", "gateway"):
        return "VirtualServices"
    return _FROM.get(
        setting, "Deployment and what is about its pods" if setting == "subsets" else "objects' names"
    )


def _names_taken(world: World, running: Running, service: Service) -> list[Row]:
    """Objects that are called as some of the stack's."""
    ours = {key(each) for each in running.services}
    found = []
    for step in plan(service):
        kind, name = step.key
        if (kind, running.namespace, name) in ours:
            continue
        there = world.find(kind, running.namespace, name)
        if there is not None:
            found.append(
                Row(
                    said(there),
                    CANNOT,
                    "the stack makes an object of this name, and would take this one over, or fail",
                    "apply it under another name and delete this one, before the first `up`",
                )
            )
    return found
