"""Reads what runs in a version's pods, and how they take over from each other and end."""

from __future__ import annotations

from typing import Any

import pulumi

from .. import args as public
from ..description.pods import Rollout, Stop
from . import syntax
from .fields import MISSING, Fields, fits

_NAME_TEXT = "the name of a Kubernetes object: a-z, 0-9, '-' and '.', at most 253"
_IMAGE_TEXT = 'a container image, such as "registry.example/shop:1"'
_VARIABLE_TEXT = "letters, digits, '_', '-' and '.', not starting with a digit"
_ENV_TEXT = "variables whose values are strings without NUL (put numbers in quotes)"
_QUANTITY_TEXT = 'a Kubernetes quantity as a string, such as "250m" or "128Mi"'
_WHOLE_TEXT = 'a whole number, such as "128Mi": "m" is a thousandth'
_RESOURCE_TEXT = 'cpu, memory, ephemeral-storage, or an extended resource such as "example.org/gpu"'


def object_input(fields: Fields, key: str, default: Any) -> Any:
    """The name of a Kubernetes object, which may be the output of another resource."""
    return fields.text_or_output(key, default, _NAME_TEXT, syntax.OBJECT_NAME)


def image(fields: Fields) -> pulumi.Input[str]:
    """The image; "" where others run the pods."""
    default = MISSING if fields.values.get("podLabels") is None else ""
    found: pulumi.Input[str] = fields.text_or_output("image", default, _IMAGE_TEXT, syntax.is_image)
    return found


def env(fields: Fields) -> dict[str, pulumi.Input[str]]:
    env = fields.entries("env", _ENV_TEXT)
    for name, value in env.items():
        if not fits(syntax.ENV_NAME, name):
            fields.refuse_name("env", name, _VARIABLE_TEXT)
        elif not (isinstance(value, pulumi.Output) or syntax.is_text(value)):
            fields.refuse(("env", name), value, _ENV_TEXT, secret=True)
    return env


def resources(fields: Fields) -> tuple[dict[str, str], dict[str, str]]:
    section = fields.section("resources", public.ResourcesArgs)
    requests, limits = _quantities(section, "requests"), _quantities(section, "limits")
    for name, request in requests.items() if section.sound else ():
        _check_limit(section, name, request, limits.get(name))
    for name, default in (("cpu", "100m"), ("memory", "128Mi")):
        # With a limit and no request, Kubernetes requests the limit; a default above it would be refused.
        if name not in requests and name not in limits:
            requests[name] = default
    return requests, limits


def _quantities(section: Fields, key: str) -> dict[str, str]:
    quantities = section.entries(key, "quantities by resource")
    for name, raw in quantities.items():
        if not (isinstance(name, str) and syntax.is_resource(name)):
            section.refuse_name(key, name, _RESOURCE_TEXT)
        elif name != "cpu":
            _check_whole(section, (key, name), raw)
        elif syntax.quantity(raw) is None:
            section.refuse((key, name), raw, _QUANTITY_TEXT)
    return quantities


def _check_whole(section: Fields, below: tuple[str, ...], raw: Any) -> None:
    value = syntax.quantity(raw)
    if value is None:
        section.refuse(below, raw, _QUANTITY_TEXT)
    elif value % 1:
        section.refuse(below, raw, _WHOLE_TEXT)


def _check_limit(section: Fields, name: str, request: str, limit: str | None) -> None:
    asked, most = syntax.quantity(request), syntax.quantity(limit)
    if syntax.is_extended_resource(name) and asked != most:
        section.refuse(("limits", name), limit, f"the same as the request, {request}: it is never shared")
    elif asked is not None and most is not None and most < asked:
        section.refuse(("limits", name), limit, f"at least the request, which is {request}")


def rollout(fields: Fields) -> Rollout:
    section = fields.section("rollout", public.RolloutArgs)
    rollout = Rollout(
        max_surge=section.whole("maxSurge", 1, 0, 10_000),
        max_unavailable=section.whole("maxUnavailable", 0, 0, 10_000),
        deadline_seconds=section.whole("deadlineSeconds", 300, 5, 86_400),
        min_ready_seconds=section.whole("minReadySeconds", 0, 0, 86_399),
    )
    if section.sound and rollout.max_surge == rollout.max_unavailable == 0:
        section.refuse(("maxSurge",), 0, "at least 1 next to maxUnavailable 0, or no pod could be exchanged")
    if section.sound and rollout.min_ready_seconds >= rollout.deadline_seconds:
        allowed = f"less than deadlineSeconds, which is {rollout.deadline_seconds}"
        section.refuse(("minReadySeconds",), rollout.min_ready_seconds, allowed)
    return rollout


def stop(fields: Fields) -> Stop:
    section = fields.section("stop", public.StopArgs)
    delay = section.whole("delaySeconds", 15, 0, 3600)
    grace = section.whole("graceSeconds", 45, 1, 7200)
    if section.sound and grace <= delay:
        section.refuse(("graceSeconds",), grace, f"more than delaySeconds, which is {delay}")
    return Stop(delay, grace)
