"""Reads the config of a stack whose keys are the component's arguments: what this project's program and the
command line share. Pure. The component checks what is read here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast, get_type_hints

from ..args import MirroredServiceArgs
from . import answer_digests
from .fields import InvalidArgsError, shown
from .service import parse

# What Pulumi keeps secret all the way into the cluster: these properties of versions, the key of digests, and
# nothing else.
SECRETS_IN = "subsets"
MAY_BE_SECRET = ("env", "image", "podTemplate")
DIGESTS, KEY = answer_digests.SECTION, answer_digests.KEY
STACK = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
# Stands for another stack's service wherever it does not matter which.
ANY_TARGET = {"host": "any.example", "port": 80}

# What another stack says of the service to mirror to: its host and port.
Target = Callable[[str], Mapping[str, Any]]


def read(texts: Mapping[str, str]) -> dict[str, Any]:
    """Config as Pulumi hands it over, as text: strings stay as they are, everything else is JSON."""
    types = get_type_hints(MirroredServiceArgs)
    return {key: text if types.get(key) is str else _from_json(text) for key, text in texts.items()}


def check(values: Mapping[str, Any], secret: list[str]) -> None:
    """Raises InvalidArgsError with what the component cannot know, and with its own problems too."""
    problems = [
        f"{key}: a secret is not allowed; allowed: secrets in {', '.join(MAY_BE_SECRET)} of {SECRETS_IN}, and "
        f"{KEY} of {DIGESTS}, only, as it would stand in the state and in the cluster for everyone to read"
        for key in secret
        if key not in (SECRETS_IN, DIGESTS)
    ]
    mirror_to = values.get("mirrorTo")
    stack = mirror_to.get("stack") if isinstance(mirror_to, Mapping) else None
    if isinstance(mirror_to, Mapping) and stack is not None:
        problems += _problems_of_stack(stack, mirror_to)
        rest = {key: value for key, value in mirror_to.items() if key != "stack"}
        values = {**values, "mirrorTo": {**rest, **ANY_TARGET}}
    if not problems:
        return
    try:
        parse(cast(MirroredServiceArgs, values))
    except InvalidArgsError as others:
        problems += others.problems
    raise InvalidArgsError("stack config", problems)


def with_target(values: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """The arguments with host and port of the service of `mirrorTo.stack` in its place."""
    mirror_to = values.get("mirrorTo")
    if not isinstance(mirror_to, Mapping) or not isinstance(mirror_to.get("stack"), str):
        return dict(values)
    found = target(mirror_to["stack"])
    rest = {key: value for key, value in mirror_to.items() if key != "stack"}
    return {**values, "mirrorTo": {**rest, "host": found["host"], "port": found["port"]}}


def checked(stack: str, outputs: Mapping[str, Any], protocol: str) -> dict[str, Any]:
    """Host and port in another stack's outputs."""
    found = outputs.get("mirrorTarget")
    if not isinstance(found, Mapping) or not {"host", "port", "protocol"} <= set(found):
        raise refused(
            stack,
            "a stack with the output mirrorTarget, as this program has it after `pulumi up`; without mirrorTo "
            "nothing is copied there",
        )
    if found["protocol"] != protocol:
        spoken = found["protocol"]
        raise refused(
            stack, f"a service that speaks {protocol} as this one does, and that one speaks {spoken}"
        )
    return {"host": str(found["host"]), "port": int(found["port"])}


def _problems_of_stack(stack: Any, mirror_to: Mapping[str, Any]) -> list[str]:
    found = [
        f"mirrorTo.{key}: {shown(mirror_to[key])} is not allowed; allowed: nothing next to stack, whose output "
        "says it"
        for key in ("host", "port")
        if mirror_to.get(key) is not None
    ]
    if not (isinstance(stack, str) and STACK.fullmatch(stack)):
        found.append(
            f"mirrorTo.stack: {shown(stack)} is not allowed; allowed: another stack as "
            '"organization/project/stack"'
        )
    return found


def refused(stack: str, allowed: str) -> InvalidArgsError:
    return InvalidArgsError("stack config", [f"mirrorTo.stack: {stack!r} is not allowed; allowed: {allowed}"])


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # no JSON, or a number of thousands of digits
        return text  # the component says what is allowed instead
