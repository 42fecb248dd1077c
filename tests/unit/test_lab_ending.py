"""What a lab leaves is removed, even from under a program that still writes there."""

import shutil
import threading
import time
from pathlib import Path

import pytest

from lab import ending
from lab.errors import LabError


def write_for(seconds: float, directory: Path) -> threading.Thread:
    """Keeps putting files into the directory for a while."""

    def write() -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / str(time.monotonic_ns())).touch()

    writer = threading.Thread(target=write)
    writer.start()
    return writer


def test_a_directory_goes_once_its_last_writer_has_ended(tmp_path: Path) -> None:
    writer = write_for(0.3, tmp_path / "home" / "logs")
    writer.join(0.05)
    while writer.is_alive() or (tmp_path / "home").exists():
        ending._remove(tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_what_cannot_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise OSError(39, "Directory not empty", str(path))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    monkeypatch.setattr(ending, "WRITERS_LIMIT", 0.2)
    with pytest.raises(LabError, match="end what still writes there"):
        ending._remove(tmp_path)
