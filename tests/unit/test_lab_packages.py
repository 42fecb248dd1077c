"""What the lab says where it cannot get Debian's packages."""

import shutil
from pathlib import Path

import pytest

from lab import LabError
from lab.build import packages


def test_elsewhere_than_on_debian_the_missing_commands_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)

    with pytest.raises(LabError, match=r"runc.* nginx.* only on Debian and Ubuntu.* your own cluster"):
        packages.provide(print)


def test_nothing_that_runs_a_service_is_installed() -> None:
    assert not set(packages.UNPACKED) & set(packages.INSTALLED.values())
    assert {"runc", "nginx"} <= set(packages.UNPACKED)
