"""What a lab leaves is removed, even from under a program that still writes there."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.cluster import ending
from lab.errors import LabError


def full_again(times: int) -> Callable[[Path], None]:
    """Removes a directory, but somebody puts a file into it so often."""
    remove = shutil.rmtree
    left = iter(range(times))

    def rmtree(path: Path) -> None:
        if next(left, None) is not None:
            raise OSError(39, "Directory not empty", str(path))
        remove(path)

    return rmtree


def test_a_directory_that_fills_up_again_is_removed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "home" / "logs"
    logs.mkdir(parents=True)
    monkeypatch.setattr(shutil, "rmtree", full_again(2))
    ending._remove(tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_what_cannot_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "rmtree", full_again(1000))
    monkeypatch.setattr(ending, "WRITERS_LIMIT", 0.2)
    with pytest.raises(LabError, match="end what still writes there"):
        ending._remove(tmp_path)
