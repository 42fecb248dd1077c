"""Who looks after an object, if it is somebody that would put it back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# By what their own documentation says marks an object as theirs: an annotation or a label, and who writes it.
_MARKS = {
    "meta.helm.sh/release-name": "Helm release {}",
    "argocd.argoproj.io/tracking-id": "Argo CD application {}",
    "argocd.argoproj.io/instance": "Argo CD application {}",
    "helm.toolkit.fluxcd.io/name": "Flux HelmRelease {}",
    "kustomize.toolkit.fluxcd.io/name": "Flux Kustomization {}",
}
_MANAGED_BY = "app.kubernetes.io/managed-by"


def owner(found: Mapping[str, Any]) -> str | None:
    """Helm, Argo CD, Flux or another object of the cluster; None: nobody who says so."""
    metadata = found["metadata"]
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    for mark, said in _MARKS.items():
        if mark in marks:
            return said.format(str(marks[mark]).split(":", 1)[0])
    if marks.get(_MANAGED_BY) == "Helm":
        return "Helm"
    return maker(found)


def maker(found: Mapping[str, Any]) -> str | None:
    """The object of the cluster that makes it, as KEDA's make autoscalers."""
    for other in found["metadata"].get("ownerReferences") or ():
        return f"{other['kind']} {other['name']}"
    return None


def take_out(found: Mapping[str, Any]) -> str:
    """What to do about its owner before it is deleted; "": nothing."""
    theirs = owner(found)
    return f"take it out of {theirs}, which would make it again" if theirs else ""
