"""What is wrong with logs or with the command is said, counted, and never silently dropped."""

from __future__ import annotations

import gzip
import json
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.kit.access_logs import Traffic, write
from shadow_report.cli import main

SOME = Traffic(pairs=3000, seconds=600)


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    return write(tmp_path / "logs", SOME)


def compare(tmp_path: Path, files: list[Path], *more: str) -> tuple[int, dict[str, Any]]:
    page = tmp_path / "report.html"
    names = [
        *map(str, files),
        *(() if "--live" in more else ("--live", "v1")),
        "--shadow",
        "v2",
        "--out",
        str(page),
    ]
    status = main(["compare", *names, *more])
    figures = page.with_suffix(".json")
    return status, json.loads(figures.read_text()) if figures.exists() else {}


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, files: list[Path], *more: str) -> str:
    """What is said when nothing can be compared; nothing is written then."""
    status, _ = compare(tmp_path, files, *more)
    assert status == 2
    assert not (tmp_path / "report.html").exists()
    return capsys.readouterr().err.removeprefix("shadow-report: ").strip()


def left_out(report: dict[str, Any], what: str) -> int:
    return next(int(each["number"]) for each in report["leftOut"] if what in each["what"])


def spoilt(logs: list[Path], *lines: bytes) -> list[Path]:
    """The live log with these lines in its midst."""
    whole = logs[0].read_bytes().splitlines(keepends=True)
    logs[0].write_bytes(
        b"".join(whole[:1000]) + b"".join(line + b"\n" for line in lines) + b"".join(whole[1000:])
    )
    return logs


def test_a_truncated_line_is_counted_and_shown(tmp_path: Path, logs: list[Path]) -> None:
    content = logs[0].read_bytes()
    logs[0].write_bytes(content[:-100])
    _, report = compare(tmp_path, logs)
    source = report["sources"][0]
    assert (source["lines"], source["bad"]) == (3000, 1)
    assert source["problems"][0].startswith("line 3000: not JSON: ")
    assert report["sources"][1]["bad"] == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"method": "GET", "path": "/", "status": 200, "start_ti', "line 1001: not JSON"),
        (b"[1, 2]", "line 1001: JSON, but not an object (6 bytes)"),
        (b"{}", "line 1001: no method, no path, no start_time (2 bytes)"),
        (b"\xff\xfe\x00\x01", "line 1001: not"),
        (b'{"method": "G\xff"}', "line 1001: not UTF-8 (16 bytes)"),
        (
            # In the midst of the time that is compared.
            b'{"method":"GET","path":"/","status":"x","start_time":"2026-11-23T00:05:00Z","version":"v1"}',
            "status",
        ),
        (b'{"method":"GET","path":"/","status":200,"start_time":"yesterday","version":"v1"}', "start_time"),
        (b'{"method":"GET","path":"/","status":200,"start_time":"2026-11-23T00:00:00Z"}', "no version"),
        (b'10.0.0.1 - - [23/Nov/2026:00:00:01 +0000] "GET / HTTP/1.1" 200 5 "-" "-"', "looks like combined"),
        (b"{" + b'"a":' * 2000 + b"1", "not JSON"),
    ],
)
def test_a_bad_line_among_good_ones_is_counted_and_explained(
    tmp_path: Path, logs: list[Path], line: bytes, problem: str
) -> None:
    status, report = compare(tmp_path, spoilt(logs, line))
    source = report["sources"][0]
    assert (source["lines"], source["bad"]) == (3001, 1)
    assert problem in source["problems"][0]
    assert status != 2
    assert report["all"]["paired"] == report["all"]["eligible"] > 2800


def test_a_line_of_16_mib_is_counted_and_its_size_told(tmp_path: Path, logs: list[Path]) -> None:
    line = b'{"method": "GET", "path": "/' + b"x" * (16 << 20)
    _, report = compare(tmp_path, spoilt(logs, line))
    source = report["sources"][0]
    assert (source["lines"], source["bad"]) == (3001, 1)
    assert source["problems"][0].startswith("line 1001: ")


def test_too_many_bad_lines_allow_no_verdict(tmp_path: Path, logs: list[Path]) -> None:
    status, report = compare(tmp_path, spoilt(logs, *[b"{" for _ in range(200)]))
    assert status == 3
    assert report["statements"][0]["about"] == "logs"
    assert "3.23 % of the lines cannot be read (200), at most 1 % may" in report["statements"][0]["text"]


def test_two_formats_in_one_file_are_told_apart(tmp_path: Path, logs: list[Path]) -> None:
    combined = b'10.0.0.1 - - [23/Nov/2026:00:00:01 +0000] "GET / HTTP/1.1" 200 5 "-" "-"'
    _, report = compare(tmp_path, spoilt(logs, *[combined for _ in range(5)]))
    assert report["sources"][0]["bad"] == 5
    problems = report["sources"][0]["problems"]
    assert len(problems) == 3
    assert "it looks like combined: give lines of different formats as files of their own" in problems[0]


def test_lines_that_are_there_twice_count_once(tmp_path: Path, logs: list[Path]) -> None:
    _, once = compare(tmp_path, logs)
    content = logs[0].read_bytes().splitlines(keepends=True)
    logs[0].write_bytes(b"".join(content + content[500:600]))
    _, twice = compare(tmp_path, logs)
    assert twice["all"] == once["all"]
    assert left_out(twice, "there twice") == 100
    assert left_out(once, "there twice") == 0


def test_a_binary_file_is_refused(
    tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "core").write_bytes(bytes(range(256)) * 100)
    said = refused(capsys, tmp_path, [tmp_path / "core", *logs])
    assert said.startswith(f"{tmp_path}/core is binary: access logs as JSON lines, as Parquet,")


def test_text_of_another_kind_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("Nothing to see here.\n" * 50)
    assert "notes.txt is text of an unknown format" in refused(capsys, tmp_path, [tmp_path / "notes.txt"])


def test_an_empty_file_next_to_others_is_listed(tmp_path: Path, logs: list[Path]) -> None:
    (tmp_path / "empty.log").touch()
    status, report = compare(tmp_path, [*logs, tmp_path / "empty.log"])
    assert status != 2
    assert report["sources"][2] | {"name": ""} == {
        "name": "",
        "format": "empty",
        "lines": 0,
        "bad": 0,
        "problems": [],
        "own": 0,
    }


def test_nothing_but_empty_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.log").write_text("\n\n")
    said = refused(capsys, tmp_path, [tmp_path / "empty.log"])
    assert said == f"nothing to compare: empty: {tmp_path}/empty.log"


def test_no_line_of_the_shadow_is_refused_with_what_there_is(
    tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, tmp_path, logs[:1]) == "no line of v2 (shadow): the logs hold v1"


def test_a_wrong_version_is_refused_with_what_there_is(
    tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, tmp_path, logs, "--live", "v9") == "no line of v9 (live): the logs hold v1, v2"


def test_one_version_on_both_sides_is_refused(
    tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, tmp_path, logs, "--live", "v2")
    assert said == "'v2' is named more than once among --live, --shadow and --control"


def test_lines_without_a_version_need_one_from_the_command(
    tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for path in logs:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps({**line, "version": None, "pod": None}) + "\n" for line in lines))
    said = refused(capsys, tmp_path, logs)
    assert (
        "no line could be read: 6,000 lines: no version: add it to the lines, or give the file as VERSION="
        in said
    )
    status, _ = compare(tmp_path, [Path(f"v1={logs[0]}"), Path(f"v2={logs[1]}")])
    assert status != 2


def test_logs_without_request_ids_are_refused(
    tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for path in logs:
        path.write_text(path.read_text().replace('"request_id"', '"other_id"'))
    said = refused(capsys, tmp_path, logs)
    assert said.startswith("no live line has a request id, so nothing can be paired: log x-request-id")


def test_a_broken_archive_is_refused(
    tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    packed = gzip.compress(logs[0].read_bytes())
    (tmp_path / "v1.gz").write_bytes(packed[: len(packed) // 2])
    said = refused(capsys, tmp_path, [tmp_path / "v1.gz", logs[1]])
    assert said.startswith(f"{tmp_path}/v1.gz cannot be ")


def test_a_broken_parquet_file_is_refused(
    tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "v1.parquet").write_bytes(b"PAR1" + b"\0" * 100)
    said = refused(capsys, tmp_path, [tmp_path / "v1.parquet", logs[1]])
    assert said.startswith(f"{tmp_path}/v1.parquet is no whole Parquet file: ")


def test_a_missing_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, tmp_path, [tmp_path / "none"])
    assert said == f"{tmp_path}/none does not exist: name log files, or directories that hold them"


def test_a_file_that_is_named_twice_is_refused(
    tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, tmp_path, [*logs, logs[0]]).startswith(
        "named twice, so that every line would count twice"
    )


def test_a_log_that_is_too_short_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = write(tmp_path / "logs", Traffic(pairs=100, seconds=15))
    said = refused(capsys, tmp_path, logs)
    assert said.startswith("nothing is left to compare: the live log covers 15 s, of which 10 s are cut off")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mirror-percent", "1001"), "--mirror-percent is 1001.0: a number from 0.0001 to 1000 is allowed"),
        (("--max-slower", "-1"), "--max-slower is -1: a number from 0 to 1000 is allowed"),
        (("--alpha", "nan"), "--alpha is nan: a number from 1e-09 to 0.2 is allowed"),
        (("--methods", "get"), "--methods is 'get': methods such as GET,HEAD or '*' are allowed"),
        (("--template", "users/{id"), "--template 'users/{id': a path such as /users/{name}/posts"),
        (("--memory", "5"), "--memory is 5: a number from 100 to 1.04858e+06 is allowed"),
        (("--stack", "/nowhere"), "--stack /nowhere: "),
        (("--scratch", "/nowhere"), "--scratch /nowhere is no directory"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_read(
    tmp_path: Path,
    logs: list[Path],
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert refused(capsys, tmp_path, logs, *arguments).startswith(said)


def test_a_scratch_directory_without_room_is_told_from_a_log_that_cannot_be_read(
    tmp_path: Path, logs: list[Path]
) -> None:
    def allow_small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as on a full disk: writing fails
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))

    command = [sys.executable, "-m", "shadow_report", "compare", *map(str, logs), "--live=v1", "--shadow=v2"]
    ran = subprocess.run(
        [*command, f"--scratch={tmp_path}"],
        preexec_fn=allow_small_files_only,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.startswith(f"shadow-report: no temporary files can be written in {tmp_path}: ")
    assert ran.stderr.endswith("name a directory with more room with --scratch\n")
    assert "cannot be read" not in ran.stderr


def test_the_stacks_outputs_name_the_versions(tmp_path: Path, logs: list[Path]) -> None:
    page, stack = tmp_path / "report.html", tmp_path / "outputs.json"
    stack.write_text(
        json.dumps(
            {
                "liveVersions": ["v1"],
                "shadowVersions": ["v1b", "v2"],
                "mirrorPercents": {"v1b": 100, "v2": 50},
                "mirrorMethods": ["GET", "PUT"],
            }
        )
    )
    control = write(tmp_path / "more", Traffic(pairs=3000, seconds=600, control=True))[2]
    files = [*map(str, logs), str(control)]
    assert main(["compare", *files, "--stack", str(stack), "--control", "v1b", "--out", str(page)]) == 3
    report = json.loads(page.with_suffix(".json").read_text())
    assert {name: side["versions"] for name, side in report["sides"].items()} == {
        "live": ["v1"],
        "shadow": ["v2"],
        "control": ["v1b"],
    }
    assert (report["mirrorPercent"], report["methods"]) == (50, ["GET", "PUT"])


def test_a_percentage_of_a_shadow_that_the_stack_has_no_more_must_be_given(
    tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    stack = tmp_path / "outputs.json"
    stack.write_text(
        json.dumps({"liveVersions": ["v1"], "shadowVersions": ["v3"], "mirrorPercents": {"v3": 5}})
    )
    said = refused(capsys, tmp_path, logs, "--stack", str(stack))
    assert said == (
        "the stack copies nothing to v2, but to v3: give the percentage of these logs with --mirror-percent"
    )
    status, report = compare(tmp_path, logs, "--stack", str(stack), "--mirror-percent=100")
    assert (status, report["mirrorPercent"]) == (3, 100)


def test_several_shadows_of_a_stack_are_told_apart_by_the_user(
    tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    stack = tmp_path / "outputs.json"
    stack.write_text(json.dumps({"liveVersions": ["v1"], "shadowVersions": ["v2", "v3"]}))
    assert main(["compare", *map(str, logs), "--stack", str(stack)]) == 2
    said = capsys.readouterr().err
    assert said == "shadow-report: the stack has several shadows, v2, v3: name one with --shadow\n"


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_stack_outputs_that_are_none_are_refused(
    tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str], content: str
) -> None:
    stack = tmp_path / "outputs.json"
    stack.write_text(content)
    assert main(["compare", *map(str, logs), "--stack", str(stack)]) == 2
    assert "write it with `pulumi stack output --json`" in capsys.readouterr().err
