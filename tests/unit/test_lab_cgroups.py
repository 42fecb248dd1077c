"""Where the lab's control groups go."""

from pathlib import Path

from lab.cluster.cgroups import Hierarchy, make_room, place


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
