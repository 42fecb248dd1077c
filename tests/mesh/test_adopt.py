"""Services that were set up by hand are brought in by `adopt` and its steps, mirrored, promoted, "
"and taken out again.

Every command is the one that steps.md has; only that it is not asked whether it is meant is added.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.kit.check import access_log
from lab.kit.client_pods import run_load_pod, run_pod
from lab.kit.load import Stream, from_pod, load
from lab.kit.scratch import write_project
from lab.kit.stack import Stack
from lab.kit.under_load import assert_nothing_lost
from mirrored_service.reading import stack_config
from mirrored_service.reading.service import parse
from tests import by_hand
from tests.by_hand import CHARTED, OTHERS, PORTS, ROOTED
from tests.mesh.faults import wait_until
from tests.mesh.meanwhile import meanwhile

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1200)]

METHODS = ("GET", "POST", "PUT")
ORIGIN = "https://a.example"
# What a caller notices besides who answers.
NOTICED = ("x-who", "x-by", "location", "access-control-allow-origin")
# Commands that ask whether they are meant.
ASKING = re.compile(r"\bpulumi (up|import|destroy) ")
STEP_SECONDS = 240


@dataclass(frozen=True)
class Way:
    """One of the four services, and how it is called."""

    service: str
    deployments: tuple[str, ...]
    version: str  # what becomes of what runs
    host: bool = True
    path: str = "/load"  # what the load asks for outside
    grid: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()  # what callers inside the mesh ask for, with a sidecar and without
    options: tuple[str, ...] = ()
    h2c: tuple[str, ...] = ()  # the same over HTTP/2
    shadow: dict[str, Any] = field(default_factory=dict)  # of the second version, besides what the first has


WAYS = {
    CHARTED: Way(
        "shop",
        ("shop-chart",),
        "v1",
        grid=("/", "/old/a", "/moved", "/write/a"),
        inside=("http://shop/load", "http://shop-external:8080/load"),
        shadow={"image": "lab.local/nginx-v2:1"},
    ),
    ROOTED: Way(
        "cart",
        ("cart",),
        "v7",
        path="/cart/load",
        grid=("/cart", "/cart/a", "/cart/health", "/basket/a", "/else"),
        inside=("http://cart/load",),
        shadow={"image": "lab.local/nginx-v2:1"},
    ),
    PORTS: Way(
        "orders",
        ("orders",),
        "v1",
        host=False,
        inside=("http://orders/load", "http://orders:9090/load"),
        h2c=("http://orders:50051/load",),
        shadow={"env": {"NAME": "echo", "VERSION": "v2", "PORTS": "81,82"}},
    ),
    OTHERS: Way(
        "shop",
        ("shop-stable", "shop-next"),
        "v1",
        grid=("/", "/a"),
        inside=("http://shop/load",),
        shadow={"podLabels": {"app.kubernetes.io/name": "shop", "app.kubernetes.io/instance": "shop-next"}},
    ),
}


class ByHand:
    """The service as it was set up, and a directory with a Pulumi program for its stack."""

    def __init__(self, lab: Lab, name: str, directory: Path) -> None:
        self.lab, self.way, self.directory = lab, WAYS[name], directory
        self.namespace = f"test-{uuid.uuid4().hex[:6]}"
        self.host = f"{self.namespace}.example"
        self.manifest = by_hand.manifest(name, self.namespace, self.host)
        lab.kubectl("create", "namespace", self.namespace)
        lab.kubectl("label", "namespace", self.namespace, "istio-injection=enabled")
        lab.kubectl("apply", "--filename=-", input=self.manifest)
        for deployment in self.way.deployments:
            self.kubectl("rollout", "status", f"deployment/{deployment}", "--timeout=120s")
        run_load_pod(lab, self.namespace)
        run_pod(lab, self.namespace, "outside", "lab.local/vegeta:1", sidecar=False)
        write_project(directory)
        self.stack = Stack(lab, self.namespace, directory)
        self.file = directory / f"Pulumi.{self.namespace}.yaml"

    def kubectl(self, *arguments: str) -> str:
        return self.lab.kubectl(*arguments, f"--namespace={self.namespace}")

    @property
    def streams(self) -> list[Stream]:
        address = f"http://{self.lab.gateway_address}{self.way.path}"
        outside = [
            Stream("gateway", address, 50, self.host),
            Stream("gateway, kept alive", address, 30, self.host, keep_alive=True),
        ]
        found = outside if self.way.host else []
        for place, url in enumerate(self.way.inside):
            # By its rate a stream's file is known.
            found.append(from_pod(self.namespace, "load", url, rate=20 + place))
            found.append(from_pod(self.namespace, "outside", url, rate=13 + place))
        for url in self.way.h2c:
            pod = (self.namespace, "load")
            found.append(Stream("load, HTTP/2", url, 15, keep_alive=True, pod=pod, options=("-h2c",)))
        return found

    @contextmanager
    def nothing_lost(self, *answering: str) -> Iterator[None]:
        """Under load, of which nothing is lost; and nobody else answers than before what is asked outside."""
        with load(self.lab, self.streams) as counted, self.nobody_else_answers():
            yield
        assert_nothing_lost(counted, set(answering))

    def adopt(self, *options: str) -> dict[str, Any]:
        """What the command tells; its files are in the directory."""
        which = (f"--service={self.namespace}/{self.way.service}", f"--stack={self.namespace}")
        line = ("mirrored-service", "adopt", *which, "--out=adopted", "--json", *options)
        told: dict[str, Any] = json.loads(self.shell(" ".join(line)))
        return told

    def follow(self, steps: list[dict[str, Any]], *, but: tuple[str, ...] = ()) -> None:
        """Runs the commands of the steps, but for those of these titles."""
        for step in steps:
            if step["title"] not in but:
                for command in step["commands"]:
                    self.shell(command)

    def shell(self, command: str) -> str:
        unasked = ASKING.sub(r"pulumi \1 --yes --skip-preview ", command)
        environment = self.lab.environment()
        path = f"{CHECKOUT / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
        began = time.monotonic()
        ran = subprocess.run(
            ["bash", "-o", "pipefail", "-c", unasked],
            cwd=self.directory,
            env={**environment, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
        )
        print(f"{time.time():.2f}, after {time.monotonic() - began:.1f} s  {command[:120]}")
        assert ran.returncode == 0, f"{command}\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}"
        return ran.stdout

    def change(self, edit: Callable[[dict[str, Any]], None], **settings: Any) -> None:
        """Edits the versions in the stack's file, and rolls that out."""
        document = yaml.safe_load(self.file.read_text())
        edit(document["config"]["mirrored-service:subsets"])
        document["config"].update({f"mirrored-service:{key}": value for key, value in settings.items()})
        self.file.write_text(yaml.safe_dump(document))
        self.stack.up()

    def logged(self, version: str, path: str) -> int:
        """The requests for a path that a version has got."""
        config = yaml.safe_load(self.file.read_text())["config"]
        shown = {key.partition(":")[2]: _shown(value) for key, value in config.items()}
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in shown.items()}
        args: Any = stack_config.read(texts)
        return len(access_log(self.lab, parse(args), version, path))

    def answers(self) -> dict[tuple[str, str], tuple[Any, ...]]:
        """Who answers what, as callers outside see it."""
        with requests.Session() as session:
            session.trust_env = False
            return {
                (method, path): self._ask(session, method, path)
                for method in METHODS
                for path in self.way.grid
            }

    def _ask(self, session: requests.Session, method: str, path: str) -> tuple[Any, ...]:
        given = session.request(
            method,
            self.lab.gateway_url + path,
            headers={"Host": self.host, "Origin": ORIGIN},
            allow_redirects=False,
            timeout=20,
        )
        return (given.status_code, *(given.headers.get(name) for name in NOTICED))

    @contextmanager
    def nobody_else_answers(self) -> Iterator[None]:
        wanted = self.answers()
        odd: list[Any] = []

        def ask() -> None:
            found = self.answers()
            odd.extend(
                (asked, found[asked], wanted[asked]) for asked in wanted if found[asked] != wanted[asked]
            )

        with meanwhile(ask, every=0.02):  # some services are asked nothing this way
            yield
        assert odd == []

    def assert_the_stack_left(self) -> None:
        kinds = "deployments,virtualservices,destinationrules"
        left = set(self.kubectl("get", kinds, "--output=name").split())
        assert {each for each in left if each.startswith("deployment")} == self.deployments_left()
        assert not any("-versions" in each or "-mesh" in each or each.endswith("-vs") for each in left)

    def run_own_pods_again(self, commands: list[str]) -> None:
        documents = [each for each in yaml.safe_load_all(self.manifest) if each["kind"] == "Deployment"]
        self.lab.kubectl("apply", "--filename=-", input=yaml.safe_dump_all(documents))
        (own,) = self.way.deployments
        for command in commands:
            self.shell(command.replace("YOURS", own).replace("LIVE", "v2"))

    def deployments_left(self) -> set[str]:
        """The live version's, and those of others."""
        own = {f"deployment.apps/{name}" for name in self.way.deployments}
        return own if "podLabels" in self.way.shadow else {f"deployment.apps/{self.way.service}-v2"}

    def remove(self) -> None:
        self.kubectl("delete", "deployments,pods", "--all", "--force", "--grace-period=0")
        self.stack.output("stack", "rm", self.stack.name, "--yes", "--force", "--preserve-config")
        self.lab.kubectl("delete", "namespace", self.namespace, "--wait=false")
        self.lab.kubectl("delete", "namespace", f"{self.namespace}-web", "--ignore-not-found", "--wait=false")


def _shown(value: Any) -> Any:
    """The config with any text for its secrets."""
    if isinstance(value, dict):
        return "x" if set(value) == {"secure"} else {key: _shown(member) for key, member in value.items()}
    return [_shown(member) for member in value] if isinstance(value, list) else value


@pytest.fixture
def set_up(lab: Lab, tmp_path: Path) -> Iterator[Callable[[str], ByHand]]:
    made: list[ByHand] = []

    def set_up(name: str) -> ByHand:
        made.append(ByHand(lab, name, tmp_path))
        return made[-1]

    yield set_up
    for each in made:
        each.remove()


@pytest.mark.parametrize("name", by_hand.NAMES)
def test_a_service_comes_in_is_mirrored_promoted_and_goes_out_without_losing_a_request(
    name: str, set_up: Callable[[str], ByHand]
) -> None:
    by = set_up(name)
    version = by.way.version
    began = time.monotonic()
    with by.nothing_lost("v1"):
        told = by.adopt()
        assert (told["status"], told["version"]) == (0, version)
        by.follow(told["steps"], but=("Copies",))
    shadow = {"mirrorPercent": 100, **by.way.shadow}

    def add(versions: dict[str, Any]) -> None:
        versions["v2"] = {
            **{key: value for key, value in versions[version].items() if key != "weight"},
            **shadow,
        }

    with by.nothing_lost("v1"):
        by.change(add)
        wait_until(lambda: by.logged("v2", "/load") > 0, "v2 logs a copy")
        print(f"{name}: {time.monotonic() - began:.0f} s from adopt to the first copy")
        wait_until(lambda: by.logged("v2", "/load") > 50, "v2 logs copies")
        by.shell(told["steps"][-1]["commands"][-1])  # status --expect
    with by.nothing_lost("v1", "v2"):
        by.change(lambda versions: _promote(versions, version))
    with by.nothing_lost("v2"):
        by.follow(told["wayOut"][:-1])
    by.assert_the_stack_left()
    if "podLabels" not in by.way.shadow:
        with by.nothing_lost("v1", "v2"):
            by.run_own_pods_again(told["wayOut"][-1]["commands"])
        by.kubectl("wait", "--for=delete", "pods", "--selector=version=v2", "--timeout=120s")
        with by.nothing_lost("v1"):
            time.sleep(2)


def _promote(versions: dict[str, Any], old: str) -> None:
    versions["v2"] |= {"weight": 100, "mirrorPercent": 0}
    versions[old] |= {"weight": 0}
