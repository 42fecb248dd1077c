"""Which labels a selector selects, in Kubernetes' own terms. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Labels = Mapping[str, str]


def by_labels(wanted: Labels | None, labels: Labels) -> bool:
    """A Service's selector, or Istio's: nothing selects nothing."""
    return bool(wanted) and all(labels.get(key) == value for key, value in (wanted or {}).items())


def by_selector(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """A LabelSelector: an empty one selects everything, a missing one nothing."""
    if selector is None:
        return False
    same = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return same and all(_expression(found, labels) for found in selector.get("matchExpressions") or ())


def _expression(expression: Mapping[str, Any], labels: Labels) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    if expression["operator"] == "Exists":
        return key in labels
    if expression["operator"] == "DoesNotExist":
        return key not in labels
    if expression["operator"] == "In":
        return labels.get(key) in values
    return labels.get(key) not in values  # NotIn: a label that is missing is in no list
