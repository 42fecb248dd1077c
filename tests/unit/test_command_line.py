"""The program `mirrored-service`: its commands, and what it takes to run them."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module

import pytest

from lab.cluster.layout import CHECKOUT
from mirrored_service.commands.command_line import main

COMMANDS = ("adopt", "doctor", "status", "render", "stop-mirroring")


def test_help_names_every_command_and_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    for command in COMMANDS:
        assert f"\n    {command}" in told


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_tells_its_exit_status(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    told = capsys.readouterr().out
    assert told.startswith(f"usage: mirrored-service {command} ")
    assert "Exit status: 0" in " ".join(told.split())


@pytest.mark.parametrize(
    "line",
    [
        [],
        ["docter"],
        ["doctor"],
        ["doctor", "--stack=a", "--service=b/c"],
        ["adopt", "--service=b/c", "--stack=a"],
    ],
)
def test_a_wrong_command_line_does_nothing(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: mirrored-service")


@pytest.mark.parametrize("command", ["doctor", "status", "stop-mirroring"])
def test_a_service_is_named_with_its_namespace(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--service", "shop"]) in (1, 2)
    assert "--service 'shop' is not allowed; allowed: NAMESPACE/NAME" in capsys.readouterr().err


def test_the_component_imports_nothing_of_it() -> None:
    statement = (
        "import sys, mirrored_service; print([m for m in sys.modules if 'mirrored_service.commands' in m])"
    )
    assert subprocess.check_output([sys.executable, "-c", statement], text=True) == "[]\n"


def test_the_program_is_installed_with_the_component() -> None:
    project = tomllib.loads((CHECKOUT / "components" / "pyproject.toml").read_text())["project"]
    module, _, function = project["scripts"]["mirrored-service"].partition(":")
    assert getattr(import_module(module), function) is main


def test_python_runs_it_as_a_module() -> None:
    told = subprocess.check_output([sys.executable, "-m", "mirrored_service", "render", "--help"], text=True)
    assert told.startswith("usage: mirrored-service render ")


def test_the_kill_switch_runs_with_nothing_installed() -> None:
    # -S: without site-packages, so without Pulumi and all that the component needs.
    python = [sys.executable, "-S", "-m", "kill_switch"]
    told = subprocess.run(
        [*python, "--help"], cwd=CHECKOUT, capture_output=True, text=True, env={"PATH": os.defpath}
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("usage: python -m kill_switch ")
    wrong = subprocess.run([*python, "--service=shop"], cwd=CHECKOUT, capture_output=True, text=True)
    assert (wrong.returncode, "NAMESPACE/NAME" in wrong.stderr) == (1, True)
