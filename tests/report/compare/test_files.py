"""Files are those that are named, whatever their names, kinds and number; no line of any is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lab.kit.access_logs import Traffic, write
from shadow_report.cli import main
from shadow_report.compare import engine, files, formats
from shadow_report.compare.records import Comparing
from shadow_report.compare.settings import Settings
from tests.report.handmade import VERSIONS

SOME = Traffic(pairs=3000, seconds=600)
LIVE, SHADOW = "--live=v1", "--shadow=v2"
NAMES = (
    "a[1]",
    "a?",
    "*",
    "**",
    "{a,b}",
    "it's",
    'a "quoted" name',
    "status=500/x",
    "version=v9/x",
    "a\\b",
    "übung",
    "two words",
    "~",
    "$HOME",
    "-",
)


def figures(tmp_path: Path, *arguments: str | Path) -> dict[str, Any]:
    page = tmp_path / "report.html"
    assert main(["compare", *map(str, arguments), LIVE, SHADOW, f"--out={page}"]) in (0, 3)
    found: dict[str, Any] = json.loads(page.with_suffix(".json").read_text())
    return found


@pytest.mark.parametrize("format", ["ndjson", "parquet"])
@pytest.mark.parametrize("name", NAMES)
def test_no_part_of_a_name_means_anything_else(tmp_path: Path, name: str, format: str) -> None:
    live, shadow = write(tmp_path / "plain", SOME, format)
    plain = figures(tmp_path, live, shadow)
    odd = tmp_path / "odd" / name
    odd.parent.mkdir(parents=True)
    other_odd = odd.with_name(f"{odd.name} 2")
    shutil.copy(live, odd)
    shutil.copy(shadow, other_odd)
    for other in ("a1", "ab", "b", "y"):  # what a pattern would find besides
        (odd.parent / other).write_text("no log\n")
    assert figures(tmp_path, odd, other_odd)["all"] == plain["all"]


@pytest.mark.parametrize("format", ["ndjson", "parquet"])
def test_files_with_odd_names_are_told_apart(tmp_path: Path, format: str) -> None:
    live, shadow = write(tmp_path / "plain", SOME, format)
    odd = [tmp_path / "odd" / name for name in NAMES]
    for path in odd:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(live, path)
    report = figures(tmp_path, *odd, shadow)
    assert [(each["name"], each["lines"]) for each in report["sources"]] == [
        (str(path), 3000) for path in (*odd, shadow)
    ]


def test_bad_lines_are_told_of_the_file_they_are_in(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    write(folder, SOME)
    for number in range(5):
        (folder / f"more-{number}.ndjson").write_text((folder / "v1.ndjson").read_text() + "{bad\n" * number)
    report = figures(tmp_path, folder)
    assert [(each["lines"], each["bad"]) for each in report["sources"]] == [
        *((3000 + number, number) for number in range(5)),
        (3000, 0),
        (3000, 0),
    ]
    assert [len(each["problems"]) for each in report["sources"]] == [0, 1, 2, 3, 3, 0, 0]


def test_of_many_files_the_broken_one_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for format in ("ndjson.gz", "parquet"):
        folder = tmp_path / format
        live, _ = write(folder, SOME, format)
        for number in range(5):
            shutil.copy(live, folder / f"more-{number}.{format}")
        broken = folder / f"more-3.{format}"
        broken.write_bytes(live.read_bytes()[:-200])
        assert main(["compare", str(folder), LIVE, SHADOW, f"--out={tmp_path}/report.html"]) == 2
        assert capsys.readouterr().err.startswith(f"shadow-report: {broken} ")


@pytest.mark.parametrize("format", ["ndjson", "ndjson.gz", "parquet"])
def test_no_line_of_a_pipe_is_lost(tmp_path: Path, format: str) -> None:
    live, shadow = write(tmp_path / "plain", Traffic(pairs=12_000, seconds=600), format)
    page = tmp_path / "report.html"
    command = (
        f"'{sys.executable}' -m shadow_report compare v1=<(cat '{live}') /dev/stdin {LIVE} {SHADOW} "
        f"--out='{page}' < <(cat '{shadow}')"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 3), done.stderr
    report = json.loads(page.with_suffix(".json").read_text())
    assert [each["lines"] for each in report["sources"]] == [12_000, 12_000]
    assert report["all"] == figures(tmp_path, live, shadow)["all"]


def test_a_pipe_in_which_nothing_is_is_an_empty_file(tmp_path: Path) -> None:
    live, shadow = write(tmp_path / "plain", SOME)
    report = figures(tmp_path, live, shadow, "/dev/null")
    assert report["sources"][2]["format"] == "empty"


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_file_with_two_names_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], link: Any
) -> None:
    logs = write(tmp_path / "plain", SOME)
    link(logs[0], tmp_path / "another")
    arguments = [*map(str, logs), str(tmp_path / "another"), LIVE, SHADOW]
    assert main(["compare", *arguments]) == 2
    assert "named twice, so that every line would count twice: " in capsys.readouterr().err


@pytest.mark.parametrize("format", ["ndjson", "parquet"])
def test_many_files_take_little_longer_than_two(tmp_path: Path, format: str) -> None:
    """What a file costs besides its lines does not depend on how many others there are."""
    few = write(tmp_path / "few", Traffic(pairs=60_000, seconds=600), format)
    parts = Traffic(pairs=100, seconds=600)
    spent = {2: processor_seconds(list(map(str, few)))}
    for number in (300, 1200):
        folder = tmp_path / str(number)
        one = write(folder, parts, format)[0]
        for index in range(number):
            shutil.copy(one, folder / f"{index}.{format}")
        spent[number] = processor_seconds([str(folder)])
    a_file = (spent[1200] - spent[300]) / 900
    assert a_file < 0.005, spent
    assert spent[1200] < 8 * spent[2], spent


def processor_seconds(names: list[str]) -> float:
    begin = time.process_time()
    known = [formats.recognise(each) for each in files.inputs(names)]
    engine.compare(known, Settings(Comparing(VERSIONS, ("GET",))))
    return time.process_time() - begin
