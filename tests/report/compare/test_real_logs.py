"""Logs as the programs that people have write them: all are read as our own JSON lines are.

The same requests are written in each way, and must give the same figures.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lab.kit.access_logs import Traffic, write
from shadow_report.cli import main

SOME = Traffic(pairs=3000, seconds=600, failing_route="/search", failing=0.2)
Line = dict[str, Any]
Writer = Callable[[Line], str]


def ours(line: Line) -> str:
    return json.dumps(line)


def without_names(line: Line) -> str:
    """As Envoy would write it that does not know its pod."""
    return json.dumps({key: value for key, value in line.items() if key not in ("pod", "version")})


def istio_json(line: Line) -> str:
    """meshConfig.accessLogEncoding: JSON."""
    return json.dumps(
        {
            "authority": "shop.shop.svc.cluster.local",
            "bytes_received": line["bytes_received"],
            "bytes_sent": line["bytes_sent"],
            "connection_termination_details": None,
            "downstream_local_address": "10.244.0.9:8080",
            "downstream_remote_address": "10.244.0.4:0",
            "duration": line["duration_ms"],
            "method": line["method"],
            "path": f"{line['path']}?a=b",
            "protocol": "HTTP/1.1",
            "request_id": line["request_id"],
            "requested_server_name": None,
            "response_code": line["status"],
            "response_code_details": "via_upstream",
            "response_flags": "-",
            "route_name": "default",
            "start_time": line["start_time"],
            "upstream_cluster": "inbound|8080||",
            "upstream_host": "10.244.0.9:8080",
            "upstream_local_address": "127.0.0.6:44217",
            "upstream_service_time": str(line["app_us"] // 1000),
            "upstream_transport_failure_reason": None,
            "user_agent": "curl/8",
            "x_forwarded_for": line["xff"],
        }
    )


def envoy_gateway(line: Line) -> str:
    """Envoy Gateway's default: JSON, of which every value is text."""
    return json.dumps(
        {
            "start_time": line["start_time"],
            "method": line["method"],
            "x-envoy-origin-path": line["path"],
            "protocol": "HTTP/1.1",
            "response_code": str(line["status"]),
            "response_flags": "-",
            "response_code_details": "via_upstream",
            "connection_termination_details": "-",
            "upstream_transport_failure_reason": "-",
            "bytes_received": "0",
            "bytes_sent": str(line["bytes_sent"]),
            "duration": str(line["duration_ms"]),
            "x-envoy-upstream-service-time": str(line["app_us"] // 1000),
            "x-forwarded-for": line["xff"],
            "user-agent": "curl/8",
            "x-request-id": line["request_id"],
            ":authority": "shop.example.org",
            "upstream_host": "10.244.0.9:8080",
            "upstream_cluster": "httproute/shop/shop/rule/0",
            "route_name": "httproute/shop/shop/rule/0/match/0",
        }
    )


def istio_text(line: Line) -> str:
    return (
        f'[{line["start_time"]}] "{line["method"]} {line["path"]} HTTP/1.1" {line["status"]} - via_upstream - '
        f'"-" 0 {line["bytes_sent"]} {line["duration_ms"]} {line["app_us"] // 1000} "{line["xff"]}" "curl/8" '
        f'"{line["request_id"]}" "shop" "10.244.0.9:8080" inbound|8080|| 127.0.0.6:1 10.244.0.9:8080 '
        "10.244.0.4:0 - default"
    )


def envoy_text(line: Line) -> str:
    return (
        f'[{line["start_time"]}] "{line["method"]} {line["path"]} HTTP/1.1" {line["status"]} - 0 '
        f'{line["bytes_sent"]} {line["duration_ms"]} {line["app_us"] // 1000} "{line["xff"]}" "curl/8" '
        f'"{line["request_id"]}" "shop" "10.244.0.9:8080"'
    )


def prefix(line: Line) -> str:
    return f"[pod/{pod(line)}/istio-proxy] "


def pod(line: Line) -> str:
    return f"shop-{line['version']}-69966c9d8b-xx78{line['pod'][-1]}"


def time(line: Line) -> str:
    return str(line["start_time"]).replace("Z", "999Z")


def parsed(line: Line) -> Line:
    found: Line = json.loads(without_names(line))
    return found


FORMATS: dict[str, Writer] = {
    "our JSON": ours,
    "Istio's JSON": istio_json,
    "Istio's text": istio_text,
    "Envoy's text": envoy_text,
    "Envoy Gateway's JSON": envoy_gateway,
}
# How the line comes about, the options for it, and whether it tells the version.
WRAPPED: dict[str, tuple[Writer, tuple[str, ...], bool]] = {
    "kubectl logs --timestamps": (lambda line: f"{time(line)} {without_names(line)}", (), False),
    "kubectl logs --prefix": (lambda line: prefix(line) + without_names(line), (), True),
    "kubectl logs --prefix --timestamps": (
        lambda line: f"{prefix(line)}{time(line)} {without_names(line)}",
        (),
        True,
    ),
    "kubectl logs --prefix, Istio's text": (lambda line: prefix(line) + istio_text(line), (), True),
    "kubectl logs --prefix, Istio's JSON": (lambda line: prefix(line) + istio_json(line), (), True),
    "CRI": (lambda line: f"{time(line)} stdout F {without_names(line)}", (), False),
    "CRI, Istio's text": (lambda line: f"{time(line)} stdout F {istio_text(line)}", (), False),
    "Docker's json-file": (
        lambda line: json.dumps({"log": without_names(line) + "\n", "stream": "stdout", "time": time(line)}),
        ("--inside=log",),
        False,
    ),
    "Fluent Bit": (
        lambda line: json.dumps(
            {
                "log": istio_text(line),
                "kubernetes": {"pod_name": pod(line), "labels": {"version": line["version"], "app": "shop"}},
            }
        ),
        ("--inside=log", "--keys=pod=kubernetes.pod_name,version=kubernetes.labels.version"),
        True,
    ),
    "Loki, by logcli": (
        lambda line: json.dumps(
            {"labels": {"pod": pod(line)}, "line": istio_json(line), "timestamp": time(line)}
        ),
        ("--inside=line", "--keys=pod=labels.pod"),
        True,
    ),
    "Cloud Logging, JSON": (
        lambda line: json.dumps(
            {
                "jsonPayload": {**parsed(line), "status": float(line["status"])},
                "resource": {"labels": {"pod_name": pod(line)}},
                "labels": {"k8s-pod/version": line["version"]},
            }
        ),
        (
            "--inside=jsonPayload",
            "--keys=pod=resource.labels.pod_name",
            "--keys=version=labels.k8s-pod/version",
        ),
        True,
    ),
    "Cloud Logging, text": (
        lambda line: json.dumps(
            {"textPayload": envoy_text(line), "resource": {"labels": {"pod_name": pod(line)}}}
        ),
        ("--inside=textPayload", "--keys=pod=resource.labels.pod_name"),
        True,
    ),
    "other keys": (
        lambda line: json.dumps(
            {("code" if key == "status" else key): value for key, value in parsed(line).items()}
        ),
        ("--keys=status=code",),
        False,
    ),
    "keys within others": (
        lambda line: json.dumps(
            {
                **{key: value for key, value in line.items() if key not in ("status", "method")},
                "http": {"request.method": line["method"], "response": {"status": line["status"]}},
            }
        ),
        ("--keys=status=http.response.status,method=http.request.method",),
        True,
    ),
}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Line], list[Line]]:
    paths = write(tmp_path_factory.mktemp("logs"), SOME)
    live, shadow = ([json.loads(line) for line in path.read_text().splitlines()] for path in paths)
    return live, shadow


def figures(tmp_path: Path, *arguments: str) -> Line:
    page = tmp_path / "report.html"
    status = main(["compare", *arguments, "--live=v1", "--shadow=v2", f"--out={page}"])
    assert status == 1  # the route fails, in whatever way it is written
    found: Line = json.loads(page.with_suffix(".json").read_text())
    return found


def compared(tmp_path: Path, logs: tuple[list[Line], list[Line]], writer: Writer, *options: str) -> Line:
    """One file a version, which the command line names."""
    for version, lines in zip(("v1", "v2"), logs, strict=True):
        (tmp_path / f"{version}.log").write_text("".join(writer(line) + "\n" for line in lines))
    return figures(tmp_path, *(f"{version}={tmp_path}/{version}.log" for version in ("v1", "v2")), *options)


def same(report: Line, expected: Line) -> bool:
    names = ("answers", "errors", "unfinished", "eligible", "paired", "sizes")
    return all(report["all"][name] == expected["all"][name] for name in names)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, logs: tuple[list[Line], list[Line]]) -> Line:
    return compared(tmp_path_factory.mktemp("expected"), logs, ours)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_the_same_as_our_own(
    tmp_path: Path, logs: tuple[list[Line], list[Line]], expected: Line, name: str
) -> None:
    report = compared(tmp_path, logs, FORMATS[name])
    assert same(report, expected)
    assert (report["latencyMeasure"], report["sources"][0]["bad"]) == ("app", 0)
    latencies = [each["liveMicroseconds"] for each in report["all"]["latency"]]
    assert latencies == pytest.approx(
        [each["liveMicroseconds"] for each in expected["all"]["latency"]],
        rel=0.06,  # whole milliseconds
    )


@pytest.mark.parametrize("name", ["our JSON", "Istio's JSON", "Envoy Gateway's JSON"])
def test_parquet_has_the_columns_of_the_json_that_it_was_made_of(
    tmp_path: Path, logs: tuple[list[Line], list[Line]], expected: Line, name: str
) -> None:
    for version, lines in zip(("v1", "v2"), logs, strict=True):
        whole = tmp_path / f"{version}.ndjson"
        whole.write_text("".join(FORMATS[name](line) + "\n" for line in lines))
        duckdb.sql(f"COPY (FROM read_ndjson('{whole}')) TO '{tmp_path}/{version}.parquet'")
    report = figures(tmp_path, f"v1={tmp_path}/v1.parquet", f"v2={tmp_path}/v2.parquet")
    assert same(report, expected)
    assert report["latencyMeasure"] == "app"


@pytest.mark.parametrize("name", WRAPPED)
def test_what_is_around_a_line_does_not_change_what_it_says(
    tmp_path: Path, logs: tuple[list[Line], list[Line]], expected: Line, name: str
) -> None:
    writer, options, _ = WRAPPED[name]
    report = compared(tmp_path, logs, writer, *options)
    assert same(report, expected)
    assert [each["bad"] for each in report["sources"]] == [0, 0]


@pytest.mark.parametrize("name", [name for name, (_, _, told) in WRAPPED.items() if told])
def test_one_file_of_all_pods_tells_their_versions(
    tmp_path: Path, logs: tuple[list[Line], list[Line]], expected: Line, name: str
) -> None:
    writer, options, _ = WRAPPED[name]
    mixed = [line for pair in zip(*logs, strict=True) for line in pair]
    (tmp_path / "all.log").write_text("".join(writer(line) + "\n" for line in mixed))
    report = figures(tmp_path, f"{tmp_path}/all.log", *options)
    assert same(report, expected)
    assert {name: side["pods"] for name, side in report["sides"].items()} == {"live": 3, "shadow": 3}


def any_value(value: Any) -> Line:
    """As OTLP writes a value in JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding."""
    if isinstance(value, dict):
        return {"kvlistValue": {"values": attributes(value)}}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}


def attributes(values: Line) -> list[Line]:
    return [{"key": key, "value": any_value(value)} for key, value in values.items() if value is not None]


def nanoseconds(line: Line) -> str:
    return str(round(datetime.fromisoformat(line["start_time"]).timestamp() * 1e6) * 1000)


# What a record of a line is, as Envoy's access log for OpenTelemetry can be configured.
RECORDS: dict[str, Callable[[Line], Line]] = {
    "attributes": lambda line: {"attributes": attributes(json.loads(envoy_gateway(line)))},
    "a body of keys and values": lambda line: {"body": any_value(parsed(line))},
    "a body of text": lambda line: {"body": {"stringValue": istio_text(line) + "\n"}},
    "a body of text and attributes of others": lambda line: {
        "body": {"stringValue": istio_text(line)},
        "attributes": attributes({"log_name": "otel", "k8s.cluster": "a"}),
    },
    "a body of JSON": lambda line: {"body": {"stringValue": istio_json(line)}},
    "without start_time": lambda line: {
        "attributes": attributes({key: value for key, value in parsed(line).items() if key != "start_time"})
    },
}


def exported(lines: list[Line], record: Callable[[Line], Line]) -> str:
    """As the collector's file exporter writes it: many records a line, of many pods."""
    made = []
    for begin in range(0, len(lines), 700):
        by_pod: dict[str, list[Line]] = {}
        for line in lines[begin : begin + 700]:
            by_pod.setdefault(pod(line), []).append({"timeUnixNano": nanoseconds(line), **record(line)})
        resources = [
            {
                "resource": {"attributes": attributes({"k8s.pod.name": name})},
                "scopeLogs": [{"scope": {}, "logRecords": records}],
            }
            for name, records in by_pod.items()
        ]
        made.append(json.dumps({"resourceLogs": resources}, separators=(",", ":")) + "\n")
    return "".join(made)


@pytest.mark.parametrize("name", RECORDS)
def test_files_of_opentelemetrys_collector_are_read(
    tmp_path: Path, logs: tuple[list[Line], list[Line]], expected: Line, name: str
) -> None:
    log = tmp_path / "otlp.jsonl"
    log.write_text(exported([line for pair in zip(*logs, strict=True) for line in pair], RECORDS[name]))
    report = figures(tmp_path, str(log))
    assert same(report, expected)
    assert {name: side["pods"] for name, side in report["sides"].items()} == {"live": 3, "shadow": 3}
    assert [(each["lines"], each["bad"]) for each in report["sources"]] == [(6000, 0)]


def test_lines_of_an_export_that_cannot_be_read_are_bad_ones(
    tmp_path: Path, logs: tuple[list[Line], list[Line]], expected: Line
) -> None:
    whole = exported([line for pair in zip(*logs, strict=True) for line in pair], RECORDS["attributes"])
    log = tmp_path / "otlp.jsonl"
    log.write_text(whole + '{"resourceLogs":[{"scopeLogs":\n{"resourceLogs":7}\n{"resourceLogs":[]}\n')
    report = figures(tmp_path, str(log))
    assert same(report, expected)
    assert [(each["lines"], each["bad"]) for each in report["sources"]] == [(6002, 2)]


def test_an_export_of_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "otlp.jsonl"
    log.write_text(exported([], parsed) + '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{}}]}]}]}\n')
    assert main(["compare", str(log), "--live=v1", "--shadow=v2"]) == 2
    assert f"{log} holds OTLP's records, and each is " in capsys.readouterr().err


AGENT = """2026-11-23T00:00:00.100000Z\tinfo\tFLAG: --concurrency="0"
2026-11-23T00:00:00.100001Z\tinfo\tEffective config: binaryPath: /usr/local/bin/envoy
configPath: ./etc/istio/proxy
proxyMetadata:
  ISTIO_META_DNS_CAPTURE: "true"

2026-11-23T00:00:01.100000Z\tinfo\tEnvoy proxy is ready
{"level":"info","time":"2026-11-23T00:00:02.100000Z","msg":"as JSON, with logging.json"}
[2026-11-23 00:00:01.100][12][warning][config] [source/server/options_impl.cc:5] from Envoy itself
"""


@pytest.mark.parametrize("name", ["our JSON", "Istio's JSON", "Istio's text"])
@pytest.mark.parametrize("before", ["", "2026-11-23T00:00:00.100000999Z ", "[pod/shop-v1-a-b/istio-proxy] "])
def test_what_a_proxy_says_of_itself_is_counted_as_that(
    tmp_path: Path, logs: tuple[list[Line], list[Line]], expected: Line, name: str, before: str
) -> None:
    own = [line for line in AGENT.splitlines() if line]
    for version, lines in zip(("v1", "v2"), logs, strict=True):
        requests = [FORMATS[name](line) for line in lines]
        mixed = [*own, *requests[:1000], *own, *requests[1000:], "of nothing"]
        (tmp_path / f"{version}.log").write_text("".join(f"{before}{line}\n" for line in mixed))
    report = figures(tmp_path, f"v1={tmp_path}/v1.log", f"v2={tmp_path}/v2.log")
    assert same(report, expected)
    sources = [(each["lines"], each["bad"], each["own"]) for each in report["sources"]]
    assert sources == [(3001, 1, 2 * len(own))] * 2
    assert report["sources"][0]["problems"][0].startswith(f"line {3001 + 2 * len(own)}: not ")


def test_a_pod_that_had_no_request_is_no_mistake(
    tmp_path: Path, logs: tuple[list[Line], list[Line]], expected: Line
) -> None:
    (tmp_path / "idle.log").write_text(AGENT)
    report = compared(tmp_path, logs, ours, f"v1={tmp_path}/idle.log")
    assert same(report, expected)


def test_a_line_in_pieces_is_put_together(
    tmp_path: Path, logs: tuple[list[Line], list[Line]], expected: Line
) -> None:
    def in_pieces(line: Line) -> str:
        text = without_names(line)
        return f"{time(line)} stdout P {text[:60]}\n{time(line)} stdout F {text[60:]}"

    assert same(compared(tmp_path, logs, in_pieces), expected)


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (
            '{"log": "x", "stream": "stdout"}\n',
            (),
            "is JSON without the keys of an access log; its keys are log, stream: say under which one the line "
            "is with --inside KEY, or what method, path, status, start_time and others are called with --keys "
            "status=KEY,...",
        ),
        (
            '{"log": "x", "stream": "stdout"}\n',
            ("--inside=line",),
            "is JSON without 'line' (--inside); its keys are log, stream",
        ),
        (
            '{"log": "x", "stream": "stdout"}\n',
            ("--inside=log",),
            "is JSON with text of an unknown format in 'log' (--inside)",
        ),
        (
            '[{"status": 200}]\n',
            (),
            "is no log but one JSON array: write one object a line, such as with jq -c '.[]'",
        ),
    ],
)
def test_json_that_is_called_otherwise_is_refused_with_the_way_out(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    options: tuple[str, ...],
    said: str,
) -> None:
    log = tmp_path / "odd.log"
    log.write_text(content)
    assert main(["compare", str(log), "--live=v1", "--shadow=v2", *options]) == 2
    assert capsys.readouterr().err == f"shadow-report: {log} {said}\n"


@pytest.mark.parametrize("given", ["status", "code=status", "status=", "status=a,status=b"])
def test_keys_that_are_none_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    assert main(["compare", str(tmp_path), "--live=v1", "--shadow=v2", f"--keys={given}"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("shadow-report: --keys '")
    assert "': COLUMN=KEY is allowed, each column once, of request_id, method, path, " in said
