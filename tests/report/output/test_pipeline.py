"""What a pipeline shows of a verdict: a Markdown summary, and JUnit's XML."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lab.kit.access_logs import Traffic, write
from shadow_report.cli import main
from tests.report.handmade import both

HOSTILE = "/a|b`c*<script>&\x01[x](http://evil.example)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipeline")
    logs = write(folder / "logs", Traffic(pairs=3000, seconds=600))
    hostile = [
        line for number in range(400) for line in both(60 + number, f"h{number}", shadow=500, path=HOSTILE)
    ]
    more = folder / "logs" / "more.ndjson"
    more.write_text("".join(json.dumps(line) + "\n" for line in hostile) + "garbage\n")
    outputs = [f"--{kind}={folder}/summary.{kind}" for kind in ("out", "markdown", "junit")]
    arguments = [
        "compare",
        *map(str, logs),
        str(more),
        "--live=v1",
        "--shadow=v2",
        f"--json={folder}/figures",
    ]
    assert main([*arguments, *outputs]) == 1
    return folder


def test_the_figures_say_the_version_of_their_schema(folder: Path) -> None:
    assert json.loads((folder / "figures").read_text())["schemaVersion"] == 1


def test_markdown_begins_with_the_verdict_and_lists_every_statement(folder: Path) -> None:
    lines = (folder / "summary.markdown").read_text().splitlines()
    figures = json.loads((folder / "figures").read_text())
    assert lines[0] == "## ❌ FAIL: v2 against v1"
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 1 + len(figures["statements"])  # and the heads
    assert "| ❌ FAIL | errors | all |" in "\n".join(rows)
    assert "1 of 6,801 lines could not be read." in lines


def test_a_path_cannot_write_markdown_or_html(folder: Path) -> None:
    text = (folder / "summary.markdown").read_text()
    assert "GET /a\\|b\\`c\\*\\<script\\>\\&" in text
    assert "<script>" not in text
    assert "](http" not in text.replace("\\]\\(http", "")


def test_junit_has_a_test_for_every_statement(folder: Path) -> None:
    suite = ElementTree.parse(folder / "summary.junit").getroot()[0]  # noqa: S314  # our own
    statements = json.loads((folder / "figures").read_text())["statements"]
    cases = [
        (case.get("name"), case.get("classname"), case[0].tag if len(case) else "passed") for case in suite
    ]
    tags = {"FAIL": "failure", "INCONCLUSIVE": "skipped", "PASS": "passed"}
    assert cases == [
        (each["about"], each["route"].replace("\x01", "\ufffd") or "all requests", tags[each["result"]])
        for each in statements
    ]
    failures = [each for each in statements if each["result"] == "FAIL"]
    assert (suite.get("tests"), suite.get("failures")) == (str(len(statements)), str(len(failures)))
    assert ("errors", "GET " + HOSTILE.replace("\x01", "\ufffd"), "failure") in cases
