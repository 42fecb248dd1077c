"""Reads the stack's config: the only place that does. The component checks what is read here."""

import json
from collections.abc import Mapping
from typing import Any, cast, get_type_hints

import pulumi
from pulumi.runtime import config as stack_config

from mirrored_service import MirroredServiceArgs


def load() -> MirroredServiceArgs:
    """The arguments of the stack's service, as the config has them: unknown keys included, so that a misspelt
    one is refused and not passed over."""
    prefix = pulumi.get_project() + ":"
    keys = {**stack_config.get_config_env(), **stack_config.CONFIG.get()}
    values = parse({key.removeprefix(prefix): str(keys[key]) for key in keys if key.startswith(prefix)})
    if stack_config.is_config_secret(prefix + "subsets"):
        values["subsets"] = _with_secret_env(values["subsets"])
    return cast(MirroredServiceArgs, values)


def parse(texts: Mapping[str, str]) -> dict[str, Any]:
    """Config as Pulumi hands it over, as text: strings stay as they are, everything else is JSON."""
    types = get_type_hints(MirroredServiceArgs)
    return {key: text if types.get(key) is str else _from_json(text) for key, text in texts.items()}


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # no JSON, or a number of thousands of digits
        return text  # the component says what is allowed instead


def _with_secret_env(subsets: Any) -> Any:
    """Makes every environment variable a secret: Pulumi marks a key as a whole when one value in it is secret,
    and does not tell which."""
    if not isinstance(subsets, dict):
        return subsets
    return {name: _seal(subset) for name, subset in subsets.items()}


def _seal(subset: Any) -> Any:
    if not isinstance(subset, dict) or not isinstance(subset.get("env"), dict):
        return subset
    sealed = {
        name: pulumi.Output.secret(value) if isinstance(value, str) else value
        for name, value in subset["env"].items()
    }
    return {**subset, "env": sealed}
