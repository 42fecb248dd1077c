"""Which of Pulumi's plugins is used: the official one where there is one, else the stand-in, and it is said."""

import os
import subprocess
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lab import LabError, plugins

PROVIDER = "pulumi-resource-kubernetes"
VERSION = metadata.version("pulumi-kubernetes")


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has no plugins yet."""
    home = tmp_path / "user"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    monkeypatch.delenv(plugins.CHOICE, raising=False)
    return home


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def offline_pulumi(folder: Path) -> Path:
    return executable(folder / "pulumi", f"echo $@ >> {folder}/calls; exit 1")


def downloading_pulumi(folder: Path) -> Path:
    target = "$PULUMI_HOME/plugins/resource-kubernetes-$5"
    return executable(folder / "pulumi", f"mkdir -p {target}; touch {target}/{PROVIDER}")


class Prepared:
    def __init__(self, folder: Path, pulumi: Path) -> None:
        self.lines: list[str] = []
        self.environment = plugins.prepare(folder / "lab" / "pulumi", pulumi, self.lines.append)
        self.plugins = Path(self.environment["PULUMI_HOME"], "plugins")
        (self.provider,) = self.plugins.glob(f"resource-kubernetes-v*/{PROVIDER}")
        (self.host,) = self.plugins.glob("language-python-v*/pulumi-language-python")


def test_without_official_plugins_the_stand_ins_are_used(tmp_path: Path) -> None:
    made = Prepared(tmp_path, offline_pulumi(tmp_path))
    assert made.lines == [
        "Pulumi Kubernetes provider: stand-in "
        f"(official v{VERSION} is not installed and could not be downloaded)",
        "Pulumi Python language host: stand-in "
        "(the official one is not on PATH; it comes with the official Pulumi CLI)",
    ]
    assert made.environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    backend = urlsplit(made.environment["PULUMI_BACKEND_URL"])
    assert made.environment["PULUMI_CONFIG_PASSPHRASE"] == ""
    assert (backend.scheme, backend.query) == ("file", "metadata=skip")
    assert Path(backend.path).is_dir()


def test_a_download_that_failed_is_not_tried_again_the_same_day(tmp_path: Path) -> None:
    pulumi = offline_pulumi(tmp_path)
    Prepared(tmp_path, pulumi)
    Prepared(tmp_path, pulumi)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [f"plugin install resource kubernetes v{VERSION}"]


def test_the_users_own_provider_is_used(tmp_path: Path, user: Path) -> None:
    own = executable(user / f".pulumi/plugins/resource-kubernetes-v{VERSION}" / PROVIDER, "exit 0")
    made = Prepared(tmp_path, offline_pulumi(tmp_path))
    assert made.provider.resolve() == own
    assert made.lines[0].startswith(f"Pulumi Kubernetes provider: official (v{VERSION} in ")
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in made.environment
    assert not (tmp_path / "calls").exists()


def test_another_version_of_the_provider_is_not_used(tmp_path: Path, user: Path) -> None:
    executable(user / ".pulumi/plugins/resource-kubernetes-v4.1.0" / PROVIDER, "exit 0")
    assert not Prepared(tmp_path, offline_pulumi(tmp_path)).provider.is_symlink()


def test_in_a_shell_that_uses_the_lab_the_choice_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Prepared(tmp_path, offline_pulumi(tmp_path))
    monkeypatch.setenv("PULUMI_HOME", first.environment["PULUMI_HOME"])
    assert Prepared(tmp_path, offline_pulumi(tmp_path)).lines == first.lines


def test_a_provider_that_can_be_downloaded_is_used(tmp_path: Path) -> None:
    made = Prepared(tmp_path, downloading_pulumi(tmp_path))
    assert made.lines[0] == f"Pulumi Kubernetes provider: official (v{VERSION}, downloaded)"
    assert made.provider.is_symlink()
    assert Prepared(tmp_path, offline_pulumi(tmp_path)).provider.is_symlink()


def test_the_users_own_language_host_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = executable(tmp_path / "official" / "pulumi-language-python", "exit 0")
    monkeypatch.setenv("PATH", f"{own.parent}:{os.defpath}")
    made = Prepared(tmp_path, offline_pulumi(tmp_path))
    assert made.host.resolve() == own
    assert made.lines[1] == f"Pulumi Python language host: official ({own})"


def test_the_choice_can_be_forced(tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(user / f".pulumi/plugins/resource-kubernetes-v{VERSION}" / PROVIDER, "exit 0")
    pulumi = offline_pulumi(tmp_path)
    monkeypatch.setenv(plugins.CHOICE, "stand-in")
    made = Prepared(tmp_path, pulumi)
    assert made.lines[0] == "Pulumi Kubernetes provider: stand-in (asked for by LAB_PLUGINS)"
    assert not made.provider.is_symlink()
    monkeypatch.setenv(plugins.CHOICE, "official")
    with pytest.raises(LabError, match="no pulumi-language-python on PATH"):
        Prepared(tmp_path, pulumi)


def test_a_misspelt_choice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(plugins.CHOICE, "standin")
    with pytest.raises(LabError, match="'standin'; it can be 'official' or 'stand-in'"):
        Prepared(tmp_path, offline_pulumi(tmp_path))


def test_a_stand_in_starts_from_anywhere_and_says_its_port(tmp_path: Path) -> None:
    made = Prepared(tmp_path, offline_pulumi(tmp_path))
    for wrapper in (made.provider, made.host):
        process = subprocess.Popen([wrapper, "127.0.0.1:1"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.terminate()
        assert process.wait(timeout=60) == 0
        process.stdout.close()
