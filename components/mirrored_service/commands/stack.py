"""What a stack's config says: the service as the component's arguments, and which cluster it is in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from ..args import MirroredServiceArgs
from ..reading import ports, stack_config
from .kill_switch.commands import run
from .kill_switch.errors import CommandError

CLUSTER = "kubernetes:"  # the settings of Pulumi's Kubernetes provider


@dataclass(frozen=True)
class Stack:
    """A stack of a program whose config keys are the component's arguments."""

    name: str
    project: Path  # the directory of its Pulumi.yaml

    def secrets(self) -> list[str]:
        """The keys that hold a secret."""
        return [key for key, entry in sorted(self._ours(self._config()).items()) if entry.get("secret")]

    def args(self) -> MirroredServiceArgs:
        """What the config describes, secrets in plain text.

        Raises InvalidArgsError with what is wrong with the config, CommandError where Pulumi cannot tell.
        """
        secret = self.secrets()
        ours = self._ours(self._config("--show-secrets") if secret else self._config())
        values = stack_config.read({key: entry["value"] for key, entry in ours.items()})
        stack_config.check(values, secret)
        protocol = ports.first_protocol(values.get("ports"))
        args = stack_config.with_target(values, lambda other: self._target(other, protocol))
        return cast(MirroredServiceArgs, args)

    def service(self) -> tuple[str, str]:
        """The service's name and namespace; the rest of the config need not be valid."""
        ours = self._ours(self._config())
        try:
            return str(ours["name"]["value"]), str(ours["namespace"]["value"])
        except KeyError as missing:
            raise CommandError(
                f"the config of stack {self.name} has no {missing.args[0]} in plain text"
            ) from None

    def cluster(self) -> dict[str, str]:
        """Which cluster it is: `context` and `kubeconfig`, where the config says so."""
        config = self._config()
        found = {key: config.get(CLUSTER + key) for key in ("context", "kubeconfig")}
        return {key: self._value(CLUSTER + key, entry) for key, entry in found.items() if entry}

    def last_update(self) -> Mapping[str, Any] | None:
        """The newest `pulumi up` in the stack's history; None: there was none, or it is not told."""
        try:
            pages = json.loads(self._pulumi("stack", "history", "--json", "--page-size", "20"))
        except (CommandError, ValueError):
            return None
        return next((entry for entry in pages or () if entry.get("kind") == "update"), None)

    def _config(self, *options: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._pulumi("config", "--json", *options))
        return found

    def _ours(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The keys of the project, without its prefix."""
        try:
            text = (self.project / "Pulumi.yaml").read_text()
        except OSError as problem:
            raise CommandError(f"no Pulumi program can be read in {self.project}: {problem}") from None
        prefix = f"{yaml.safe_load(text)['name']}:"
        return {key.removeprefix(prefix): config[key] for key in config if key.startswith(prefix)}

    def _value(self, key: str, entry: Mapping[str, Any]) -> str:
        value = None if entry.get("secret") else entry.get("value")
        return str(value) if value is not None else self._pulumi("config", "get", key).strip()

    def _target(self, other: str, protocol: str) -> dict[str, Any]:
        told = json.loads(pulumi(self.project, "stack", "output", "--json", "--stack", other))
        return stack_config.checked(other, told, protocol)

    def _pulumi(self, *arguments: str) -> str:
        return pulumi(self.project, *arguments, "--stack", self.name)


def pulumi(project: Path, *arguments: str) -> str:
    """What `pulumi` prints, run for the program in this directory."""
    return run("pulumi", *arguments, "--cwd", str(project), "--non-interactive")
