"""What a program gets of the component: by `pip install ./components`, and from its git address."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from lab.cluster.layout import CHECKOUT
from tests import by_hand

pytestmark = pytest.mark.timeout(900)  # everything is fetched once

PROJECT: Any = tomllib.loads((CHECKOUT / "components" / "pyproject.toml").read_text())["project"]
TAG = f"v{PROJECT['version']}"
PROGRAM = """
import mirrored_service, pathlib
from mirrored_service.commands.command_line import main
print(pathlib.Path(mirrored_service.__file__).parent, mirrored_service.MirroredService.__name__)
print(main(["stop-mirroring", "--service", "shop"]))
"""
# A program without an engine: how many objects it registers, and renders.
MOCKED = """
import asyncio, pulumi
from mirrored_service import MirroredService, render

class Mocks(pulumi.runtime.Mocks):
    made = []

    def new_resource(self, args):
        self.made.append(args.typ)
        return args.name, args.inputs

    def call(self, args):
        return {}

pulumi.runtime.set_mocks(Mocks())
ARGS = {
    "name": "shop", "namespace": "shop", "hosts": ["shop.example"], "gateway": {"ownsHosts": True},
    "subsets": {
        "v1": {"image": "shop:1", "weight": 100, "podTemplate": {"metadata": {"labels": {"a": "b"}}}},
        "v2": {"image": "shop:2", "mirrorPercent": 10},
    },
}

@pulumi.runtime.test
def program():
    return MirroredService("shop", ARGS).host.apply(print)

program()
print(sum(kind.startswith("kubernetes:") for kind in Mocks.made), len(render(ARGS)))
"""


def ran(*command: str | Path, cwd: Path) -> str:
    """What a command prints, run outside of the checkout."""
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with the component as it is here, and the tag of its release."""
    found = tmp_path_factory.mktemp("repository")
    leave = shutil.ignore_patterns("__pycache__", "venv", "*.egg-info")
    shutil.copytree(CHECKOUT / "components", found / "components", ignore=leave)
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@test.example")
    ran(*git, "init", "--quiet", cwd=found)
    ran(*git, "add", "--all", cwd=found)
    ran(*git, "commit", "--quiet", "--message", "a release", cwd=found)
    ran(*git, "tag", TAG, cwd=found)
    # What comes after the release is not in it.
    (found / "components" / "mirrored_service" / "__init__.py").write_text("raise ImportError\n")
    ran(*git, "commit", "--quiet", "--all", "--message", "later", cwd=found)
    return found


def environment(directory: Path) -> Path:
    """The interpreter of an environment that has nothing but pip."""
    ran(sys.executable, "-m", "venv", directory, cwd=directory.parent)
    return directory / "bin" / "python"


def test_the_component_installs_without_this_checkout_and_brings_types_and_program(
    tmp_path: Path,
) -> None:
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path)]
    subprocess.run([*install, str(CHECKOUT / "components")], check=True, cwd=tmp_path)
    # -S: without this environment's own editable installation; Pulumi's packages come from it all the same.
    paths = [str(tmp_path), *(path for path in sys.path if path.endswith("site-packages"))]
    said = ran(
        sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {paths!r}\n{PROGRAM}", cwd=tmp_path
    ).split()
    assert said == [str(tmp_path / "mirrored_service"), "MirroredService", "1"]
    assert (tmp_path / "bin" / "mirrored-service").exists()
    assert (tmp_path / "mirrored_service" / "py.typed").exists()


def test_pip_installs_a_release_from_the_git_address(repository: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "environment")
    address = f"git+file://{repository}@{TAG}#subdirectory=components"
    ran(python, "-m", "pip", "install", "--quiet", address, cwd=tmp_path)
    ran(python, "-m", "pip", "check", cwd=tmp_path)
    version = "from importlib import metadata; print(metadata.version('mirrored-service'))"
    assert ran(python, "-c", version, cwd=tmp_path).strip() == PROJECT["version"]
    assert ran(python, "-c", MOCKED, cwd=tmp_path).split()[-2:] == ["10", "10"]
    (tmp_path / "in.yaml").write_text(by_hand.manifest(by_hand.ROOTED, "web"))
    program = python.with_name("mirrored-service")
    line = ("adopt", "--service=web/cart", "--stack=prod", "--out=out", "--from=in.yaml")
    assert "Nothing was changed" in ran(program, *line, cwd=tmp_path)
    assert (tmp_path / "out" / "Pulumi.prod.yaml").exists()


def test_pulumi_installs_the_package_as_it_does_with_pip_and_it_serves_its_schema(
    repository: Path, tmp_path: Path
) -> None:
    """What `pulumi package add` does after the clone, by sdk/python/toolchain/pip.go of Pulumi. Its language
    host, which does it, cannot be had here."""
    ran("git", "clone", "--quiet", "--branch", TAG, f"file://{repository}", "fetched", cwd=tmp_path)
    package = tmp_path / "fetched" / "components"
    options = yaml.safe_load((package / "PulumiPlugin.yaml").read_text())["runtime"]["options"]
    assert options["toolchain"] == "pip"
    python = environment(package / options["virtualenv"])
    ran(python, "-m", "pip", "install", "--quiet", "-r", "requirements.txt", cwd=package)
    kept = json.loads((CHECKOUT / "components" / "schema.json").read_text())
    with served(python, package) as provider:
        told = json.loads(provider.GetSchema(provider_pb2.GetSchemaRequest(), timeout=60).schema)
    assert (told["name"], told["version"]) == ("mirrored-service", PROJECT["version"])
    assert sorted(told["resources"]) == sorted(kept["resources"])
    assert sorted(told["types"]) == sorted(kept["types"])


@contextmanager
def served(python: Path, package: Path) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """The package as the engine starts it: it prints the port at which it answers."""
    command = [str(python), str(package), "127.0.0.1:1"]
    with subprocess.Popen(command, cwd=package, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield provider_pb2_grpc.ResourceProviderStub(channel)
        finally:
            process.terminate()


@pytest.mark.thorough
def test_the_oldest_versions_that_it_asks_for_are_enough(tmp_path: Path) -> None:
    oldest = [re.sub(r">=([^,]+),.*", r"==\1", each) for each in PROJECT["dependencies"]]
    assert all("==" in each for each in oldest)
    python = environment(tmp_path / "environment")
    ran(python, "-m", "pip", "install", "--quiet", *oldest, CHECKOUT / "components", cwd=tmp_path)
    assert ran(python, "-c", MOCKED, cwd=tmp_path).split()[-2:] == ["10", "10"]


def test_the_version_is_said_in_one_place_and_all_others_follow() -> None:
    kept = json.loads((CHECKOUT / "components" / "schema.json").read_text())
    assert kept["version"] == PROJECT["version"]
    newest = re.findall(r"^## (\S+?),? ", (CHECKOUT / "CHANGELOG.md").read_text(), re.MULTILINE)[0]
    assert newest == PROJECT["version"]
    assert PROJECT["version"] not in (CHECKOUT / "components" / "__main__.py").read_text()
    assert TAG in (CHECKOUT / "components" / "README.md").read_text()
