"""Takes the stack's config from Pulumi, for the program. What it means is read in the component's package."""

from collections.abc import Mapping
from typing import Any, cast

import pulumi
from pulumi.runtime import config

from mirrored_service import MirroredServiceArgs
from mirrored_service.description import openapi
from mirrored_service.reading import ports, stack_config, template
from mirrored_service.reading.stack_config import DIGESTS, KEY, MAY_BE_SECRET, SECRETS_IN

# What the component reads in a template: whom the pods run as, and whatever tells members of lists apart. With
# anything of it a secret, Pulumi keeps all of a Deployment's spec as one.
PLAIN_IN_TEMPLATES = frozenset(
    {"labels", "restartPolicy", "serviceAccountName", template.INJECT, *openapi.merge_keys()}
)


def load() -> MirroredServiceArgs:
    """The arguments of the stack's service, as the config has them: unknown keys included, so that a misspelt
    one is refused and not passed over."""
    prefix = pulumi.get_project() + ":"
    keys = {**config.get_config_env(), **config.CONFIG.get()}
    texts = {key.removeprefix(prefix): str(keys[key]) for key in keys if key.startswith(prefix)}
    values = stack_config.read(texts)
    secret = sorted(key for key in values if config.is_config_secret(prefix + key))
    if SECRETS_IN in secret:
        values[SECRETS_IN] = _sealed(values[SECRETS_IN])  # before anything is said of it
    if DIGESTS in secret and isinstance(values[DIGESTS], dict):
        digests = values[DIGESTS]
        values[DIGESTS] = {key: _seal(value) if key == KEY else value for key, value in digests.items()}
    stack_config.check(values, secret)
    protocol = ports.first_protocol(values.get("ports"))
    args = stack_config.with_target(values, lambda stack: target_of(stack, protocol))
    return cast(MirroredServiceArgs, args)


def target_of(stack: str, protocol: str) -> dict[str, Any]:
    """Host and port that the other stack's last `up` said; raises InvalidArgsError unless it is a service that
    speaks the protocol."""
    return stack_config.checked(stack, _outputs_of(stack), protocol)


def _outputs_of(stack: str) -> Mapping[str, Any]:
    """What a StackReference reads, by the engine's function beneath it: the resource would stay in the state, and
    `up` and `destroy`, which refresh it, would fail for as long as the other stack is gone."""
    try:
        read = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": stack}).value
    except Exception as error:
        why = str(error).rpartition("returned an error: ")[2]
        raise stack_config.refused(
            stack, f"a stack that is there and can be read; without mirrorTo nothing is copied there ({why})"
        ) from None
    outputs: Mapping[str, Any] = read["outputs"]
    return outputs


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


def _seal(value: Any, plain: frozenset[str] = frozenset()) -> Any:
    """The same, with every string in it a secret, but for what is under one of the plain keys; what should be no
    string is left to be refused."""
    if isinstance(value, str):
        return pulumi.Output.secret(value)
    if isinstance(value, dict):
        return {key: member if key in plain else _seal(member, plain) for key, member in value.items()}
    return [_seal(member, plain) for member in value] if isinstance(value, list) else value
