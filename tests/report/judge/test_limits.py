"""Thresholds of single routes, and limits that hold whatever the live version does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.kit.access_logs import Traffic, write
from shadow_report.cli import main

FAILING = Traffic(pairs=12_000, seconds=1800, failing_route="/search", failing=0.02)


def compared(folder: Path, traffic: Traffic, rules: str) -> dict[tuple[str, str], str]:
    """The results of the statements, by what they are about and their route."""
    (folder / "rules.toml").write_text(rules)
    logs = map(str, write(folder / "logs", traffic))
    page = folder / "report.html"
    options = ["--live=v1", "--shadow=v2", f"--out={page}", f"--thresholds={folder}/rules.toml"]
    status = main(["compare", *logs, *options])
    figures: dict[str, Any] = json.loads(page.with_suffix(".json").read_text())
    assert status == {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3}[figures["verdict"]]
    return {(each["about"], each["route"]): each["result"] for each in figures["statements"]}


def test_a_route_has_thresholds_of_its_own(tmp_path: Path) -> None:
    strict = compared(tmp_path, FAILING, "")
    assert strict["errors", "GET /search"] == "FAIL"
    loose = compared(tmp_path, FAILING, '["GET /search"]\nmax-new-errors = 10\n')
    assert ("errors", "GET /search") not in loose
    assert strict["errors", ""] == loose["errors", ""] == "FAIL"  # that of all is the command line's
    other = compared(tmp_path, FAILING, '["GET /"]\nmax-new-errors = 10\n')
    assert other == strict


def test_a_limit_holds_though_the_live_version_is_as_bad(tmp_path: Path) -> None:
    bad = Traffic(pairs=12_000, seconds=1800, both=0.05)
    found = compared(tmp_path, bad, "[all]\nmax-server-errors = 1\n")
    assert (found["errors", ""], found["max-server-errors", ""]) == ("PASS", "FAIL")
    assert compared(tmp_path, bad, "[all]\nmax-server-errors = 10\n")["max-server-errors", ""] == "PASS"
    near = compared(tmp_path, bad, "[all]\nmax-server-errors = 5\n")
    assert near["max-server-errors", ""] == "INCONCLUSIVE"


def test_a_latency_may_be_limited_in_milliseconds(tmp_path: Path) -> None:
    rules = '[all]\nmax-p50-ms = 5\nmax-p95-ms = 500\n["GET /search"]\nmax-p99-ms = 30\nmax-p50-ms = 100\n'
    found = compared(tmp_path, Traffic(pairs=12_000, seconds=1800), rules)
    assert found["max-p50-ms", ""] == "FAIL"
    assert found["max-p95-ms", ""] == "PASS"
    assert found["max-p99-ms", "GET /search"] == "FAIL"
    assert found["max-p50-ms", "GET /search"] == "PASS"


def test_a_route_that_does_not_occur_is_told(tmp_path: Path) -> None:
    found = compared(tmp_path, Traffic(), '["GET /serach"]\nmax-slower = 50\n')
    assert found["thresholds", "GET /serach"] == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("[all", "Expected ']' at the end of a table declaration"),
        ("max-p95-ms = 3", "'max-p95-ms' stands outside of a section: write [all] or [\"GET /\"] first"),
        (
            "[all]\nmax-slower = 3",
            "all: 'max-slower' is unknown; allowed: max-p50-ms, max-p95-ms, max-p99-ms",
        ),
        ('["GET /"]\nalpha = 0.1', "GET /: 'alpha' is unknown; allowed: max-p50-ms, "),
        ("[all]\nmax-p95-ms = '3'", "all: max-p95-ms is '3': a number from 0 on is allowed"),
        ("[all]\nmax-p95-ms = -3", "all: max-p95-ms is -3: a number from 0 on is allowed"),
    ],
)
def test_rules_that_cannot_be_read_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rules: str, said: str
) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(rules)
    assert main(["compare", str(tmp_path), "--live=v1", "--shadow=v2", f"--thresholds={file}"]) == 2
    assert capsys.readouterr().err.startswith(f"shadow-report: --thresholds {file}: {said}")


def test_the_rules_are_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("[all]\nmax-p95-ms = 300\n")
    logs = map(str, write(tmp_path / "logs", Traffic()))
    assert main(["compare", *logs, "--live=v1", "--shadow=v2", f"--thresholds={file}", f"--out={file}"]) == 2
    assert "is read as well" in capsys.readouterr().err
