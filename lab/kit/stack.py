"""Runs the Pulumi CLI for a stack whose cluster is the lab."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from lab.cluster.lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.errors import LabError


class Stack:
    """One stack of the Pulumi project in a directory; by default of this checkout's."""

    def __init__(self, lab: Lab, name: str, project: Path = CHECKOUT) -> None:
        self.name = name
        self.project = project
        self.environment = lab.environment()

    def select(self) -> None:
        """Makes the stack if it is not there."""
        self.output("stack", "select", "--create", self.name)

    def run(self, *args: str, capture: bool = True) -> subprocess.CompletedProcess[str]:
        """`pulumi ARGS`; without `capture` its output goes straight to the user."""
        return subprocess.run(
            self._command(*args),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=capture,
            text=True,
            check=False,
        )

    def change(self, verb: str, *args: str, capture: bool = True) -> subprocess.CompletedProcess[str]:
        """`pulumi up`, `preview`, `refresh` or `destroy` of the stack, without questions."""
        return self.run(*self._changing(verb), *args, capture=capture)

    def start(self, verb: str, output: IO[bytes], variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Like `change`, in the background and in a session of its own, that of all its processes."""
        return subprocess.Popen(
            self._command(*self._changing(verb)),
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def up(self, *args: str) -> str:
        return self._succeed(self.change("up", *args))

    def destroy(self, *args: str) -> str:
        return self._succeed(self.change("destroy", *args))

    def preview(self) -> list[dict[str, Any]]:
        """The steps of a preview that change something."""
        steps = json.loads(self._succeed(self.change("preview", "--json")))["steps"]
        return [step for step in steps if step["op"] not in ("same", "refresh")]

    def outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.output("stack", "output", "--json", "--stack", self.name))
        return found

    def config(self) -> dict[str, str]:
        """The stack's config as text, without the project's prefix."""
        found = json.loads(self.output("config", "--json", "--stack", self.name))
        return {key.rsplit(":", 1)[-1]: entry.get("value", "") for key, entry in found.items()}

    def output(self, *args: str) -> str:
        return self._succeed(self.run(*args))

    def _command(self, *args: str) -> list[str]:
        return ["pulumi", *args, "--cwd", str(self.project), "--non-interactive"]

    def _changing(self, verb: str) -> list[str]:
        yes = [] if verb == "preview" else ["--yes", "--skip-preview"]
        return [verb, "--stack", self.name, *yes]

    def _succeed(self, ran: subprocess.CompletedProcess[str]) -> str:
        if ran.returncode:
            command = " ".join(ran.args)
            raise LabError(f"{command}: exit status {ran.returncode}\n{ran.stdout}{ran.stderr}")
        return ran.stdout
