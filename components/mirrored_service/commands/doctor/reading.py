"""Reads what the checks look at, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from ..kill_switch.errors import CommandError
from ..kubectl import Kubectl, Object
from .permissions import REVIEW, needed, question, said
from .seen import CLUSTER, EVERYWHERE, HERE, MESH, Place, Seen
from .subject import Subject, in_cluster

OF_NAMESPACE = (
    "AuthorizationPolicy",
    "Deployment",
    "DestinationRule",
    "EnvoyFilter",
    "Gateway",
    "HTTPRoute",
    "HorizontalPodAutoscaler",
    "NetworkPolicy",
    "PeerAuthentication",
    "Pod",
    "PodDisruptionBudget",
    "RequestAuthentication",
    "Service",
    "ServiceAccount",
    "ServiceEntry",
    "Sidecar",
    "Telemetry",
    "TrafficExtension",
    "VirtualService",
)
OF_ALL = ("DestinationRule", "Gateway", "VirtualService")
OF_MESH = ("AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication", "Sidecar")
ISTIOD = "app=istiod"
REVISION = "istio.io/rev"
INJECTOR = "app=sidecar-injector"


def read(kubectl: Kubectl, subject: Subject, root: str) -> Seen:
    """What the checks of this service look at; `root` is Istio's namespace. A subject that has no config is read
    from the cluster as well.

    Raises CommandError where nothing at all could be read.
    """
    here, mesh = f"--namespace={subject.namespace}", f"--namespace={root}"
    parts: dict[str, Callable[[], tuple[Mapping[str, list[Object]], Mapping[str, str]]]] = {
        HERE: lambda: kubectl.lists(OF_NAMESPACE, here),
        EVERYWHERE: lambda: kubectl.lists(OF_ALL, "--all-namespaces"),
        MESH: lambda: kubectl.lists(OF_MESH, mesh),
    }
    for namespace, kinds in _elsewhere(subject).items():
        parts[namespace] = partial(kubectl.lists, kinds, f"--namespace={namespace}")
    with ThreadPoolExecutor(len(parts) + 5) as pool:
        lists = {where: pool.submit(part) for where, part in parts.items()}
        control = pool.submit(kubectl.lists, ["Deployment"], mesh, f"--selector={ISTIOD}")
        config = pool.submit(kubectl.lists, ["ConfigMap"], mesh, f"--selector={REVISION}")
        hooks = pool.submit(kubectl.lists, ["MutatingWebhookConfiguration"], f"--selector={INJECTOR}")
        place = pool.submit(_namespace, kubectl, subject.namespace)
        refusals = pool.submit(_refused, kubectl, subject)
        found: dict[Place, list[Object]] = {}
        unread: dict[Place, str] = {}
        answers = [(where, part.result()) for where, part in lists.items()]
        answers += [(MESH, control.result()), (MESH, config.result()), (CLUSTER, hooks.result())]
        answers.append((CLUSTER, place.result()))
    for where, (objects, why) in answers:
        found |= {(kind, where): items for kind, items in objects.items()}
        unread |= {(kind, where): text for kind, text in why.items()}
    if not found:
        raise CommandError(f"the cluster tells nothing: {next(iter(unread.values()))}")
    refused, why_not_asked = refusals.result()
    seen = Seen(subject, root, found, unread | why_not_asked, refused)
    if subject.configured:
        return seen
    everything = [each for items in found.values() for each in items]
    unlike = {
        (each["kind"], str(each["metadata"].get("namespace")), each["metadata"]["name"]): each
        for each in everything
    }
    return replace(seen, subject=in_cluster(subject.name, subject.namespace, unlike.values()))


def _elsewhere(subject: Subject) -> dict[str, list[str]]:
    """The kinds of the service's objects that are in other namespaces, by namespace."""
    found: dict[str, list[str]] = {}
    for kind, namespace, _ in sorted(subject.keys):
        if namespace not in ("", subject.namespace) and kind not in found.get(namespace, ()):
            found.setdefault(namespace, []).append(kind)
    return found


def _namespace(kubectl: Kubectl, name: str) -> tuple[dict[str, list[Object]], dict[str, str]]:
    try:
        found = kubectl.object("Namespace", name)
    except CommandError as problem:
        return {}, {"Namespace": str(problem).splitlines()[-1]}
    return {"Namespace": [found] if found else []}, {}


def _refused(kubectl: Kubectl, subject: Subject) -> tuple[list[str], dict[Place, str]]:
    """What the user may not do that `up` of a config needs; and why that was not answered."""
    if not subject.configured:
        return [], {}
    asked = needed(subject)
    try:
        answers = kubectl.create([question(permission) for permission in asked])
    except CommandError as problem:
        return [], {(REVIEW, CLUSTER): str(problem).splitlines()[-1]}
    pairs = zip(asked, answers, strict=True)
    denied = [said(permission) for permission, answer in pairs if not answer.get("status", {}).get("allowed")]
    return denied, {}
