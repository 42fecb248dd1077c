"""Which build of a tool the cache holds, and how a build tells of itself."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab import LabError
from lab.build import cache, programs
from lab.progress import Progress, duration

KUBERNETES = programs.TOOLS[0]


def test_every_clone_of_the_same_pins_has_the_same_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = KUBERNETES.key("go1.26.8")
    clone = tmp_path / "clone"
    (clone / "cluster" / "kubernetes").mkdir(parents=True)
    for name in ("go.mod", "go.sum", "kubernetes/main.go"):
        (clone / "cluster" / name).write_bytes((programs.SOURCES / "cluster" / name).read_bytes())
    monkeypatch.setattr(programs, "SOURCES", clone)

    assert KUBERNETES.key("go1.26.8") == key
    for name in ("go.mod", "go.sum", "kubernetes/main.go"):
        file = clone / "cluster" / name
        before = file.read_text()
        file.write_text(before + "\n")
        assert KUBERNETES.key("go1.26.8") != key, name
        file.write_text(before)


@pytest.mark.parametrize("change", [{"tags": "other"}, {"settings": ()}, {"programs": ("x",)}, {"links": ()}])
def test_another_way_to_build_is_another_key(change: dict[str, Any]) -> None:
    changed = replace(KUBERNETES, **change)

    assert changed.key("go1.26.8") != KUBERNETES.key("go1.26.8")


def test_another_go_is_another_key() -> None:
    assert KUBERNETES.key("go1.26.9") != KUBERNETES.key("go1.26.8")


def test_parts_of_a_key_do_not_run_into_each_other() -> None:
    assert cache.key("ab", "c") != cache.key("a", "bc")
    assert cache.key("a", "b") != cache.key("b", "a")
    assert cache.key("a", b"b") == cache.key(b"a", "b")


def test_builds_use_the_committed_pins_and_never_change_them() -> None:
    for tool in programs.TOOLS:
        assert "-mod=readonly" in tool.flags()


def test_what_is_made_is_whole_or_absent(tmp_path: Path) -> None:
    target = tmp_path / "tool"

    def fail(directory: Path) -> None:
        (directory / "half").touch()
        raise LabError("no")

    with pytest.raises(LabError):
        cache.make_once(target, fail, print)
    assert not target.exists()
    cache.make_once(target, lambda directory: (directory / "whole").touch(), print)
    assert [path.name for path in target.iterdir()] == ["whole"]


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    def must_not_run(directory: Path) -> None:
        raise AssertionError(directory)

    assert cache.make_once(tmp_path, must_not_run, print) == tmp_path


def test_a_program_that_nobody_builds_is_named() -> None:
    with pytest.raises(LabError, match="no program called helm"):
        programs.binary("helm")


def test_a_program_that_is_not_built_yet_says_what_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(programs, "go_version", lambda: "go1.26.8")

    with pytest.raises(LabError, match=r"pulumi is not built yet: `python -m lab up` builds it"):
        programs.binary("pulumi")


def test_a_log_gets_the_first_news_at_once_and_then_one_line_in_a_while() -> None:
    lines: list[str] = []
    progress = Progress(lines.append)
    for number in range(100):
        progress.update(str(number))

    assert lines == ["0"]
    progress.done("built")
    assert lines == ["0", "built"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (12.3, "12 s"), (59.7, "1 min 00 s"), (185, "3 min 05 s")],
)
def test_durations_read_as_a_person_says_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
