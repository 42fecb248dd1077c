"""FAIL alone exits with 1; what goes wrong has statuses of its own, and leaves nothing half written."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.kit.access_logs import Traffic, write
from shadow_report import comparing
from shadow_report.cli import main
from shadow_report.compare import engine
from shadow_report.output import page, writing

FAILS = Traffic(pairs=3000, seconds=600, failing_route="/search", failing=0.2)
LIVE, SHADOW = "--live=v1", "--shadow=v2"
COMMAND = (sys.executable, "-m", "shadow_report", "compare", LIVE, SHADOW)


@pytest.fixture
def logs(tmp_path: Path) -> list[str]:
    return list(map(str, write(tmp_path / "logs", FAILS)))


def ran(logs: list[str], *options: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    how: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **settings}
    return subprocess.run([*COMMAND, *logs, *options], timeout=120, check=False, **how)


def refused(capsys: pytest.CaptureFixture[str], logs: list[str], *options: str) -> str:
    assert main(["compare", LIVE, SHADOW, *logs, *options]) == 2
    return capsys.readouterr().err.removeprefix("shadow-report: ").strip()


@pytest.mark.parametrize(
    "problem", [ValueError("a bug"), MemoryError(), RecursionError(), OSError(5, "I/O error"), SystemError()]
)
def test_a_crash_exits_with_4_and_says_that_it_is_no_verdict(
    tmp_path: Path,
    logs: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    problem: Exception,
) -> None:
    def crash(*_: object) -> None:
        raise problem

    monkeypatch.setattr(comparing, "judge", crash)
    assert main(["compare", LIVE, SHADOW, *logs, f"--out={tmp_path}/report.html"]) == 4
    assert "this is no verdict" in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()


def test_an_installation_that_lacks_a_module_exits_with_4(tmp_path: Path, logs: list[str]) -> None:
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "duckdb.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'duckdb'\")\n"
    )
    done = ran(logs, env={**os.environ, "PYTHONPATH": str(tmp_path / "lacking")})
    assert done.returncode == 4
    assert "No module named 'duckdb'" in done.stderr


def test_ctrl_c_exits_with_130(logs: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(comparing, "judge", interrupt)
    assert main(["compare", LIVE, SHADOW, *logs, f"--out={tmp_path}/report.html"]) == 130


def test_a_terminal_that_takes_nothing_more_exits_with_4(tmp_path: Path, logs: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = ran(logs, f"--out={tmp_path}/report.html", stdout=full)
    assert done.returncode == 4
    assert done.stderr == "shadow-report: [Errno 28] No space left on device; this is no verdict\n"


def test_nobody_who_reads_what_is_printed_exits_with_4(tmp_path: Path, logs: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        assert ran(logs, f"--out={tmp_path}/report.html", stdout=nobody).returncode == 4


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "nowhere.latin1", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "error::EncodingWarning:shadow_report"},
    ],
    ids=lambda locale: next(iter(locale.items()))[1],
)
def test_a_verdict_does_not_depend_on_the_locale(
    tmp_path: Path, logs: list[str], locale: dict[str, str]
) -> None:
    page = tmp_path / "report.html"
    done = ran(logs, f"--out={page}", env={**os.environ, **locale})
    assert (done.returncode, done.stderr) == (1, "")
    assert "µs" in page.read_text(encoding="utf-8")
    assert done.stdout.endswith(f"FAIL\npage: {page.as_uri()}\n")


@pytest.mark.parametrize("option", ["--out", "--json", "--markdown", "--junit"])
def test_where_nothing_can_be_written_is_said_before_anything_is_read(
    tmp_path: Path,
    logs: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    option: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine, "compare", None)
    given = f"{option}={tmp_path}"
    assert (
        refused(capsys, logs, f"{given}/none/report")
        == f"{option} {tmp_path}/none/report: its directory does not exist"
    )
    assert refused(capsys, logs, given) == f"{option} {tmp_path} is a directory: name a file"
    proc = refused(capsys, logs, f"{option}=/proc/report")
    assert proc.startswith(f"{option} /proc/report: nothing can be written there")
    over = refused(capsys, logs, f"{option}={logs[0]}")
    assert over == f"{option} {logs[0]} is read as well, and would be written over: name another file"
    (tmp_path / "link").symlink_to(logs[0])
    assert "would be written over" in refused(capsys, logs, f"{given}/link")
    beside = refused(capsys, [str(tmp_path / "logs")], f"{given}/logs/report")
    assert beside == (
        f"{option} {tmp_path}/logs/report lies in {tmp_path}/logs, whose files are read as logs: name a file "
        "elsewhere"
    )


def test_the_figures_beside_the_page_take_nobody_s_place(
    tmp_path: Path, logs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    same = refused(capsys, logs, f"--out={tmp_path}/report.json")
    assert (
        same
        == f"--json {tmp_path}/report.json and --out {tmp_path}/report.json are the same file: name another one"
    )
    log = Path(logs[0]).rename(tmp_path / "live.json")
    before = log.read_bytes()
    assert "is read as well" in refused(capsys, [str(log), logs[1]], f"--out={tmp_path}/live.html")
    assert log.read_bytes() == before


def test_outputs_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """As on a full disk: what was there before stays."""
    (tmp_path / "report.html").write_text("the report of before")
    program = (
        "from pathlib import Path; from shadow_report.output import writing; "
        f"writing.write({{Path('{tmp_path}/report.json'): 'x', Path('{tmp_path}/report.html'): 'x' * 100_000}})"
    )

    def allow_small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))

    done = subprocess.run(
        [sys.executable, "-c", program],
        preexec_fn=allow_small_files_only,
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = f"{tmp_path}/report.html cannot be written: File too large; nothing of this run is: "
    assert said in done.stderr
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {
        "report.html": "the report of before"
    }


def test_what_is_no_plain_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "aim")
    writing.write({Path("/dev/null"): "x", tmp_path / "link": "x"})
    assert not Path("/dev/null").is_file()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "aim").read_text() == "x"


def test_a_page_that_cannot_be_made_leaves_the_one_of_before(
    tmp_path: Path, logs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").write_text("before")
    monkeypatch.setattr(page, "render", None)
    assert main(["compare", LIVE, SHADOW, *logs, f"--out={tmp_path}/report.html"]) == 4
    assert (tmp_path / "report.html").read_text() == "before"
    assert not (tmp_path / "report.json").exists()


def test_figures_can_be_printed_for_programs(
    tmp_path: Path, logs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", LIVE, SHADOW, *logs, f"--out={tmp_path}/report.html", "--json=-"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["verdict"] == "FAIL"
    assert "FAIL\npage: file://" in printed.err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["logs", "report.html"]
