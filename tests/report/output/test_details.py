"""What people look at to find out why: pods, flags, latency over time, traces."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.kit.access_logs import Traffic, write
from shadow_report.cli import main

Line = dict[str, Any]


def compared(folder: Path, spoil: Callable[[Line], None], *options: str) -> tuple[dict[str, Any], str]:
    """The figures and the page, with lines of the shadow that were spoilt."""
    live, shadow = write(folder / "logs", Traffic(pairs=6000, seconds=600, noise=0, both=0))
    lines = [json.loads(line) for line in shadow.read_text().splitlines()]
    for line in lines:
        spoil(line)
    shadow.write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = folder / "report.html"
    main(["compare", str(live), str(shadow), "--live=v1", "--shadow=v2", f"--out={page}", *options])
    return json.loads(page.with_suffix(".json").read_text()), page.read_text()


def on_one_pod(line: Line) -> None:
    if line["pod"] == "shop-v2-1" and line["path"] == "/search":
        line.update(status=503, flags="UF,URX", app_us=90_000)


def test_one_bad_pod_stands_out(tmp_path: Path) -> None:
    report, page = compared(tmp_path, on_one_pod)
    pods = [each for each in report["pods"] if each["side"] == "shadow"]
    assert pods[0]["name"] == "shop-v2-1"
    assert {each["name"] for each in pods} == {"shop-v2-0", "shop-v2-1", "shop-v2-2"}
    bad, *others = pods
    assert bad["server_errors"] > 200
    assert [each["server_errors"] for each in others] == [0, 0]
    assert bad["p95_us"] > 2 * max(each["p95_us"] for each in others)
    live = [each for each in report["pods"] if each["side"] == "live"]
    assert sum(each["requests"] for each in live) == pytest.approx(report["all"]["eligible"], abs=5)
    assert "Each pod by itself" in page


def test_the_flags_of_what_got_worse_are_counted(tmp_path: Path) -> None:
    report, page = compared(tmp_path, on_one_pod)
    assert [(each["reference"], each["other"], each["flags"]) for each in report["worseAnswers"]] == [
        ("200", "503", "UF,URX")
    ]
    assert report["worseAnswers"][0]["requests"] == report["all"]["errors"]["worse"]
    assert {each["flags"] for each in report["newErrors"]} == {"UF,URX"}
    assert "UF,URX" in page


def test_without_anything_worse_there_are_no_flags(tmp_path: Path) -> None:
    report, page = compared(tmp_path, lambda line: None)
    assert report["worseAnswers"] == []
    assert "Answers that got worse, by Envoy&#39;s flags: none." in page


def test_latency_is_drawn_over_time(tmp_path: Path) -> None:
    _, page = compared(tmp_path, lambda line: None)
    assert "p50 over time: v1 (solid line) and v2 (dashed line)." in page


def test_a_request_leads_to_its_trace(tmp_path: Path) -> None:
    link = "--trace-link=https://traces.example.org/?service=shop&id={request_id}"
    report, page = compared(tmp_path, on_one_pod, link)
    identity = report["newErrors"][0]["request_id"]
    address = f"https://traces.example.org/?service=shop&amp;id={identity}"
    assert f'<a href="{address}" rel="noreferrer">{identity}</a>' in page
    assert '<a href="https' not in compared(tmp_path, on_one_pod)[1]


def test_a_request_id_cannot_lead_elsewhere(tmp_path: Path) -> None:
    hostile = '"><script>/../x'

    def spoil(line: Line) -> None:
        if line["path"] == "/search":
            line["status"] = 503

    live, shadow = write(tmp_path / "logs", Traffic(pairs=3000, seconds=600, noise=0, both=0))
    for log in (live, shadow):
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        found = next(line for line in lines if line["path"] == "/search" and "00:05:" in line["start_time"])
        found["request_id"] = hostile
        if log is shadow:
            spoil(found)
        log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = tmp_path / "report.html"
    options = [f"--out={page}", "--trace-link=https://traces.example.org/{request_id}"]
    main(["compare", str(live), str(shadow), "--live=v1", "--shadow=v2", *options])
    text = page.read_text()
    assert 'href="https://traces.example.org/%22%3E%3Cscript%3E%2F..%2Fx"' in text
    assert "<script>" not in text


@pytest.mark.parametrize("template", ["javascript:alert({request_id})", "https://traces.example.org/"])
def test_a_link_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], template: str
) -> None:
    logs = map(str, write(tmp_path / "logs", Traffic(pairs=3000, seconds=600)))
    assert main(["compare", *logs, "--live=v1", "--shadow=v2", f"--trace-link={template}"]) == 2
    assert (
        "an address that begins with http:// or https:// and has {request_id} in it"
        in capsys.readouterr().err
    )
