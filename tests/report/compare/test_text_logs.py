"""Text logs: what each format's lines mean, and that no line of any kind breaks the parser."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lab.kit.access_logs import Traffic, write
from shadow_report import text_logs
from shadow_report.cli import main
from shadow_report.compare import engine, files, formats
from shadow_report.compare.records import Comparing
from shadow_report.compare.settings import Settings
from shadow_report.schema import RAW_NAMES
from shadow_report.text_logs import BadLineError
from tests.report.handmade import ID, VERSIONS, generated

COMBINED = (
    '10.0.0.1 - ann [23/Nov/2026:02:00:01 +0200] "GET /a?b=c HTTP/1.1" 200 512 "-" "curl/8" '
    f'{ID} rt=0.021 "10.1.2.3"'
)
ISTIO = (
    '[2026-11-23T00:00:01.250Z] "POST /a?b HTTP/2" 503 UF,URX upstream_reset - "tls error: \\"x\\"" 7 91 12 11 '
    f'"10.1.2.3,10.244.0.4" "curl/8" "{ID}" "shop:80" "10.244.0.9:80" inbound|80|| 127.0.0.6:1 10.244.0.9:80 '
    "10.1.2.3:0 - default"
)


def test_a_line_of_the_combined_format_with_what_may_follow() -> None:
    assert text_logs.parse(COMBINED.encode(), "combined") == {
        "method": "GET",
        "path": "/a",
        "protocol": "HTTP/1.1",
        "status": 200,
        "start_time": "2026-11-23T00:00:01.000000+00:00",
        "duration_ms": 21,
        "bytes_sent": 512,
        "xff": "10.1.2.3",
        "request_id": ID,
    }


def test_a_plain_line_of_the_combined_format_has_no_request_id() -> None:
    plain = text_logs.parse(
        b'::1 - - [23/Nov/2026:00:00:01 +0000] "GET / HTTP/1.1" 304 - "http://x" "a \\"b\\""', "combined"
    )
    assert (plain["request_id"], plain["duration_ms"], plain["bytes_sent"]) == (None, None, None)


def test_a_line_of_istios_text_format() -> None:
    assert text_logs.parse(ISTIO.encode(), "istio") == {
        "method": "POST",
        "path": "/a",
        "protocol": "HTTP/2",
        "status": 503,
        "flags": "UF,URX",
        "details": "upstream_reset",
        "start_time": "2026-11-23T00:00:01.250000+00:00",
        "duration_ms": 12,
        "app_us": 11_000,
        "bytes_sent": 91,
        "bytes_received": 7,
        "xff": "10.1.2.3,10.244.0.4",
        "request_id": ID,
    }


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"hello", "not a line of the combined format"),
        (b"\xff", "not UTF-8"),
        (COMBINED.replace("/a", "/a\0").encode(), "holds a NUL byte: binary"),
        (COMBINED.replace("GET /a", "\\x16\\x03").encode(), 'the request is not "METHOD /path PROTOCOL"'),
        (COMBINED.replace("Nov", "Mai").encode(), "its time cannot be read, or has no zone"),
        (COMBINED.encode() + b"x" * (1 << 20), "longer than 1 MiB"),
    ],
)
def test_a_bad_line_says_what_is_wrong(line: bytes, problem: str) -> None:
    with pytest.raises(BadLineError, match=f"^{problem}$"):
        text_logs.parse(line, "combined")


def mutated(line: str) -> some.SearchStrategy[bytes]:
    """The line with a piece replaced by anything."""
    place = some.integers(0, len(line))
    return some.builds(
        lambda one, other, piece: line.encode()[: min(one, other)] + piece + line.encode()[max(one, other) :],
        place,
        place,
        some.binary(max_size=20) | some.sampled_from([b'"', b"[", b"]", b"-", b" ", b"9" * 400, b"\\"]),
    )


@generated
@given(
    some.binary(max_size=300) | mutated(COMBINED) | mutated(ISTIO), some.sampled_from(list(text_logs.PARSERS))
)
def test_any_bytes_are_a_line_or_a_bad_line(raw: bytes, source: str) -> None:
    try:
        found = text_logs.parse(raw, source)
    except BadLineError:
        return
    assert set(found) <= set(RAW_NAMES)
    assert isinstance(found["status"], int)
    assert "?" not in str(found["path"])
    assert datetime.fromisoformat(str(found["start_time"])).utcoffset() == timedelta(0)


@generated
@given(some.binary(max_size=300) | mutated(COMBINED) | mutated(json.dumps({"status": 200, "path": "/"})))
def test_why_a_line_is_bad_can_always_be_told(raw: bytes) -> None:
    problem = formats.json_problem(raw.strip(), {})
    assert problem is None or problem


@pytest.mark.timeout(1800)
def test_lines_of_any_bytes_are_all_counted(tmp_path: Path) -> None:
    """Good lines among every kind of garbage: the engine and Python count the same, and lose none."""
    logs = write(tmp_path, Traffic(pairs=600, seconds=600))
    good = logs[0].read_bytes().splitlines()

    @settings(generated, max_examples=30)
    @given(
        some.lists(some.binary(min_size=1, max_size=60) | mutated(good[0].decode()), min_size=1, max_size=8)
    )
    def check(garbage: list[bytes]) -> None:
        garbage = [piece for each in garbage for piece in each.split(b"\n") if piece.strip()]
        logs[0].write_bytes(b"\n".join([*good[:300], *garbage, *good[300:]]) + b"\n")
        known = [formats.recognise(each) for each in files.inputs([str(tmp_path)])]
        run = engine.compare(known, Settings(Comparing(VERSIONS, ("GET",))))
        assert run.sources[0].lines == len(good) + len(garbage)
        assert run.sources[0].bad <= len(garbage)
        assert run.shadow.by_route[""].paired > 570

    check()


@pytest.mark.parametrize("source", ["combined", "istio"])
def test_text_logs_can_be_compared(tmp_path: Path, source: str) -> None:
    for version in ("v1", "v2"):
        (tmp_path / f"{version}.log").write_text(
            "".join(_text(source, number) for number in range(1200)) + "garbage\n"
        )
    page = tmp_path / "report.html"
    files = [f"{version}={tmp_path}/{version}.log" for version in ("v1", "v2")]
    status = main(
        ["compare", *files, "--live", "v1", "--shadow", "v2", "--out", str(page), "--max-new-errors", "1"]
    )
    report = json.loads(page.with_suffix(".json").read_text())
    assert status == 3  # too few for p99
    assert report["all"]["paired"] == report["all"]["eligible"] == pytest.approx(1160, abs=3)
    assert [(each["format"], each["lines"], each["bad"]) for each in report["sources"]] == [
        (source, 1201, 1)
    ] * 2
    assert report["sources"][0]["problems"][0].startswith("line 1201: not a line of ")
    assert report["latencyMeasure"] == ("app" if source == "istio" else "total")


def _text(source: str, number: int) -> str:
    moment = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=number / 2)
    identity = f"{number:08x}{ID[8:]}"
    if source == "istio":
        moment_text = moment.strftime("%Y-%m-%dT%H:%M:%S.250Z")
        return (
            ISTIO.replace("2026-11-23T00:00:01.250Z", moment_text)
            .replace("POST", "GET")
            .replace(ID, identity)
            + "\n"
        )
    time = moment.strftime("%d/%b/%Y:%H:%M:%S +0000")
    return COMBINED.replace("23/Nov/2026:02:00:01 +0200", time).replace(ID, identity) + "\n"
