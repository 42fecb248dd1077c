"""What the lab says about a machine that cannot run it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.cluster.preflight import INSTEAD, Facts, find_problem

GOOD = Facts(
    system="Linux",
    is_root=True,
    go_version="go1.26.8",
    must_build=False,
    memory=8.0,
    disk=20.0,
    has_controllers=True,
    directory=Path("/home/somebody/project/.lab"),
    needed_inside=(Path("/home/somebody/.cache"),),
)


def test_a_machine_that_has_everything_has_no_problem() -> None:
    assert find_problem(GOOD) is None
    assert find_problem(replace(GOOD, must_build=True)) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"system": "Darwin"}, "the lab needs Linux and this is Darwin: use a Linux VM, "),
        ({"is_root": False}, "the lab needs root for its namespaces and mounts: run it with sudo, "),
        (
            {"has_controllers": False},
            "the lab needs the control group controllers cpu, memory and pids, and they are not handed on "
            "to where it is started: start it from a login on the machine itself, ",
        ),
        (
            {"go_version": None},
            "the lab builds its tools and needs Go 1.26.6 or newer on PATH: install it, ",
        ),
        (
            {"go_version": "go1.25.3"},
            "the lab needs Go 1.26.6 or newer and finds go1.25.3: install a newer one, ",
        ),
        (
            {"memory": 3.95},
            "the lab needs 4 GiB of free memory to run and 4.0 GiB are available: end something, ",
        ),
        (
            {"memory": 5.0, "must_build": True},
            "the lab needs 6 GiB of free memory to build its tools and 5.0 GiB are available: end something, ",
        ),
        (
            {"disk": 1.5},
            "the lab needs 2 GiB of free disk to run and 1.5 GiB are free: "
            "make room or set XDG_CACHE_HOME to another disk, ",
        ),
        (
            {"disk": 15.0, "must_build": True},
            "the lab needs 16 GiB of free disk to build its tools and 15.0 GiB are free: "
            "make room or set XDG_CACHE_HOME to another disk, ",
        ),
        (
            {"directory": Path("/home/my projects/.lab")},
            "the lab cannot work with blanks in a path and '/home/my projects/.lab' has one: move it, ",
        ),
        (
            {"directory": Path("/var/lib/ci/project/.lab")},
            "inside the lab /var/lib is private, which would hide /var/lib/ci/project/.lab: "
            "move it elsewhere, ",
        ),
        (
            {"needed_inside": (Path("/run/user/0/cache"),)},
            "inside the lab /run is private, which would hide /run/user/0/cache: move it elsewhere, ",
        ),
    ],
)
def test_each_problem_is_one_sentence_with_the_alternative(change: dict[str, Any], sentence: str) -> None:
    assert find_problem(replace(GOOD, **change)) == sentence + INSTEAD


def test_newer_versions_of_go_are_fine() -> None:
    for version in ("go1.26.6", "go1.27rc1", "go2.0", "devel go1.28-abcdef"):
        assert find_problem(replace(GOOD, go_version=version)) is None


def test_the_alternative_is_an_own_cluster_with_istio() -> None:
    assert INSTEAD == "or use your own cluster with Istio (README: `pulumi up` with its kubeconfig)"
