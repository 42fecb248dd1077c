"""Which line belongs to which, which request counts, and how paths become routes."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lab.kit.access_logs import START
from shadow_report.compare import engine, files, formats
from shadow_report.compare.records import Comparing
from shadow_report.compare.run import Run
from shadow_report.compare.settings import Settings
from shadow_report.errors import ReportError
from tests.report.handmade import ID, VERSIONS, answers, both, line, run


def left_out(run: Run, what: str) -> int:
    return next(each.number for each in run.left_out if what in each.what)


def test_a_request_and_its_copy_are_a_pair(tmp_path: Path) -> None:
    assert answers(run(tmp_path, both(0, shadow=500))) == {("200", "500"): 1}


def test_a_request_without_a_copy_is_missing_and_never_ok(tmp_path: Path) -> None:
    assert answers(run(tmp_path, [line("v1", 0)])) == {("200", "missing"): 1}


@pytest.mark.parametrize("change", [{"method": "HEAD"}, {"path": "/orders/8"}])
def test_the_same_id_on_another_request_is_no_pair(tmp_path: Path, change: dict[str, Any]) -> None:
    assert answers(run(tmp_path, [line("v1", 0), line("v2", 0, **change)])) == {("200", "missing"): 1}


@pytest.mark.parametrize("digit", "49ab")
def test_the_digit_that_tracing_rewrites_is_left_out(tmp_path: Path, digit: str) -> None:
    traced = ID[:14] + digit + ID[15:]
    assert answers(run(tmp_path, [line("v1", 0), line("v2", 0, traced)])) == {("200", "200"): 1}


def test_other_digits_are_not(tmp_path: Path) -> None:
    other = ID[:15] + "0" + ID[16:]
    assert answers(run(tmp_path, [line("v1", 0), line("v2", 0, other)])) == {("200", "missing"): 1}


def test_ids_that_are_no_uuids_are_taken_as_they_are(tmp_path: Path) -> None:
    lines = [*both(0, "a" * 15 + "b"), line("v1", 1, "a" * 15 + "c"), line("v2", 1, "a" * 15 + "d")]
    assert answers(run(tmp_path, lines)) == {("200", "200"): 1, ("200", "missing"): 1}


def test_a_query_string_does_not_keep_a_pair_apart(tmp_path: Path) -> None:
    lines = [line("v1", 0, path="/search?q=1"), line("v2", 0, path="/search")]
    found = run(tmp_path, lines)
    assert answers(found) == {("200", "200"): 1}
    assert "GET /search" in found.shadow.by_route


def test_retries_are_paired_in_their_order_when_both_sides_have_as_many(tmp_path: Path) -> None:
    lines = [
        line("v2", 2.1, status=502),
        line("v1", 1, status=503),
        *both(0.5),
        line("v1", 2),
        line("v2", 1.1),
    ]
    assert answers(run(tmp_path, lines)) == {("200", "200"): 1, ("503", "200"): 1, ("200", "502"): 1}


def test_retries_of_which_only_some_were_copied_are_excluded_and_counted(tmp_path: Path) -> None:
    found = run(tmp_path, [*both(0), line("v1", 1), *both(0, "other")])
    assert answers(found) == {("200", "ambiguous"): 2, ("200", "200"): 1}
    assert found.shadow.by_route[""].eligible == 1
    assert left_out(found, "retries") == 2


def test_retries_of_which_none_was_copied_are_missing(tmp_path: Path) -> None:
    assert answers(run(tmp_path, [line("v1", 0), line("v1", 1)])) == {("200", "missing"): 2}


def test_a_line_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    found = run(tmp_path, [*both(0), *both(0)])
    assert answers(found) == {("200", "200"): 1}
    assert left_out(found, "there twice") == 2


def test_several_copies_of_each_request_are_no_retries_when_that_is_configured(tmp_path: Path) -> None:
    lines = [*both(0, shadow=500), line("v2", 1), line("v2", 2)]
    assert answers(run(tmp_path, lines, mirror_percent=250)) == {("200", "500"): 1}
    assert answers(run(tmp_path, lines)) == {("200", "ambiguous"): 1}


@pytest.mark.parametrize("identity", [None, "-", ""])
def test_a_request_without_an_id_is_excluded_and_counted(tmp_path: Path, identity: str | None) -> None:
    without = [{**each, "request_id": identity} for each in both(2)]
    found = run(tmp_path, [*both(0), *without])
    assert left_out(found, "without a request id") == 1
    assert answers(found) == {("200", "200"): 1, ("200", "without id"): 1}
    assert found.shadow.by_route[""].eligible == 1


def test_only_methods_that_are_copied_count(tmp_path: Path) -> None:
    lines = [*both(0), line("v1", 1, "posted", method="POST")]
    found = run(tmp_path, lines)
    assert answers(found) == {("200", "200"): 1}
    assert left_out(found, "method that is not copied") == 1
    everything = run(tmp_path, lines, comparing=Comparing(VERSIONS, ("*",)))
    assert answers(everything) == {("200", "200"): 1, ("200", "missing"): 1}


def test_the_edges_are_cut_off_and_counted(tmp_path: Path) -> None:
    found = run(tmp_path, [*both(-995, "early"), *both(0), *both(995, "late")])
    assert answers(found) == {("200", "200"): 1}
    assert left_out(found, "edges") == 4


def test_a_window_can_be_given(tmp_path: Path) -> None:
    lines = [*both(0, "first"), *both(10, "second"), *both(20, "third", shadow=500)]
    assert answers(run(tmp_path, lines, first=START + 5, last=START + 15)) == {("200", "200"): 1}
    assert answers(run(tmp_path, lines, first=START + 15)) == {("200", "500"): 1, ("200", "200"): 1}
    with pytest.raises(ReportError, match="nothing is left to compare"):
        run(tmp_path, lines, first=START + 5000)


def test_lines_of_other_versions_are_counted(tmp_path: Path) -> None:
    found = run(tmp_path, [*both(0), line("v7", 0), line("v7", 1)])
    assert left_out(found, "other versions") == 2


def test_copies_without_their_hop_are_counted(tmp_path: Path) -> None:
    found = run(tmp_path, [*both(0), *both(1, "direct", xff="10.1.2.3")])
    assert left_out(found, "hop") == 1


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"status": 0}, "0"),
        ({"flags": "DC"}, "200 cut off"),
        ({"flags": "UF,DC", "status": 0}, "0 cut off"),
        ({"flags": "UF,URX", "status": 503}, "503"),
        ({"flags": "UC"}, "200 broken off"),
        ({"flags": "UPE", "status": 304}, "304 broken off"),
        ({"flags": "UT,DC"}, "200 broken off"),
        ({"flags": "LR"}, "200 broken off"),
        ({"flags": "DPE"}, "200 cut off"),
        ({"flags": "DI"}, "200"),
        ({"grpc_status": 14}, "grpc 14"),
        ({"grpc_status": "14"}, "grpc 14"),
        ({"grpc_status": "Unavailable"}, "grpc 14"),
        ({"grpc_status": "DEADLINE_EXCEEDED"}, "grpc 4"),
        ({"grpc_status": "OK"}, "200"),
        ({"grpc_status": "NobodyKnows"}, "grpc 2"),
        ({"grpc_status": 0}, "200"),
        ({"grpc_status": "-"}, "200"),
        ({"status": "404"}, "404"),
    ],
)
def test_flags_and_grpc_status_are_part_of_the_answer(
    tmp_path: Path, change: dict[str, Any], answer: str
) -> None:
    assert answers(run(tmp_path, [line("v1", 0), line("v2", 0, **change)])) == {("200", answer): 1}


def test_client_aborts_and_code_0_are_neither_errors_nor_ok(tmp_path: Path) -> None:
    lines = [
        *both(0, "a", shadow=0),
        *both(1, "b", live=0),
        *both(2, "c", shadow=499),
        *both(3, "d", live=0, shadow=0),
    ]
    sums = run(tmp_path, lines).shadow.by_route[""]
    assert (sums.worse, sums.better, sums.compared) == (0, 0, 0)
    assert (sums.only_other_aborted, sums.only_reference_aborted) == (2, 1)
    assert (sums.eligible, sums.paired) == (2, 2)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/orders/7", "/orders/{id}"),
        ("/orders/7/8/9", "/orders/{id}/{id}/{id}"),
        (f"/users/{ID}/cart", "/users/{id}/cart"),
        ("/users/12345678-1234-1234-1234-123456789012", "/users/{id}"),
        ("/blobs/0123456789abcdef0123456789abcdef", "/blobs/{id}"),
        ("/v2/orders", "/v2/orders"),
        ("/", "/"),
        ("/cafe/beef", "/cafe/beef"),
    ],
)
def test_ids_in_paths_are_folded(tmp_path: Path, path: str, template: str) -> None:
    assert set(run(tmp_path, both(0, path=path)).shadow.routes) == {f"GET {template}"}


def test_templates_can_be_given_and_the_first_that_covers_a_path_wins(tmp_path: Path) -> None:
    comparing = Comparing(VERSIONS, ("GET",), ("/users/me", "/users/{name}", "/static/*", "/a.b/{x}"))
    paths = ["/users/me", "/users/ann", "/users/ann/7", "/static/js/app.1.js", "/a.b/c", "/aXb/c"]
    lines = [each for number, path in enumerate(paths) for each in both(number, str(number), path=path)]
    assert set(run(tmp_path, lines, comparing=comparing).shadow.routes) == {
        "GET /users/me",
        "GET /users/{name}",
        "GET /users/ann/{id}",
        "GET /static/*",
        "GET /a.b/{x}",
        "GET /aXb/c",
    }


def test_the_busiest_hundred_routes_are_told_apart(tmp_path: Path) -> None:
    lines = [each for number in range(105) for each in both(number, f"r{number}", path=f"/page-{number}x")]
    found = run(tmp_path, [*lines, *both(200, "again", path="/page-104x")]).shadow
    # /orders/{id}, which is busy outside of the window, is one of the hundred; "" stands for all.
    assert len(found.by_route) == 101
    assert found.by_route["(all other routes)"].eligible == 6
    assert "GET /page-104x" in found.by_route


def test_times_with_another_zone_are_the_same_moments(tmp_path: Path) -> None:
    live = line("v1", 0)
    moved = datetime.fromisoformat(live["start_time"]).replace(tzinfo=None).isoformat() + "Z"
    east = datetime.fromtimestamp(START + 7200).isoformat() + "+02:00"
    found = run(tmp_path, [{**live, "start_time": moved}, line("v2", 0, start_time=east)])
    assert answers(found) == {("200", "200"): 1}
    assert abs(found.sides["shadow"].offset_us) < 1000


def test_istios_own_json_is_understood(tmp_path: Path) -> None:
    names = {
        "status": "response_code",
        "flags": "response_flags",
        "duration_ms": "duration",
        "xff": "x_forwarded_for",
    }
    given = [*both(0, shadow=500), *both(-1000, "x"), *both(1000, "y")]
    lines = [{names.get(key, key): value for key, value in each.items()} for each in given]
    assert answers(_only(tmp_path, lines)) == {("200", "500"): 1}


def _only(directory: Path, lines: list[dict[str, Any]]) -> Run:
    file = directory / "istio.ndjson"
    file.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return engine.compare([formats.recognise(files.Input(file))], Settings(Comparing(VERSIONS, ("GET",))))
