"""What the collector could not have is told where it may be mistaken for a fault of the shadow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.kit.access_logs import START, Traffic, write
from shadow_report.cli import main
from shadow_report.collect import summary
from shadow_report.collect.tally import SECOND, Gap

OF_SHADOW = Gap("shop-v2-0", "v2", (START + 300) * SECOND, (START + 310) * SECOND, "the pod went", about=17)
OF_OTHER = Gap("shop-v3-0", "v3", (START + 300) * SECOND, (START + 310) * SECOND, "the pod went")
BEFORE = Gap("shop-v1-0", "v1", (START - 300) * SECOND, (START - 290) * SECOND, "the pod went")


def compared(directory: Path, *gaps: Gap) -> dict[str, Any]:
    """The figures; with gaps, a collector has left its summary beside the logs."""
    logs = directory / "logs"
    write(logs, Traffic(pairs=3000, seconds=600))
    if gaps:
        (logs / summary.FILE).write_text(json.dumps({"gaps": [each.as_json() for each in gaps]}))
    page = directory / "report.html"
    assert main(["compare", str(logs), "--live=v1", "--shadow=v2", f"--out={page}"]) in (0, 3)
    figures: dict[str, Any] = json.loads(page.with_suffix(".json").read_text())
    return figures


def test_gaps_of_compared_versions_within_the_window_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compared(tmp_path, OF_OTHER, BEFORE, OF_SHADOW)["notCollected"] == [OF_SHADOW.as_json()]
    assert OF_SHADOW.as_text() in (printed := capsys.readouterr().out)
    assert "shop-v3-0" not in printed
    assert "shop-v1-0" not in printed


def test_a_collector_that_had_everything_is_told_from_no_collector(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compared(tmp_path / "collected", BEFORE)["notCollected"] == []
    assert "could not have" not in capsys.readouterr().out
    assert compared(tmp_path / "by-hand")["notCollected"] is None
    assert "whether lines are missing is not known" in (tmp_path / "by-hand" / "report.html").read_text()
