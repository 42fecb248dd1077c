"""Runs the Pulumi CLI for a stack whose cluster is the lab."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from .errors import LabError
from .lab import Lab

CHECKOUT = Path(__file__).resolve().parents[1]


class Stack:
    """One stack of a Pulumi program; by default of this checkout's own program.

    `config_file` replaces Pulumi.<stack>.yaml, so that a stack can have settings that are not in the tree.
    """

    def __init__(
        self, lab: Lab, name: str, program: Path = CHECKOUT, config_file: Path | None = None
    ) -> None:
        self.lab = lab
        self.name = name
        self.program = program
        self.config_file = config_file

    def select(self) -> None:
        """Makes the stack if it is not there."""
        self.output("stack", "select", "--create", self.name, *self._config_file())

    def run(self, *args: str, capture: bool = True) -> subprocess.CompletedProcess[str]:
        """`pulumi ARGS`; without `capture` its output goes straight to the user."""
        return subprocess.run(
            ["pulumi", *args, "--cwd", str(self.program), "--non-interactive"],
            env=self.lab.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=capture,
            text=True,
            check=False,
        )

    def change(self, verb: str, *args: str, capture: bool = True) -> subprocess.CompletedProcess[str]:
        """`pulumi up`, `preview`, `refresh` or `destroy` of the stack, without questions."""
        yes = () if verb == "preview" else ("--yes", "--skip-preview")
        return self.run(verb, "--stack", self.name, *self._config_file(), *yes, *args, capture=capture)

    def up(self, *args: str) -> str:
        return self._succeed(self.change("up", *args))

    def destroy(self, *args: str) -> str:
        return self._succeed(self.change("destroy", *args))

    def preview(self) -> list[dict[str, Any]]:
        """The steps of a preview that are not "same"."""
        steps = json.loads(self._succeed(self.change("preview", "--json")))["steps"]
        return [step for step in steps if step["op"] != "same"]

    def outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.output("stack", "output", "--json", "--stack", self.name))
        return found

    def config(self) -> dict[str, str]:
        """The stack's config as text, without the project's prefix."""
        found = json.loads(self.output("config", "--json", "--stack", self.name, *self._config_file()))
        return {key.rsplit(":", 1)[-1]: entry["value"] for key, entry in found.items()}

    def output(self, *args: str) -> str:
        return self._succeed(self.run(*args))

    def _config_file(self) -> tuple[str, ...]:
        return ("--config-file", str(self.config_file)) if self.config_file else ()

    def _succeed(self, ran: subprocess.CompletedProcess[str]) -> str:
        if ran.returncode:
            command = " ".join(ran.args)
            raise LabError(f"{command}: exit status {ran.returncode}\n{ran.stdout}{ran.stderr}")
        return ran.stdout
