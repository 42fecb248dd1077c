"""The stack: which service it is, and the percentages in its config."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .commands import run
from .errors import CommandError

SUBSETS = ":subsets"
ELSEWHERE = "mirrorTo"  # no version can be called so: it is a service of another environment


@dataclass(frozen=True)
class Service:
    """What has to be known about the stack's service. It need not be valid: the switch works all the same."""

    name: str
    namespace: str
    percentages: Mapping[str, float]  # of the versions, and of ELSEWHERE, whose percentage is not 0


class NoStack:
    """In place of a stack, where it is not known how the program is configured."""

    name = ""
    way_on = "nothing was changed"

    def stop(self, versions: list[str]) -> None:
        """Has no config to change."""


class Stack(NoStack):
    """One stack of the Pulumi program in a directory."""

    def __init__(self, name: str, directory: str) -> None:
        self.name = name
        self.directory = directory
        self.way_on = f"the config says 0: run `pulumi up --stack {name}`"
        self.config = self._read()

    def service(self) -> Service:
        project = next((key.removesuffix(SUBSETS) for key in self.config if key.endswith(SUBSETS)), None)
        if project is None:
            raise CommandError(
                f"the config of stack {self.name} has no subsets: is it a stack of this program?"
            )
        name, namespace = (self._value(f"{project}:{key}") for key in ("name", "namespace"))
        found = percentages(json.loads(self._value(project + SUBSETS)))
        if f"{project}:{ELSEWHERE}" in self.config:
            found |= percentage_elsewhere(json.loads(self._value(f"{project}:{ELSEWHERE}")))
        return Service(name, namespace, found)

    def stop(self, versions: list[str]) -> None:
        """Sets the percentages to 0 in the stack's config, so that the next `pulumi up` copies nothing either."""
        if versions:
            self._pulumi("config", "set-all", "--path", *(f"--plaintext={path(v)}=0" for v in versions))

    def cluster(self) -> dict[str, str]:
        """The settings of the Kubernetes provider that say which cluster it is, where the stack has them."""
        keys = {key: f"kubernetes:{key}" for key in ("context", "kubeconfig")}
        return {key: self._value(full) for key, full in keys.items() if full in self.config}

    def _value(self, key: str) -> str:
        entry = self.config.get(key)
        if entry is None:
            raise CommandError(f"the config of stack {self.name} has no {key}")
        if entry.get("value") is None:  # a secret, or something that holds one
            return self._pulumi("config", "get", key).strip()
        return str(entry["value"])

    def _read(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = json.loads(self._pulumi("config", "--json"))
        return found

    def _pulumi(self, *arguments: str) -> str:
        return run("pulumi", *arguments, "--stack", self.name, "--cwd", self.directory, "--non-interactive")


def named(text: str) -> Service:
    """The service of another program, given as NAMESPACE/NAME; how that program is configured is not known."""
    namespace, _, name = text.partition("/")
    if not (namespace and name) or "/" in name:
        raise CommandError(f"--service {text!r} is not allowed; allowed: NAMESPACE/NAME, such as shop/shop")
    return Service(name, namespace, {})


def path(version: str) -> str:
    """Where a version's percentage is in the config, or that of the service of another environment."""
    return f"{ELSEWHERE}.percent" if version == ELSEWHERE else f"subsets.{version}.mirrorPercent"


def percentages(subsets: Any) -> dict[str, float]:
    """The percentage of each version that has one other than 0."""
    found = subsets.items() if isinstance(subsets, dict) else ()
    return {
        version: subset["mirrorPercent"]
        for version, subset in found
        if isinstance(subset, dict) and subset.get("mirrorPercent")
    }


def percentage_elsewhere(mirror_to: Any) -> dict[str, float]:
    """The percentage of the service of another environment, if there is one other than 0."""
    percent = mirror_to.get("percent") if isinstance(mirror_to, dict) else None
    return {ELSEWHERE: percent} if percent else {}
