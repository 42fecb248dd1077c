"""What others have made that selects the service's pods. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .finding import DANGER, NOTE, WARNING, Finding, NotChecked
from .seen import Seen
from .selectors import Labels, by_labels, by_selector
from .subject import Object, Version, said

Findings = Iterator[Finding | NotChecked]
Selects = Callable[[Mapping[str, Any] | None, Labels], bool]


def second_service(seen: Seen) -> Findings:
    """A Service that hands requests to versions that are not live."""
    for found in seen.others(seen.here("Service")):
        selector = found["spec"].get("selector")
        chosen = _chosen(seen, by_labels, selector)
        shadows = [version.name for version in chosen if not version.live]
        if not shadows:
            continue
        both = len(shadows) < len(chosen)
        yield Finding(
            DANGER if both else WARNING,
            f"{said(found)} selects pods of {_names(chosen)}",
            f"of requests to it that pass no route, {_names_of(shadows)} answers "
            + ("its share, though it is not live" if both else "all, though it is not live"),
            "delete it, or let it select the live version alone by the label version; moreServices makes "
            "one that follows the live version"
            if both
            else "nothing, if it is there to ask that version alone; else delete it",
        )


def disruption_budget(seen: Seen) -> Findings:
    for found in seen.others(seen.here("PodDisruptionBudget")):
        selector = found["spec"].get("selector")
        chosen = _chosen(seen, by_selector, selector)
        ours = [
            version.name
            for version in chosen
            for budget in seen.subject.of("PodDisruptionBudget")
            if any(by_selector(budget["spec"].get("selector"), labels) for labels in seen.label_sets(version))
        ]
        if ours:
            yield Finding(
                WARNING,
                f"{said(found)} selects pods of {_names_of(ours)}, as this service's own budget does",
                "Kubernetes evicts no pod that two budgets select: draining its node fails",
                "delete it",
            )
        elif len(chosen) > 1:
            yield Finding(
                WARNING,
                f"{said(found)} counts pods of {_names(chosen)} together",
                "while a shadow's pods are up, all pods of the live version may be evicted at once",
                "delete it, and set disruptionBudget, which makes one for each live version",
            )


def autoscaler(seen: Seen) -> Findings:
    """One that sets the number of pods, which the config sets too."""
    replicas = {
        found["metadata"]["name"]: found["spec"]["replicas"]
        for found in seen.subject.of("Deployment")
        if found["spec"].get("replicas") is not None
    }
    for found in seen.others(seen.here("HorizontalPodAutoscaler")):
        target = found["spec"].get("scaleTargetRef") or {}
        if target.get("kind") == "Deployment" and target.get("name") in replicas:
            yield Finding(
                DANGER,
                f"{said(found)} scales Deployment {target['name']}",
                f"every `up` sets its pods to {replicas[target['name']]} again, however many the load needs "
                "just then",
                "let the version say autoscaling, or scaledByOthers: true, in place of replicas",
            )


def sidecar_resource(seen: Seen) -> Findings:
    ours = [found["spec"].get("workloadSelector") or {} for found in seen.subject.of("Sidecar")]
    for found in seen.others(seen.policies("Sidecar")):
        selector = (found["spec"].get("workloadSelector") or {}).get("labels")
        if selector is None:
            if found["spec"].get("egress") or found["spec"].get("outboundTrafficPolicy"):
                yield Finding(
                    NOTE,
                    f"{said(found)} holds for every pod of its namespace without one of its own",
                    "it says what the versions may reach; a version with shadowIsolation has its own, "
                    "which knows nothing of it",
                    "nothing, if the versions reach what they need",
                )
            continue
        chosen = _chosen(seen, by_labels, selector)
        if not chosen or found["metadata"]["namespace"] != seen.subject.namespace:
            continue
        contained = [
            version.name
            for version in chosen
            if any(
                by_labels(mine.get("labels"), labels) for mine in ours for labels in seen.label_sets(version)
            )
        ]
        yield Finding(
            DANGER if contained else WARNING,
            f"{said(found)} selects pods of {_names(chosen)}",
            f"Istio follows one Sidecar for a pod, the older one: what contains {_names_of(contained)} may "
            "not hold"
            if contained
            else "it says what these versions may reach, and is not changed with their roles",
            "delete it, or let it select other pods",
        )


def authorization_policy(seen: Seen) -> Findings:
    yield from _policies(
        seen,
        "AuthorizationPolicy",
        "it refuses or lets in requests to {those} and not to {rest}: copies are refused where live requests are "
        "not, or live requests are after a promotion",
    )


def request_authentication(seen: Seen) -> Findings:
    yield from _policies(
        seen,
        "RequestAuthentication",
        "it judges tokens of requests to {those} and not to {rest}: the versions answer the same request "
        "differently, and the live one does after a promotion",
    )


def peer_authentication(seen: Seen) -> Findings:
    yield from _policies(
        seen,
        "PeerAuthentication",
        "it asks for another TLS of callers of {those} than of {rest}: copies are refused where live requests "
        "are not, or live requests are after a promotion",
    )
    for found in seen.others(seen.policies("PeerAuthentication")):
        mode = (found["spec"].get("mtls") or {}).get("mode")
        if mode == "DISABLE" and _policy_selects(seen, found):
            yield Finding(
                WARNING,
                f"{said(found)} switches mutual TLS off for the versions",
                "callers have no identity then: policies that let in or refuse by identity "
                "(shadowIsolation.protects of other services is one) do not tell them apart",
                "PERMISSIVE or STRICT in place of DISABLE",
            )


def network_policy(seen: Seen) -> Findings:
    """One that lets out what the service's own keeps in: Kubernetes adds up what policies allow."""
    for found in seen.others(seen.here("NetworkPolicy")):
        spec = found["spec"]
        lets_out = "Egress" in (spec.get("policyTypes") or ()) and bool(spec.get("egress"))
        chosen = _chosen(seen, by_selector, spec.get("podSelector") or {})
        contained = [
            version.name
            for version in chosen
            for ours in seen.subject.of("NetworkPolicy")
            if not version.live
            and any(by_selector(ours["spec"]["podSelector"], labels) for labels in seen.label_sets(version))
        ]
        if lets_out and contained:
            yield Finding(
                DANGER,
                f"{said(found)} lets requests of {_names_of(contained)} out",
                "what NetworkPolicies allow adds up: shadowIsolation.networkPolicy no longer holds for it",
                "let it select other pods, such as by the label version",
            )


def _policies(seen: Seen, kind: str, why: str) -> Findings:
    """Policies that hold for some of the versions only."""
    for found in seen.others(seen.policies(kind)):
        chosen = _policy_selects(seen, found)
        rest = [version for version in seen.subject.versions if version not in chosen]
        if chosen and rest and not found["spec"].get("targetRefs"):
            yield Finding(
                WARNING,
                f"{said(found)} selects pods of {_names(chosen)} only",
                why.format(those=_names(chosen), rest=_names(rest)),
                f"let it select all versions, by app: {seen.subject.name}, unless that is meant",
            )


def _policy_selects(seen: Seen, found: Object) -> list[Version]:
    selector: Mapping[str, Any] | None = found["spec"].get("selector")
    if not selector or not selector.get("matchLabels"):
        return list(seen.subject.versions)
    return _chosen(seen, by_labels, selector["matchLabels"])


def _chosen(seen: Seen, selects: Selects, selector: Mapping[str, Any] | None) -> list[Version]:
    """The versions some of whose pods are selected."""
    return [
        version
        for version in seen.subject.versions
        if any(selects(selector, labels) for labels in seen.label_sets(version))
    ]


def _names(versions: list[Version]) -> str:
    return _names_of([version.name for version in versions])


def _names_of(versions: list[str]) -> str:
    return " and ".join(versions) if len(versions) < 3 else f"{', '.join(versions[:-1])} and {versions[-1]}"
