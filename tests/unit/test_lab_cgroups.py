"""Where the lab's control groups go, and what runs in them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cluster.cgroups import Hierarchy, make_room, place, processes


def tree(root: Path, hands_on: dict[str, str]) -> None:
    """Makes directories that look like control groups, each with the controllers that it hands on."""
    for path, controllers in hands_on.items():
        directory = root / path
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "cgroup.subtree_control").write_text(f"{controllers}\n")


def caller(root: Path, path: str) -> Hierarchy:
    return Hierarchy(name="", kind="cgroup2", point=str(root), own=root / path)


def test_the_group_goes_to_the_nearest_place_that_hands_the_controllers_on(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "": "cpuset cpu io memory pids",
            "user.slice": "cpu memory pids",
            "user.slice/user-0.slice": "memory pids",
            "user.slice/user-0.slice/session-1.scope": "",
        },
    )

    assert place(caller(tmp_path, "user.slice/user-0.slice/session-1.scope")) == tmp_path / "user.slice"


def test_without_the_controllers_anywhere_there_is_no_place(tmp_path: Path) -> None:
    tree(tmp_path / "mounted", {"": "io", "job": ""})
    tree(tmp_path, {"": "cpu memory pids"})  # above what is mounted: not for us

    assert place(caller(tmp_path / "mounted", "job")) is None


def test_the_root_may_hold_the_caller_and_hand_controllers_on(tmp_path: Path) -> None:
    tree(tmp_path, {"": "cpu memory pids"})

    assert place(caller(tmp_path, ".")) == tmp_path


def test_the_control_plane_shares_processors_with_pods_as_one_group_and_leaves_other_hierarchies_alone(
    tmp_path: Path,
) -> None:
    cpu, memory = tmp_path / "cpu", tmp_path / "memory"
    for directory in (cpu, memory):
        directory.mkdir()
    (cpu / "cpu.shares").write_text("1024\n")

    make_room([cpu, memory])

    assert (cpu / "supervisor" / "cgroup.procs").exists()
    assert list(memory.iterdir()) == []


def test_with_version_2_it_weighs_as_much_as_with_version_1_beside_the_kubelets_groups(
    tmp_path: Path,
) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")

    make_room([tmp_path])

    # The kubelet gives pods 79 where there are two processors: as in version 1, twice the weight.
    assert (tmp_path / "supervisor" / "cpu.weight").read_text() == "39"


def test_a_group_that_goes_while_its_processes_are_looked_for_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, pid in (("ended", 7), ("stays", 8)):
        group = tmp_path / "kubepods" / name / "container"
        group.mkdir(parents=True)
        (group / "cgroup.procs").write_text(f"{pid}\n")
    ended, scandir = tmp_path / "kubepods" / "ended", os.scandir

    def as_its_container_ends(path: str | Path | int) -> Iterator[os.DirEntry[str]]:
        if str(path) == str(ended):
            shutil.rmtree(ended)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", as_its_container_ends)

    assert processes([tmp_path, tmp_path / "was-removed-before"]) == {8}
