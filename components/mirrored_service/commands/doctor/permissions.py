"""What `pulumi up` needs to be allowed, as deploy/rbac.yaml lists it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .finding import WARNING, Finding, NotChecked
from .seen import Seen
from .subject import Object, Subject, key

Findings = Iterator[Finding | NotChecked]
Permission = tuple[str, str, str, str]  # verb, API group, resource, namespace ("" for the cluster)

_MAKES = ("get", "list", "watch", "create", "patch", "delete")
_WAITS = ("list", "watch")
# What Pulumi's provider looks at while it waits for Deployments and Services.
_LOOKED_AT = (
    ("", "endpoints"),
    ("", "events"),
    ("", "persistentvolumeclaims"),
    ("", "pods"),
    ("apps", "replicasets"),
)
_SHOWN = 6
REVIEW = "SelfSubjectAccessReview"  # the question to the API server whether its asker may do something


def needed(subject: Subject) -> list[Permission]:
    """For the objects of a config."""
    found: dict[Permission, None] = {}
    for made in subject.objects:
        kind, namespace, _ = key(made)
        group = made["apiVersion"].rpartition("/")[0]
        verbs: Iterable[str] = _MAKES
        if kind == "Namespace":
            verbs = _MAKES[:-1]  # none is ever deleted
        found.update(dict.fromkeys((verb, group, plural(kind), namespace) for verb in verbs))
    waits = ((verb, *what, subject.namespace) for what in _LOOKED_AT for verb in _WAITS)
    return [*found, *waits]


def permissions(seen: Seen) -> Findings:
    if not seen.subject.configured:
        return
    seen.cluster(REVIEW)
    if seen.refused:
        more = f" and {len(seen.refused) - _SHOWN} more" if len(seen.refused) > _SHOWN else ""
        yield Finding(
            WARNING,
            f"whoever runs this may not {', '.join(seen.refused[:_SHOWN])}{more}",
            "a `pulumi up` with the same access fails there, maybe halfway",
            "nothing, if `up` runs with other access; else deploy/rbac.yaml has what it needs",
        )


def plural(kind: str) -> str:
    """As the API calls a kind's resource."""
    name = kind.lower()
    return name[:-1] + "ies" if name.endswith("y") and name[-2] not in "aeiou" else name + "s"


def said(permission: Permission) -> str:
    verb, group, resource, _ = permission
    return f"{verb} {resource}" + (f".{group}" if group else "")


def question(permission: Permission) -> Object:
    """What the API server answers whether its asker may do this."""
    verb, group, resource, namespace = permission
    asked = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": REVIEW,
        "spec": {"resourceAttributes": asked},
    }
