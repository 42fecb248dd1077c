"""Istio itself: its version and mode, the sidecars that it gives pods, its settings that matter here. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from .finding import DANGER, WARNING, Finding, NotChecked, NotReadError
from .seen import Seen
from .selectors import by_selector
from .subject import Object, labels, said

Findings = Iterator[Finding | NotChecked]

REVISION = "istio.io/rev"
INJECTION = "istio-injection"
MODE = "istio.io/dataplane-mode"
PROXY = "istio-proxy"
_OLDEST = (1, 22)  # has networking.istio.io/v1
_COPIES_LARGE_BODIES = (1, 25)
_KEEPS_HOSTS = (1, 28)
_RUNS_LUA = (1, 30)  # has extensions.istio.io/v1alpha1, TrafficExtension
# What Istio has of itself (DefaultMeshConfig in pkg/config/mesh/mesh.go).
_BUILT_IN_PROVIDERS = {"prometheus", "stackdriver", "envoy"}
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_EXPORTS = {
    "defaultVirtualServiceExportTo": "VirtualServices",
    "defaultDestinationRuleExportTo": "DestinationRules",
    "defaultServiceExportTo": "Services",
}


def ambient(seen: Seen) -> Findings:
    places = [seen.namespace] if seen.namespace else []
    pods = [pod for version in seen.subject.versions for pod in seen.pods(version)]
    for found in [*places, *pods]:
        injected = _has_sidecar(found) or not {INJECTION, REVISION}.isdisjoint(labels(found))
        if labels(found).get(MODE) == "ambient" and not injected:
            yield Finding(
                DANGER,
                f"{said(found)} is in ambient mode (label {MODE})",
                "requests are copied by a sidecar or a gateway's proxy; ambient's node proxy knows no routes, so "
                "nothing that callers in the mesh send would be routed or copied",
                f"this component does not do ambient: take the label off, give {INJECTION}: enabled (or "
                f"{REVISION}) and restart the pods, or leave the service as it is",
            )
            return


def version(seen: Seen) -> Findings:
    told = _istio_version(seen)
    number = tuple(map(int, told.split(".")[:2]))
    if number < _OLDEST:
        yield Finding(
            DANGER,
            f"Istio is {told}",
            "networking.istio.io/v1, which the rules and routes are of, is there from 1.22 on",
            "upgrade Istio to 1.28 or later",
        )
    elif number < _COPIES_LARGE_BODIES:
        yield Finding(
            WARNING,
            f"Istio is {told}",
            "its proxies copy no request whose body is above 1 MiB, and add -shadow to the host name of copies",
            "upgrade Istio to 1.28 or later",
        )
    elif number < _KEEPS_HOSTS:
        yield Finding(
            WARNING,
            f"Istio is {told}",
            "its proxies add -shadow to the host name of copies, which the shadow may not know",
            "upgrade Istio to 1.28 or later",
        )
    if number < _RUNS_LUA and seen.subject.of("TrafficExtension"):
        yield Finding(
            DANGER,
            f"Istio is {told}, and the config has answerDigests",
            "TrafficExtensions are there from 1.30 on; `up` fails before it changes what serves",
            "upgrade Istio to 1.30 or later, or take answerDigests out",
        )


def _istio_version(seen: Seen) -> str:
    """Of the control plane; where that may not be read, of the sidecars."""
    images = []
    why = ""
    try:
        images = [container["image"] for container in _containers(_istiod(seen))]
    except NotReadError as problem:
        why = str(problem)
        pods = [pod for found in seen.subject.versions for pod in seen.pods(found)]
        images = [each["image"] for pod in pods for each in _all_containers(pod) if each["name"] == PROXY]
    for image in images:
        if told := re.search(r":v?(\d+\.\d+(\.\d+)?)", image):
            return told[1]
    raise NotReadError(why or f"no image of Istio tells its version: {', '.join(sorted(set(images)))}")


def injection(seen: Seen) -> Findings:
    """Would pods of the versions be given a sidecar? Asks the selectors of Istio's own webhooks."""
    namespace = seen.namespace
    if namespace is None:
        if seen.subject.configured and not seen.subject.of("Namespace"):
            yield Finding(
                DANGER,
                f"there is no namespace {seen.subject.namespace}",
                "an `up` fails, as the config says that it is there (createNamespace: false)",
                f"make it, with the label {INJECTION}: enabled",
            )
        return
    if labels(namespace).get(MODE) == "ambient":
        return
    webhooks = [hook for found in _injectors(seen) for hook in found.get("webhooks") or ()]
    if not webhooks:
        raise NotReadError("this cluster has no webhook of Istio that injects sidecars")
    for found in seen.subject.versions:
        made = next(iter(seen.label_sets(found)))
        opted_out = _opts_out(seen, found.name)
        if any(_applies(hook, labels(namespace), made) for hook in webhooks) and not opted_out:
            continue
        why_not = _why_not(seen, namespace, made, opted_out=opted_out)
        yield Finding(
            DANGER,
            f"new pods of {found.name} get no sidecar: {why_not}",
            "a version without sidecars gets no copy: these come as the mesh's own HTTP/2. Its callers, "
            "limits and containment are not what the config says",
            f"label the namespace {INJECTION}: enabled, or {REVISION}: one of "
            f"{', '.join(_revisions(seen)) or 'its revisions'}, and never both; then restart the pods",
        )
        return


def _why_not(seen: Seen, namespace: Object, made: Mapping[str, str], *, opted_out: bool) -> str:
    found = labels(namespace)
    if opted_out:
        return "their annotation sidecar.istio.io/inject is false"
    if made.get("sidecar.istio.io/inject") == "false":
        return "their label sidecar.istio.io/inject is false"
    if found.get(INJECTION) == "disabled":
        return f"the namespace says {INJECTION}: disabled"
    if INJECTION in found:
        return f"the namespace says {INJECTION}: {found[INJECTION]}, and no control plane is the default one"
    if REVISION in found:
        return f"the namespace says {REVISION}: {found[REVISION]}, and there is no such revision"
    return "neither the namespace nor the pods ask for one"


def sidecars(seen: Seen) -> Findings:
    """Have the pods that run one?"""
    for found in seen.subject.versions:
        without = [pod for pod in seen.pods(found) if not _has_sidecar(pod)]
        if without:
            names = ", ".join(pod["metadata"]["name"] for pod in without[:3])
            yield Finding(
                DANGER,
                f"{len(without)} of {len(seen.pods(found))} pods of {found.name} have no sidecar ({names})",
                "copies to them do not arrive, as they come as the mesh's own HTTP/2, and what limits or "
                "contains the version does not hold",
                f"if the namespace is set up for injection: kubectl rollout restart --namespace "
                f"{seen.subject.namespace} deployment/{seen.subject.name}-{found.name}",
            )


def log_provider(seen: Seen) -> Findings:
    asked = {
        provider["name"]
        for telemetry in seen.subject.of("Telemetry")
        for logging in telemetry["spec"].get("accessLogging") or ()
        for provider in logging.get("providers") or ()
    }
    if not asked:
        return
    known = {found["name"] for found in _mesh_config(seen).get("extensionProviders") or ()}
    for name in sorted(asked - known - _BUILT_IN_PROVIDERS):
        yield Finding(
            WARNING,
            f"accessLog names the log provider {name}, which the mesh's config does not have",
            "the sidecars write no access log then, and the shadow report gets nothing to compare",
            "add it to meshConfig.extensionProviders (docs/collect.md), or name one of "
            f"{', '.join(sorted(known)) or 'your own'}",
        )


def debounce(seen: Seen) -> Findings:
    """Does the wait for the proxies cover the time that istiod waits before it tells them?"""
    settle = seen.subject.settle_seconds
    if settle is None:
        return
    variables = {
        entry["name"]: entry.get("value", "")
        for container in _containers(_istiod(seen))
        for entry in container.get("env") or ()
    }
    after, longest = (seconds(variables.get(f"PILOT_DEBOUNCE_{end}", "")) for end in ("AFTER", "MAX"))
    if after is not None and after >= settle:
        yield Finding(
            DANGER,
            f"istiod waits {after:g} s before it tells proxies of a change (PILOT_DEBOUNCE_AFTER), and "
            f"settleSeconds is {settle:g}",
            "an `up` goes on before any proxy knows of the change: requests are lost when versions change roles",
            f"settleSeconds: {after + 2:g} or more; {max(after, longest or 10.0) + 2:g} on a mesh that is busy",
        )
    elif longest is not None and longest > max(settle, 10.0):
        yield Finding(
            WARNING,
            f"istiod waits up to {longest:g} s while changes keep coming (PILOT_DEBOUNCE_MAX), and "
            f"settleSeconds is {settle:g}",
            "on a busy mesh an `up` may go on before the proxies know of the change",
            f"settleSeconds: {longest + 2:g}",
        )


def default_traffic_policy(seen: Seen) -> Findings:
    policy = _mesh_config(seen).get("defaultTrafficPolicy")
    if policy:
        yield Finding(
            WARNING,
            f"the mesh's config has a defaultTrafficPolicy ({', '.join(sorted(policy))})",
            "it holds for live requests to every version, where the component sets no limits on purpose",
            "see that what it limits is enough for the service, or set what you want in trafficPolicy",
        )


def visibility(seen: Seen) -> Findings:
    found = _mesh_config(seen)
    for setting, what in _EXPORTS.items():
        where = found.get(setting)
        if where and "*" not in where:
            yield Finding(
                DANGER,
                f"{what} are visible in {', '.join(where)} only, by the mesh's {setting}",
                "the component's objects say nothing of exportTo: gateways and callers of other namespaces "
                "do not see them, so requests take another way, or none",
                f"take {setting} out of the mesh's config, or give the gateway a place in the service's "
                "namespace",
            )


def _mesh_config(seen: Seen) -> Mapping[str, Any]:
    revision = _revision(seen)
    wanted = "istio" if revision == "default" else f"istio-{revision}"
    for found in seen.mesh("ConfigMap"):
        if found["metadata"]["name"] == wanted:
            read: Mapping[str, Any] = yaml.safe_load((found.get("data") or {}).get("mesh") or "") or {}
            return read
    raise NotReadError(f"the mesh's config: there is no ConfigMap {seen.root}/{wanted}")


def _istiod(seen: Seen) -> Object:
    revision = _revision(seen)
    for found in _istiods(seen):
        if labels(found).get(REVISION, "default") == revision:
            return found
    raise NotReadError(f"no istiod of the revision {revision} is in the namespace {seen.root}")


def _istiods(seen: Seen) -> list[Object]:
    return [found for found in seen.mesh("Deployment") if labels(found).get("app") == "istiod"]


def _revision(seen: Seen) -> str:
    """Whose sidecars the namespace's pods get; of a mesh with one control plane, that one."""
    namespace = seen.namespace
    try:
        for found in _injectors(seen) if namespace else ():
            for hook in found.get("webhooks") or ():
                if namespace and _applies(hook, labels(namespace), {}):
                    return labels(found).get(REVISION, "default")
    except NotReadError:
        pass  # whoever may not read webhooks can still be told of a mesh with one control plane
    there = sorted({labels(found).get(REVISION, "default") for found in _istiods(seen)})
    if len(there) != 1:
        raise NotReadError(
            f"which control plane is the namespace's: {', '.join(there) or 'none'} in the namespace {seen.root} "
            "(--istio-namespace, if Istio is elsewhere)"
        )
    return there[0]


def _injectors(seen: Seen) -> list[Object]:
    hooks = seen.cluster("MutatingWebhookConfiguration")
    return [found for found in hooks if labels(found).get("app") == "sidecar-injector"]


def _revisions(seen: Seen) -> list[str]:
    """What the label istio.io/rev can say: revisions, and tags of them."""
    found = [labels(each) for each in _injectors(seen)]
    return sorted(
        {name for each in found for name in (each.get("istio.io/tag") or each.get(REVISION),) if name}
    )


def _applies(hook: Mapping[str, Any], namespace: Mapping[str, str], pod: Mapping[str, str]) -> bool:
    return by_selector(hook.get("namespaceSelector") or {}, namespace) and by_selector(
        hook.get("objectSelector") or {}, pod
    )


def _opts_out(seen: Seen, version: str) -> bool:
    """By the older annotation, which no webhook asks for."""
    name = f"{seen.subject.name}-{version}"
    templates = [
        found["spec"]["template"]["metadata"]
        for found in seen.subject.of("Deployment")
        if found["metadata"]["name"] == name
    ]
    return any(
        (each.get("annotations") or {}).get("sidecar.istio.io/inject") == "false" for each in templates
    )


def _has_sidecar(pod: Object) -> bool:
    return any(container["name"] == PROXY for container in _all_containers(pod))


def _all_containers(pod: Object) -> list[Mapping[str, Any]]:
    """Native sidecars are init containers."""
    spec = pod.get("spec", {})
    return [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]


def _containers(deployment: Object) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = deployment["spec"]["template"]["spec"]["containers"]
    return found


def seconds(duration: str) -> float | None:
    """Of a duration as Go writes it, such as 1m30s; None: it is none."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
