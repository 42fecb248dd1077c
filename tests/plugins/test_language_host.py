"""The language host runs programs and component packages in Python, under the real engine."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import Lab, plugins
from lab.build import programs

COMPONENT = """
from typing import Optional, TypedDict
import pulumi
from pulumi.provider.experimental import component_provider_host

class GreeterArgs(TypedDict):
    whom: pulumi.Input[str]
    \"\"\"Who is greeted.\"\"\"

class Greeter(pulumi.ComponentResource):
    greeting: pulumi.Output[str]

    def __init__(self, name: str, args: GreeterArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        super().__init__("greetings:index:Greeter", name, {}, opts)
        if args["whom"] == "nobody":
            raise ValueError("whom: nobody is not allowed")
        self.greeting = pulumi.Output.concat("hello ", args["whom"])
        self.register_outputs({"greeting": self.greeting})

component_provider_host(name="greetings", components=[Greeter])
"""
PROGRAM = """
import pulumi

class Greeter(pulumi.ComponentResource):
    greeting: pulumi.Output[str]

    def __init__(self, name, whom):
        super().__init__("greetings:index:Greeter", name, {"whom": whom, "greeting": None}, remote=True)

pulumi.export("said", Greeter("greeter", pulumi.Config().require("whom")).greeting)
"""


WAITING = """
import asyncio
import pulumi

print("the program waits", flush=True)

async def forever():
    await asyncio.sleep(120)

pulumi.export("never", pulumi.Output.from_input(forever()))
"""
WRONG = 'raise ValueError("weights: 90 is not allowed; allowed: a sum of 100")'


class Project:
    """A program, and a component package in a folder beside it."""

    def __init__(self, folder: Path, source: str) -> None:
        self.component, self.program = folder / "greetings", folder / "program"
        for part, text in ((self.component, COMPONENT), (self.program, source)):
            part.mkdir()
            (part / "__main__.py").write_text(text)
        (self.component / "PulumiPlugin.yaml").write_text("runtime: python\n")
        plugin = {"providers": [{"name": "greetings", "path": str(self.component)}]}
        project = {"name": "greeting", "runtime": "python", "plugins": plugin}
        (self.program / "Pulumi.yaml").write_text(json.dumps(project))
        self._environment = {**os.environ, **plugins.prepare(folder / "state", lambda line: None)}
        self.pulumi("stack", "init", "dev")

    def pulumi(self, *arguments: str, fails: bool = False) -> str:
        with self.start(*arguments) as running:
            shown, _ = running.communicate(timeout=180)
        assert (running.returncode != 0) == fails, shown
        return shown

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """pulumi in the background; both its outputs are one."""
        return subprocess.Popen(
            [programs.binary("pulumi"), "--non-interactive", "--color=never", *arguments],
            cwd=self.program,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Project:
    """The program that greets; the lab has built Pulumi."""
    return Project(tmp_path, PROGRAM)


def test_a_component_package_tells_its_schema(project: Project) -> None:
    schema = json.loads(project.pulumi("package", "get-schema", str(project.component)))
    inputs = schema["resources"]["greetings:index:Greeter"]["inputProperties"]
    assert inputs["whom"]["description"] == "Who is greeted."


def test_a_program_constructs_a_component_of_a_package(project: Project) -> None:
    project.pulumi("config", "set", "whom", "world")
    project.pulumi("up", "--yes", "--skip-preview")
    assert project.pulumi("stack", "output", "said").strip() == "hello world"


def test_a_mistake_in_the_arguments_reaches_the_user(project: Project) -> None:
    project.pulumi("config", "set", "whom", "nobody")
    assert "whom: nobody is not allowed" in project.pulumi("preview", fails=True)


def test_an_exception_in_the_program_is_shown_with_the_programs_own_frames(lab: Lab, tmp_path: Path) -> None:
    project = Project(tmp_path, WRONG)
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        shown = project.pulumi(*command, fails=True)
        assert "ValueError: weights: 90 is not allowed; allowed: a sum of 100" in shown
        assert "__main__.py" in shown
        assert "run_in_stack" not in shown


def test_interrupting_an_update_ends_the_program_soon(lab: Lab, tmp_path: Path) -> None:
    project = Project(tmp_path, WAITING)
    with project.start("up", "--yes", "--skip-preview") as update:
        assert update.stdout is not None
        for line in update.stdout:
            if "the program waits" in line:
                break
        started = time.monotonic()
        update.send_signal(signal.SIGINT)
        shown, _ = update.communicate(timeout=60)
    assert time.monotonic() - started < 20
    assert "cancelled" in shown
    assert json.loads(project.pulumi("stack", "output", "--json")) == {}, "the state can be read"
