"""Reads the stack's config: the only place that does. The component checks what is read here."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast, get_type_hints

import pulumi
from pulumi.runtime import config as stack_config

from mirrored_service import InvalidArgsError, MirroredServiceArgs
from mirrored_service.reading import openapi, template
from mirrored_service.reading.fields import shown
from mirrored_service.reading.service import parse

# What Pulumi keeps secret all the way into the cluster: these properties of versions, and nothing else.
SECRETS_IN = "subsets"
MAY_BE_SECRET = ("env", "image", "podTemplate")
# What the component reads in a template: whom the pods run as, and whatever tells members of lists apart. With
# anything of it a secret, Pulumi keeps all of a Deployment's spec as one.
PLAIN_IN_TEMPLATES = frozenset(
    {"labels", "restartPolicy", "serviceAccountName", template.INJECT, *openapi.merge_keys()}
)
STACK = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")

# What another stack says of the service to mirror to: its host and port.
Target = Callable[[str], Mapping[str, Any]]


def load() -> MirroredServiceArgs:
    """The arguments of the stack's service, as the config has them: unknown keys included, so that a misspelt
    one is refused and not passed over."""
    prefix = pulumi.get_project() + ":"
    keys = {**stack_config.get_config_env(), **stack_config.CONFIG.get()}
    values = read({key.removeprefix(prefix): str(keys[key]) for key in keys if key.startswith(prefix)})
    secret = sorted(key for key in values if stack_config.is_config_secret(prefix + key))
    if SECRETS_IN in secret:
        values[SECRETS_IN] = _sealed(values[SECRETS_IN])  # before anything is said of it
    check(values, secret)
    protocol = str(values.get("protocol", "http"))
    return cast(MirroredServiceArgs, with_target(values, lambda stack: target_of(stack, protocol)))


def read(texts: Mapping[str, str]) -> dict[str, Any]:
    """Config as Pulumi hands it over, as text: strings stay as they are, everything else is JSON."""
    types = get_type_hints(MirroredServiceArgs)
    return {key: text if types.get(key) is str else _from_json(text) for key, text in texts.items()}


def check(values: Mapping[str, Any], secret: list[str]) -> None:
    """Raises InvalidArgsError with what the component cannot know, and with its own problems too."""
    problems = [
        f"{key}: a secret is not allowed; allowed: secrets in {', '.join(MAY_BE_SECRET)} of {SECRETS_IN} only, "
        "as it would stand in the state and in the cluster for everyone to read"
        for key in secret
        if key != SECRETS_IN
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


# Stands for another stack's service wherever it does not matter which.
ANY_TARGET = {"host": "any.example", "port": 80}


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


def target_of(stack: str, protocol: str) -> dict[str, Any]:
    """Host and port that the other stack's last `up` said; raises InvalidArgsError unless it is a service that
    speaks the protocol."""
    return checked(stack, _outputs_of(stack), protocol)


def checked(stack: str, outputs: Mapping[str, Any], protocol: str) -> dict[str, Any]:
    """Host and port in another stack's outputs."""
    found = outputs.get("mirrorTarget")
    if not isinstance(found, Mapping) or not {"host", "port", "protocol"} <= set(found):
        raise _refused(
            stack,
            "a stack with the output mirrorTarget, as this program has it after `pulumi up`; without mirrorTo "
            "nothing is copied there",
        )
    if found["protocol"] != protocol:
        spoken = found["protocol"]
        raise _refused(
            stack, f"a service that speaks {protocol} as this one does, and that one speaks {spoken}"
        )
    return {"host": str(found["host"]), "port": int(found["port"])}


def _outputs_of(stack: str) -> Mapping[str, Any]:
    """What a StackReference reads, by the engine's function beneath it: the resource would stay in the state, and
    `up` and `destroy`, which refresh it, would fail for as long as the other stack is gone."""
    try:
        read = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": stack}).value
    except Exception as error:
        why = str(error).rpartition("returned an error: ")[2]
        raise _refused(
            stack, f"a stack that is there and can be read; without mirrorTo nothing is copied there ({why})"
        ) from None
    outputs: Mapping[str, Any] = read["outputs"]
    return outputs


def _refused(stack: str, allowed: str) -> InvalidArgsError:
    return InvalidArgsError("stack config", [f"mirrorTo.stack: {stack!r} is not allowed; allowed: {allowed}"])


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # no JSON, or a number of thousands of digits
        return text  # the component says what is allowed instead


def _sealed(subsets: Any) -> Any:
    """Makes secrets of all that may be one: Pulumi marks a key as a whole when one value in it is secret, and
    does not tell which."""
    if not isinstance(subsets, dict):
        return subsets
    return {name: _seal_version(subset) for name, subset in subsets.items()}


def _seal_version(subset: Any) -> Any:
    if not isinstance(subset, dict):
        return subset
    plain = {"podTemplate": PLAIN_IN_TEMPLATES}
    return {
        key: _seal(value, plain.get(key, frozenset())) if key in MAY_BE_SECRET else value
        for key, value in subset.items()
    }


def _seal(value: Any, plain: frozenset[str]) -> Any:
    """The same, with every string in it a secret, but for what is under one of the plain keys; what should be no
    string is left to be refused."""
    if isinstance(value, str):
        return pulumi.Output.secret(value)
    if isinstance(value, dict):
        return {key: member if key in plain else _seal(member, plain) for key, member in value.items()}
    return [_seal(member, plain) for member in value] if isinstance(value, list) else value
