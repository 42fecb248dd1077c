"""What is in the cluster and is not what the config says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ... import additions
from .finding import DANGER, NOTE, WARNING, Finding, NotChecked
from .ownership import everything
from .seen import HERE, Place, Seen
from .subject import SERVICE, Object, is_ours, key, labels, said

Findings = Iterator[Finding | NotChecked]

_SHOWN = 4
_LONGEST = 60
_QUANTITIES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    **{unit: Decimal(10 ** (3 * power)) for power, unit in enumerate("MGTPE", 2)},
    **{f"{unit}i": Decimal(1024**power) for power, unit in enumerate("KMGTPE", 1)},
}
_SECRET = ("spec.template", "spec.lua")  # what may hold secrets: pods, and what digests answers


def as_configured(seen: Seen) -> Findings:
    """Of the service's objects: missing, changed, and added to."""
    if not seen.subject.configured:
        return
    there = everything(seen)
    ours = [found for found in seen.subject.objects if found["kind"] != "Namespace"]
    for place in dict.fromkeys(_place(seen, found) for found in ours):
        if place in seen.unread:
            yield NotChecked(f"{place[0]}s {place[1]}: {seen.unread[place]}")
    missing = [found for found in ours if key(found) not in there and _place(seen, found) in seen.read]
    if len(missing) == len(ours):
        yield Finding(
            NOTE,
            "nothing of the service is in the cluster",
            "this is before its first `up`",
            "see the other findings before it",
        )
        return
    for found in missing:
        yield Finding(
            DANGER,
            f"{said(found)} is missing",
            "the config says that it is there: somebody deleted it, an `up` ended halfway, or none came yet",
            "pulumi up",
        )
    for found in ours:
        now = there.get(key(found))
        if now is None or not is_ours(now) or labels(now).get(SERVICE) != seen.subject.name:
            continue
        yield from _differences(seen, found, now)


def _differences(seen: Seen, ours: Object, now: Object) -> Findings:
    # Of digests the key is one, whatever the config says of it.
    hidden = ours["kind"] == "TrafficExtension" or (seen.subject.secret and ours["kind"] == "Deployment")
    changed = list(changes(ours.get("spec"), now.get("spec"), "spec", hidden))
    if changed:
        yield Finding(
            DANGER,
            f"{said(now)} is not what the config says: {_some(changed)}",
            "somebody changed it by hand, or the config was changed since the last `up`",
            "pulumi up, if the config is right",
        )
    if "istio.io/" in ours["apiVersion"]:
        added = additions.paths(ours["spec"], now.get("spec"), "spec")
        if added and not changed:
            yield Finding(
                DANGER,
                f"{said(now)} has {_some(added)}, which the config does not have",
                "somebody added it by hand, and Pulumi takes back only what was changed: it stays through "
                "every `up`",
                f"{additions.command(ours)}, and take it out",
            )


def left_over(seen: Seen) -> Findings:
    """Objects with the service's labels that the config does not have."""
    if not seen.subject.configured:
        return
    for found in everything(seen).values():
        if (
            is_ours(found)
            and labels(found).get(SERVICE) == seen.subject.name
            and not seen.subject.owns(found)
        ):
            if key(found)[1] != seen.subject.namespace:
                continue  # another service of this name, in a namespace of its own
            yield Finding(
                WARNING,
                f"{said(found)} has the labels of this service, and is not in its config",
                "it is left from a version that is gone, or another stack makes a service of this name: "
                "two stacks take each other's objects away",
                "pulumi up takes it out if the stack knows it; else see which stack has it, and delete it "
                "if none does",
            )


def changes(ours: Any, now: Any, path: str, hidden: bool = False) -> Iterator[str]:
    """What is in ours and otherwise in the cluster. What the cluster has besides, such as defaults, is no
    change."""
    if isinstance(ours, Mapping):
        there = now if isinstance(now, Mapping) else {}
        for name, value in ours.items():
            yield from changes(value, there.get(name), f"{path}.{name}", hidden)
    elif isinstance(ours, Sequence) and not isinstance(ours, str):
        listed = now if isinstance(now, Sequence) and not isinstance(now, str) else ()
        if len(listed) > len(ours):
            yield f"{path} has {len(listed)} entries in place of {len(ours)}"
        for place, value in enumerate(ours):
            yield from changes(
                value, listed[place] if place < len(listed) else None, f"{path}[{place}]", hidden
            )
    elif not _same(ours, now):
        secret = hidden and path.startswith(_SECRET)
        yield path if secret else f"{path} is {_shown(now)} in place of {_shown(ours)}"


def _same(ours: object, now: object) -> bool:
    if ours == now or (now is None and ours in (None, "", False, 0)):
        return True
    one, other = quantity(ours), quantity(now)
    return one is not None and one == other


def quantity(value: object) -> Decimal | None:
    """Of a number, or of text such as 100m or 1Gi."""
    text = str(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else ""
    for unit in sorted(_QUANTITIES, key=len, reverse=True):
        if text.endswith(unit):
            number = _number(text[: -len(unit)])
            return None if number is None else number * _QUANTITIES[unit]
    return _number(text)


def _number(text: str) -> Decimal | None:
    digits = text.lstrip("+-").replace(".", "", 1)
    return Decimal(text) if digits.isascii() and digits.isdigit() and len(text) < 40 else None


def _place(seen: Seen, found: Object) -> Place:
    """Where the object was looked for."""
    kind, namespace, _ = key(found)
    return kind, HERE if namespace == seen.subject.namespace else namespace


def _shown(value: object) -> str:
    text = "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _some(found: Sequence[str]) -> str:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more
