"""The stand-in for the language host runs Python component packages, for programs in any language."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from lab import Lab, plugins, tools

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


class Project:
    """A program that uses a component package from a folder beside it."""

    def __init__(self, folder: Path, lab: Lab) -> None:
        self.component, self.program = folder / "greetings", folder / "program"
        for part, source in ((self.component, COMPONENT), (self.program, PROGRAM)):
            part.mkdir()
            (part / "__main__.py").write_text(source)
        (self.component / "PulumiPlugin.yaml").write_text("runtime: python\n")
        plugin = {"providers": [{"name": "greetings", "path": str(self.component)}]}
        project = {"name": "greeting", "runtime": "python", "plugins": plugin}
        (self.program / "Pulumi.yaml").write_text(json.dumps(project))
        self._pulumi = tools.binary("pulumi")
        own = plugins.prepare(folder / "state", self._pulumi, lambda line: None)
        self._environment = {**os.environ, **lab.client_environment(), **own}

    def pulumi(self, *arguments: str, fails: bool = False) -> str:
        command = [str(self._pulumi), "--non-interactive", *arguments]
        done = subprocess.run(
            command, cwd=self.program, env=self._environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def project(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv(plugins.CHOICE, "stand-in")
    return Project(tmp_path, lab)


def test_a_component_package_tells_its_schema(project: Project) -> None:
    schema = json.loads(project.pulumi("package", "get-schema", str(project.component)))
    inputs = schema["resources"]["greetings:index:Greeter"]["inputProperties"]
    assert inputs["whom"]["description"] == "Who is greeted."


def test_a_program_constructs_a_component_of_a_package(project: Project) -> None:
    project.pulumi("stack", "init", "dev")
    project.pulumi("config", "set", "whom", "world")
    project.pulumi("up", "--yes", "--skip-preview")
    assert project.pulumi("stack", "output", "said").strip() == "hello world"


def test_a_mistake_in_the_arguments_reaches_the_user(project: Project) -> None:
    project.pulumi("stack", "init", "dev")
    project.pulumi("config", "set", "whom", "nobody")
    assert "whom: nobody is not allowed" in project.pulumi("preview", fails=True)
