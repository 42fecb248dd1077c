"""Reads labels and annotations that every object of the service gets besides its own.

Pods get none: a change of them would replace every pod.
"""

from __future__ import annotations

from . import syntax
from .fields import Fields
from .syntax import is_text

# What belongs to nobody but the user, of the recommended labels of Kubernetes.
FREE_LABELS = tuple(f"app.kubernetes.io/{name}" for name in ("component", "instance", "part-of"))
OWN_LABELS = ("app", "version")
# Kubernetes takes 256 KiB for all annotations of an object, its own included.
MOST_ANNOTATIONS = 100_000

_RESERVED = "means something to Kubernetes, Istio or Pulumi, and not the same for every object"


def read_labels(fields: Fields) -> dict[str, str]:
    """Labels for every object."""
    found = fields.labels("labels", "labels by name")
    for name in found:
        if name in OWN_LABELS:
            fields.refuse_name("labels", name, "a label that the component does not set itself")
        elif isinstance(name, str) and name not in FREE_LABELS and syntax.is_reserved(name):
            fields.refuse_name(
                "labels", name, f"{', '.join(FREE_LABELS)}, or a label of your own; this one {_RESERVED}"
            )
    return found


def read_annotations(fields: Fields) -> dict[str, str]:
    """Annotations for every object."""
    found = fields.entries("annotations", "annotations by name")
    for name, value in found.items():
        if not (isinstance(name, str) and syntax.is_label_key(name)):
            fields.refuse_name("annotations", name, "the key of a Kubernetes annotation")
        elif syntax.is_reserved(name):
            fields.refuse_name("annotations", name, f"an annotation of your own; this one {_RESERVED}")
        elif not is_text(value):
            fields.refuse(("annotations", name), value, "a string (put numbers in quotes)")
    _check_size(fields, found)
    return found


def service_annotations(fields: Fields) -> dict[str, str]:
    """Annotations of one Service, whose load balancer may be told something by Kubernetes' and Istio's keys "
    "too."""
    found = fields.entries("annotations", "annotations by name")
    for name, value in found.items():
        if not (isinstance(name, str) and syntax.is_label_key(name)):
            fields.refuse_name("annotations", name, "the key of a Kubernetes annotation")
        elif name.startswith("pulumi.com/"):
            fields.refuse_name("annotations", name, "none of Pulumi's, which the component sets")
        elif not is_text(value):
            fields.refuse(("annotations", name), value, "a string (put numbers in quotes)")
    _check_size(fields, found)
    return found


def _check_size(fields: Fields, found: dict[str, str]) -> None:
    if fields.problems.below(*fields.path, "annotations"):
        return
    size = sum(len(text.encode()) for entry in found.items() for text in entry)
    if size > MOST_ANNOTATIONS:
        fields.problems.add(
            (*fields.path, "annotations"),
            f"{size} bytes in all are not allowed; allowed: at most {MOST_ANNOTATIONS}",
        )
