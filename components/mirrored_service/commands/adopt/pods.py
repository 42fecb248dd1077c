"""The pods of a Deployment as a version of the component: the same pods, but for what is told. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...description.ports import Port
from ..doctor.subject import Object, said
from ..kill_switch.errors import CommandError
from . import defaults
from .row import CANNOT, STAYS, TAKEN, Row
from .running import Running
from .secret import Secret, guarded

_DELAY = 15  # seconds, as the component has pods go on serving
_MAIN = "kubectl.kubernetes.io/default-container"
_ROLLING = {"maxSurge": 1, "maxUnavailable": 0}
_DEADLINE = 600  # seconds, as Kubernetes fills it in
_NO_SETTING = {"revisionHistoryLimit": 10, "paused": False}


@dataclass(frozen=True)
class Pods:
    """A version's settings, without those of how many pods it has."""

    settings: dict[str, Any]
    before: dict[str, Any]  # the template as it was, in the component's names
    renamed: list[str]  # what is called otherwise
    rows: list[Row]
    container: str = ""  # what the service's container was called


def read(running: Running, deployment: Object, ports: tuple[Port, ...]) -> Pods:
    template = defaults.plain(deployment["spec"]["template"])
    own = _own(template["spec"], running, ports)
    container = own["name"]
    renamed = _rename(template["spec"], own, running, ports)
    before = copy.deepcopy(template)
    settings: dict[str, Any] = {"image": own.pop("image"), "podSecurity": "image"}
    _move_resources(own, settings)
    _move_env(template["spec"], own, settings)
    _move_stop(template["spec"], own, settings)
    _drop_ports(own, ports)
    _keep_probe(own)
    settings |= _rollout(deployment["spec"])
    settings["podTemplate"] = _template(template, own, running)
    renamed += _exchanged(deployment["spec"], settings)
    rows = [*_rows(deployment, running), *_volumes(deployment)]
    return Pods(settings, before, renamed, rows, container)


def _own(spec: dict[str, Any], running: Running, ports: tuple[Port, ...]) -> dict[str, Any]:
    """The container that answers requests."""
    containers = [each for each in spec["containers"] if each["name"] != "istio-proxy"]
    deployment = running.deployment or {}
    metadata = deployment.get("spec", {}).get("template", {}).get("metadata", {})
    main = (metadata.get("annotations") or {}).get(_MAIN)
    listening = [
        each
        for each in containers
        if any(port.get("containerPort") == ports[0].container_port for port in each.get("ports", ()))
    ]
    called = [each for each in containers if each["name"] in (main, running.name)]
    found: dict[str, Any] = next(iter([*listening, *called, *containers]))
    return found


def _rename(
    spec: dict[str, Any], own: dict[str, Any], running: Running, ports: tuple[Port, ...]
) -> list[str]:
    """Calls the container and its ports as the component does, wherever the pod names them."""
    renamed = []
    if own["name"] != running.name:
        others = [each["name"] for kind in ("containers", "initContainers") for each in spec.get(kind, ())]
        if running.name in others:
            raise CommandError(
                f"the pods have a container {running.name} besides {own['name']}, which answers requests, and "
                f"the component calls that one {running.name}: rename the other one first"
            )
        renamed.append(f"container {own['name']} is called {running.name}")
        own["name"] = running.name
    called = {(port.container_port, port.transport): port.container_name for port in ports}
    names: dict[str, str] = {}
    for port in own.get("ports", ()):
        wanted = called.get((port["containerPort"], port.get("protocol", "TCP")))
        if wanted and port.get("name") != wanted:
            if port.get("name"):
                names[port["name"]] = wanted
                renamed.append(f"port {port['name']} ({port['containerPort']}) of it is called {wanted}")
            port["name"] = wanted
    checks = [own.get(probe, {}) for probe in defaults.PROBES] + list(own.get("lifecycle", {}).values())
    for check in checks:
        for kind in ("httpGet", "tcpSocket", "grpc"):
            asked = check.get(kind, {})
            if asked.get("port") in names:
                asked["port"] = names[asked["port"]]
    return renamed


def _move_resources(own: dict[str, Any], settings: dict[str, Any]) -> None:
    resources = own.get("resources", {})
    found = {
        kind: {name: str(value) for name, value in resources.pop(kind).items()}
        for kind in ("requests", "limits")
        if resources.get(kind)
    }
    if found:
        settings["resources"] = found
    if not resources:
        own.pop("resources", None)


def _move_env(spec: dict[str, Any], own: dict[str, Any], settings: dict[str, Any]) -> None:
    """Plain values become the version's env, where they are easily another version's; what is a reference, or is
    referred to, keeps its place."""
    for kind in ("containers", "initContainers"):
        for container in spec.get(kind, ()):
            for variable in container.get("env", ()):
                if "value" in variable:
                    variable["value"] = guarded(variable["name"], variable["value"])
    # Of a name that is there twice Kubernetes takes the last one.
    variables = list({each["name"]: each for each in own.pop("env", ())}.values())
    texts = [each["value"] for each in variables if "value" in each]
    texts += [text for key in ("command", "args") for text in own.get(key, ())]
    moved = {
        each["name"]: each["value"]
        for each in variables
        if "value" in each
        and "$(" not in each["value"]
        and not any(f"$({each['name']})" in text for text in texts)
    }
    rest = [each for each in variables if each["name"] not in moved]
    if moved:
        settings["env"] = moved
    if rest:
        own["env"] = rest


def _move_stop(spec: dict[str, Any], own: dict[str, Any], settings: dict[str, Any]) -> None:
    """As long as the app had to end, it has: the component's delay is added before."""
    grace = spec.pop("terminationGracePeriodSeconds", 30)
    lifecycle = own.get("lifecycle", {})
    hook = lifecycle.get("preStop")
    if hook is None:
        stop = {"delaySeconds": _DELAY, "graceSeconds": grace + _DELAY}
    elif "sleep" in hook:
        seconds = lifecycle.pop("preStop")["sleep"]["seconds"]
        stop = {"delaySeconds": seconds, "graceSeconds": max(grace, seconds + 1)}
    else:
        # Its own hook takes the place of the component's.
        stop = {"delaySeconds": min(_DELAY, grace - 1), "graceSeconds": max(grace, 1)}
    if not lifecycle:
        own.pop("lifecycle", None)
    if stop != {"delaySeconds": _DELAY, "graceSeconds": 45}:
        settings["stop"] = stop


def _drop_ports(own: dict[str, Any], ports: tuple[Port, ...]) -> None:
    """Those that the component writes itself."""
    made = {(port.container_port, port.transport) for port in ports}
    rest = [
        each
        for each in own.pop("ports", ())
        if (each["containerPort"], each.get("protocol", "TCP")) not in made
    ]
    if rest:
        own["ports"] = rest


def _keep_probe(own: dict[str, Any]) -> None:
    """The component's probe takes its place where nothing is said; and what is said of it is merged over that."""
    probe = own.get("readinessProbe")
    if probe is None:
        own["readinessProbe"] = None
        return
    usual = {key: defaults.PROBE[key] for key in ("failureThreshold", "periodSeconds", "timeoutSeconds")}
    own["readinessProbe"] = {**usual, **probe}
    if "httpGet" in probe:
        own["readinessProbe"]["httpGet"] = {"path": "/", **probe["httpGet"]}


def _rollout(spec: Mapping[str, Any]) -> dict[str, Any]:
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    found = {key: rolling[key] for key in _ROLLING if isinstance(rolling.get(key), int)}
    deadline = spec.get("progressDeadlineSeconds", _DEADLINE)
    ready_for = spec.get("minReadySeconds", 0)
    if ready_for:
        found["minReadySeconds"] = ready_for
    if deadline != _DEADLINE or ready_for:  # which is to be longer
        found["deadlineSeconds"] = max(5, deadline)
    rest = {key: value for key, value in found.items() if _ROLLING.get(key) != value}
    return {"rollout": rest} if rest else {}


def _exchanged(spec: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """How pods are exchanged, where the component says that in numbers of pods."""
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    now = {**_ROLLING, **settings.get("rollout", {})}
    return [
        f"strategy.rollingUpdate.{key}: {now[key]}, was {rolling.get(key, '25%')}"
        for key in _ROLLING
        if rolling.get(key, "25%") != now[key]
    ]


def _template(template: dict[str, Any], own: dict[str, Any], running: Running) -> dict[str, Any]:
    """What the component does not make by itself."""
    metadata = template["metadata"]
    labels = {
        key: value for key, value in metadata.pop("labels", {}).items() if key not in running.made_labels
    }
    if labels:
        metadata["labels"] = labels
    spec = template["spec"]
    spec["containers"] = [each for each in spec["containers"] if each is not own or set(own) - {"name"}]
    if not spec["containers"]:
        del spec["containers"]
    return {key: value for key, value in (("metadata", metadata), ("spec", spec)) if value}


def _rows(deployment: Object, running: Running) -> list[Row]:
    what, spec = said(deployment), deployment["spec"]
    rows = []
    if (spec.get("strategy") or {}).get("type") == "Recreate":
        rows.append(
            Row(
                what,
                CANNOT,
                "its strategy Recreate says that its pods must not run beside new ones, and the stack's start "
                "beside them",
                "see that two may run at once, and say RollingUpdate; if they must not, leave the pods as they "
                "are: --pods leave",
            )
        )
    said_besides = [key for key, usual in _NO_SETTING.items() if spec.get(key, usual) not in (usual, None)]
    if said_besides:
        rows.append(
            Row(
                what,
                CANNOT,
                f"there is no setting for {', '.join(said_besides)}",
                "leave it, or set it by a transform (docs/environments.md)",
            )
        )
    labels = spec["template"].get("metadata", {}).get("labels") or {}
    for key, value in running.made_labels.items():
        if labels.get(key, value) != value:
            rows.append(
                Row(
                    f"label {key} of the pods",
                    TAKEN,
                    f"it is {value} and was {labels[key]}: the component selects pods by it",
                    f"see who selects pods by {key}={labels[key]}: dashboards, alerts, policies of others",
                )
            )
    return rows


def _volumes(deployment: Object) -> list[Row]:
    claims = [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in deployment["spec"]["template"]["spec"].get("volumes") or ()
        if volume.get("persistentVolumeClaim")
    ]
    return [
        Row(
            f"PersistentVolumeClaim {deployment['metadata']['namespace']}/{claim}",
            STAYS,
            "the stack's pods use it beside the ones that run now, and so would a shadow's",
            "see that it may be mounted twice (ReadWriteMany), and give shadows a volume of their own",
        )
        for claim in claims
    ]


def secrets(value: Any, path: str) -> list[str]:
    """The paths of the values that are not written, as `pulumi config set --path` takes them."""
    if isinstance(value, Secret):
        return [path]
    if isinstance(value, Mapping):
        return [found for name, each in value.items() for found in secrets(each, f"{path}{_step(name)}")]
    if isinstance(value, list):
        return [found for place, each in enumerate(value) for found in secrets(each, f"{path}[{place}]")]
    return []


def _step(name: str) -> str:
    return f'["{name}"]' if set(name) & set('.["]') else f".{name}"
