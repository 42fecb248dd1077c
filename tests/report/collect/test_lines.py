"""One line of a sidecar's log: the kubelet's time, what the proxy says, and what is refused."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_report.collect.lines import request, split, text_request
from shadow_report.collect.store import SCHEMA
from shadow_report.schema import RAW_NAMES
from shadow_report.text_logs import BadLineError
from tests.generated import steady

# As the lab's sidecars wrote it.
LOGGED: dict[str, Any] = {
    "answer_digest": "json 6eaf61fe 5925faeda85ca59f 30917467 30917467",
    "answer_fields": "@content-type=s0eaa529b $.a=naa1f6f47",
    "app_us": 21934,
    "bytes_received": 0,
    "bytes_sent": 34,
    "details": "via_upstream",
    "duration_ms": 23,
    "flags": "-",
    "grpc_status": None,
    "method": "GET",
    "path": "/cart/0",
    "pod": "nginx-v1-69966c9d8b-xx78n",
    "protocol": "HTTP/1.1",
    "request_id": "c845c9b2-9be4-4cad-abda-cb03362f1d25",
    "start_time": "2026-11-23T08:14:58.199276Z",
    "status": 200,
    "version": "v1",
    "xff": "10.244.0.1",
}


def logged(**changes: Any) -> bytes:
    return json.dumps({**LOGGED, **changes}).encode()


def test_a_request_has_the_columns_of_a_raw_line() -> None:
    row = request(logged())
    start = datetime(2026, 11, 23, 8, 14, 58, 199276, UTC)
    assert row == {**LOGGED, "flags": None, "start_time": start}
    assert tuple(row) == RAW_NAMES


def test_a_query_string_is_never_kept() -> None:
    row = request(logged(path="/cart?password=hush?again"))
    assert row is not None
    assert row["path"] == "/cart"


def test_what_is_not_asked_for_is_not_kept() -> None:
    row = request(logged(cookie="hush", user_agent="curl"))
    assert row is not None
    assert "hush" not in repr(row)
    assert "curl" not in repr(row)


@pytest.mark.parametrize(
    "text",
    [
        b"2026-11-23T08:14:54.365083Z\tinfo\tEnvoy proxy is ready",
        b"",
        b'{"level":"info","time":"2026-11-23T08:14:54.365083Z","msg":"Envoy proxy is ready"}',
        b"\xff\xfe",
    ],
)
def test_what_the_proxy_says_of_itself_is_no_request(text: bytes) -> None:
    assert request(text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (logged()[:-20], "no JSON"),
        (b'{"method": "\xff"}', "no JSON"),
        (b"{" * 100_000, "no JSON"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (logged(status="OK"), "status is no whole number"),
        (logged(status=True), "status is no whole number"),
        (logged(status=200.5), "status is no whole number"),
        (logged(app_us=2**63), "app_us is no whole number"),
        (logged(method=5), "method is int"),
        (logged(path=["/"]), "path is list"),
        (logged(start_time="yesterday"), "start_time is no time"),
        (logged(start_time="2026-11-23T08:14:58"), "start_time has no zone"),
        (logged(start_time=1795421934), "start_time is int"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_request_that_cannot_be_read_says_why(text: bytes, why: str) -> None:
    with pytest.raises(BadLineError, match=f"^{why}$"):
        request(text)


ISTIO = (
    b'[2026-11-23T08:14:58.199Z] "GET /cart?password=hush HTTP/1.1" 200 - via_upstream - "-" 0 34 23 22 '
    b'"10.244.0.1" "curl/8" "c845c9b2-9be4-4cad-abda-cb03362f1d25" "shop.example" "10.244.0.5:80" inbound|80|| '
    b"127.0.0.6:1 10.244.0.5:80 10.244.0.1:0 - default"
)
COMBINED = (
    b'10.244.0.1 - - [23/Nov/2026:08:14:58 +0000] "GET /cart?password=hush HTTP/1.1" 200 34 "-" "curl/8" '
    b"c845c9b2-9be4-4cad-abda-cb03362f1d25"
)


ENVOY = ISTIO.replace(b'via_upstream - "-" ', b"")


@pytest.mark.parametrize("text", [ISTIO, ENVOY, COMBINED], ids=["istio", "envoy", "combined"])
def test_a_text_log_has_the_same_columns_and_no_query(text: bytes) -> None:
    row = text_request(text)
    assert row is not None
    assert tuple(row) == RAW_NAMES
    assert (row["path"], row["status"], row["request_id"]) == ("/cart", 200, LOGGED["request_id"])
    assert row["start_time"].replace(microsecond=0) == datetime(2026, 11, 23, 8, 14, 58, tzinfo=UTC)
    assert "hush" not in repr(row)


@pytest.mark.parametrize(
    ("named", "app"),
    [
        ({"path": "path", "xff": "x_forwarded_for", "request_id": "request_id"}, "upstream_service_time"),
        (
            {"path": "x-envoy-origin-path", "xff": "x-forwarded-for", "request_id": "x-request-id"},
            "x-envoy-upstream-service-time",
        ),
    ],
    ids=["Istio's JSON encoding", "Envoy Gateway's default"],
)
def test_json_with_the_mesh_s_own_keys_has_the_same_columns(named: dict[str, str], app: str) -> None:
    others = {
        "status": "response_code",
        "flags": "response_flags",
        "details": "response_code_details",
        "duration_ms": "duration",
    }
    keys = {**others, **named}
    line = {
        keys.get(name, name): value
        for name, value in LOGGED.items()
        if name not in ("app_us", "pod", "version")
    }
    row = request(json.dumps({**line, app: "21", "authority": "hush"}).encode())
    expected = request(logged(app_us=21_000, pod=None, version=None))
    assert row == expected
    assert row is not None
    assert row["app_us"] == 21_000


@pytest.mark.parametrize("text", [b"Envoy proxy is ready", b"", b"\xff", logged()])
def test_what_is_of_no_text_format_is_no_request(text: bytes) -> None:
    assert text_request(text) is None


def test_numbers_written_as_text_are_numbers_and_a_dash_is_nothing() -> None:
    row = request(logged(status="503", app_us="-", bytes_sent=7.0))
    assert row is not None
    assert (row["status"], row["app_us"], row["bytes_sent"]) == (503, None, 7)


def test_half_a_character_does_not_spoil_the_file_it_goes_to() -> None:
    row = request(logged(path="/\ud800"))
    assert row is not None
    assert row["path"] == "/?".partition("?")[0]


@pytest.mark.parametrize(
    ("line", "nanoseconds"),
    [
        (b"2026-11-23T08:04:30.123456789Z text", 1795421070_123456789),
        (b"2026-11-23T09:04:30.123456789+01:00 text", 1795421070_123456789),
        (b"2026-11-23T03:34:30.000000000-04:30 text", 1795421070_000000000),
    ],
)
def test_a_line_has_the_kubelets_time_to_the_nanosecond_in_any_zone(line: bytes, nanoseconds: int) -> None:
    assert split(line) == (nanoseconds, b"text")


@pytest.mark.parametrize(
    "line", [b"", b"unable to retrieve container logs for containerd://0", b"2026-11-23T08:04:30Z x", b"\x00"]
)
def test_a_line_that_the_kubelet_did_not_write_has_no_time(line: bytes) -> None:
    assert split(line) is None


@steady
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=100).map(lambda more: b"{" + more)))
def test_whatever_a_line_holds_it_is_a_request_or_none_or_bad(text: bytes) -> None:
    split(text)
    try:
        request(text)
    except BadLineError:
        return


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.just("-")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@steady
@given(st.dictionaries(st.sampled_from(RAW_NAMES), anything))
def test_whatever_a_field_holds_the_row_fits_its_columns_or_the_line_is_bad(changes: dict[str, Any]) -> None:
    try:
        row = request(logged(**changes))
    except BadLineError:
        return
    assert row is not None
    assert pyarrow.Table.from_pylist([row], SCHEMA).num_rows == 1
