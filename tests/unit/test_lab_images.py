"""The layout of the images that the lab makes of this machine's files."""

import hashlib
import io
import json
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.build.images import Recipe, libraries, make, write_archive


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return Recipe(
        "lab.local/thing:1",
        ("/usr/bin/program", "--now"),
        {"usr/bin/program": program},
        texts={"etc/thing/thing.conf": "setting = 1\n"},
        links={"bin/sh": "../usr/bin/program"},
        directories=("var/lib/thing",),
        user="1337:1337",
    )


def read(archive: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The archive's files, and its index."""
    with tarfile.open(archive) as tar:
        files = {entry.name: tar.extractfile(entry) for entry in tar}
        contents = {name: file.read() for name, file in files.items() if file}
    return contents, json.loads(contents["index.json"])


def blob(contents: dict[str, bytes], described: dict[str, Any]) -> bytes:
    """What a descriptor stands for, after checking that its digest and size are true."""
    content = contents["blobs/" + described["digest"].replace(":", "/")]
    assert described["digest"] == "sha256:" + hashlib.sha256(content).hexdigest()
    assert described["size"] == len(content)
    return content


def test_an_archive_is_an_oci_layout_whose_digests_are_true(recipe: Recipe, tmp_path: Path) -> None:
    write_archive(recipe, tmp_path / "image.tar")
    contents, index = read(tmp_path / "image.tar")

    assert json.loads(contents["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    [entry] = index["manifests"]
    assert entry["annotations"] == {"io.containerd.image.name": "lab.local/thing:1"}
    manifest = json.loads(blob(contents, entry))
    configuration = json.loads(blob(contents, manifest["config"]))
    [layer] = manifest["layers"]
    blob(contents, layer)
    assert configuration["rootfs"]["diff_ids"] == [layer["digest"]]
    assert configuration["config"]["Entrypoint"] == ["/usr/bin/program", "--now"]
    assert configuration["config"]["User"] == "1337:1337"


def test_the_layer_holds_files_texts_links_and_directories(recipe: Recipe, tmp_path: Path) -> None:
    write_archive(recipe, tmp_path / "image.tar")
    contents, index = read(tmp_path / "image.tar")
    manifest = json.loads(blob(contents, index["manifests"][0]))
    with tarfile.open(fileobj=io.BytesIO(blob(contents, manifest["layers"][0]))) as layer:
        entries = {entry.name: entry for entry in layer}

    assert entries["usr/bin/program"].mode == 0o755
    assert entries["etc/thing/thing.conf"].size == len("setting = 1\n")
    assert entries["bin/sh"].linkname == "../usr/bin/program"
    assert entries["var/lib/thing"].isdir()
    assert entries["tmp"].mode == 0o1777
    assert "etc/passwd" in entries
    names = list(entries)
    assert names.index("usr") < names.index("usr/bin") < names.index("usr/bin/program")


def test_the_same_recipe_gives_the_same_bytes(recipe: Recipe, tmp_path: Path) -> None:
    for name in ("one.tar", "two.tar"):
        write_archive(recipe, tmp_path / name)

    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"entrypoint": ("/x",)},
        {"user": ""},
        {"texts": {}},
        {"links": {}},
        {"directories": ()},
        {"name": "a/b:2"},
    ],
)
def test_another_recipe_is_another_archive(recipe: Recipe, change: dict[str, Any]) -> None:
    assert replace(recipe, **change).archive != recipe.archive


def test_another_version_of_a_file_is_another_archive(recipe: Recipe) -> None:
    before = recipe.archive
    recipe.programs["usr/bin/program"].write_text("#!/bin/sh\nexit 1\n")

    assert replace(recipe).archive != before


def test_the_same_file_elsewhere_is_the_same_archive(recipe: Recipe, tmp_path: Path) -> None:
    copy = tmp_path / "other" / "program"
    copy.parent.mkdir()
    copy.write_bytes(recipe.programs["usr/bin/program"].read_bytes())

    assert replace(recipe, programs={"usr/bin/program": copy}).archive == recipe.archive


def test_an_archive_is_made_once(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = make(recipe)
    made = first.stat().st_mtime_ns

    assert make(recipe) == first
    assert first.stat().st_mtime_ns == made
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_a_dynamic_program_brings_its_libraries_and_its_loader() -> None:
    names = [library.name for library in libraries([Path(sys.executable).resolve()])]

    assert any(name.startswith("libc.so") for name in names)
    assert any(name.startswith("ld-") for name in names)


def test_a_script_brings_nothing(recipe: Recipe) -> None:
    assert libraries(recipe.programs.values()) == []
