"""What answers hold, on the mesh: the sidecars write digests and no value, the report names the field that
differs, and nothing is lost when they begin to, and when they end."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pyarrow.parquet
import pytest

from lab import Lab
from lab.build import example_images
from lab.kit import templates
from lab.kit.load import load, of_paths
from lab.kit.trial import PATHS, PROVIDER, Compared, Trial
from tests.mesh.faults import wait_until
from tests.mesh.meanwhile import meanwhile
from tests.mesh.test_protocols import Calls

RATE = 60
SECONDS = 20.0
EACH = 20  # requests for each kind of answer that is not compared, or not as JSON
KEY = "000102030405060708090a0b0c0d0e0f"
ALL = {"key": KEY, "oneOf": 1}
# Each path gets the same answer every time, but for a time and an id; FAULTS says in which ways some of them are
# wrong.
SERVER = """
import datetime, gzip, json, os, time, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = json.loads(os.environ["FAULTS"])

class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/healthz":
            return self.answer(b"ok", "text/plain")
        if path == "/nothing":
            self.send_response(204)
            return self.end_headers()
        if path == "/events":
            return self.stream("text/event-stream", [b"data: hush\\n\\n"] * 5)
        if path == "/slow":
            return self.stream("application/json", [b'["hush 1"', b', "hush 2"', b', "hush 3"]'])
        is_chosen = int(self.headers["x-request-id"][-2:], 16) % 8 == 0
        faults = FAULTS.get(path, []) if is_chosen else []
        held = {"name": "hush", "price": 4711.25, "tags": ["hush 1", "hush 2"], "id": str(uuid.uuid4())}
        held["at"] = datetime.datetime.now(datetime.timezone.utc).isoformat()
        if "value" in faults:
            held["price"] += 1
        if "type" in faults:
            held["price"] = str(held["price"])
        if "missing" in faults:
            del held["name"]
        if "order" in faults:
            held["tags"].reverse()
        if path == "/search":
            held = {"page": "hush"}
        self.answer(json.dumps(held).encode(), "application/json", packed=path == "/search")

    do_HEAD = do_GET

    def stream(self, kind, pieces):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\\r\\n%b\\r\\n" % (len(piece), piece))
            time.sleep(0.3)
        self.wfile.write(b"0\\r\\n\\r\\n")

    def answer(self, body, kind, packed=False):
        if packed:
            body = gzip.compress(body, mtime=0)
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if packed:
            self.send_header("content-encoding", "gzip")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("", 8080), Shop).serve_forever()
"""


def version(faults: dict[str, list[str]], **role: Any) -> dict[str, Any]:
    return {
        "image": "lab.local/orders:1",
        "env": {"FAULTS": json.dumps(faults)},
        **templates.pod(
            service="shop",
            command=["/usr/bin/python3", "-c", SERVER],
            readinessProbe={"httpGet": {"path": "/healthz"}},
        ),
        "containerPort": 8080,
        "stop": {"delaySeconds": 1, "graceSeconds": 2},
        **role,
    }


@pytest.fixture(scope="module")
def trial(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    lab.add_images(example_images.recipes(lambda line: None))
    made = Trial(lab, tmp_path_factory.mktemp("answers"))
    yield made
    made.remove()


def deploy(trial: Trial, faults: dict[str, list[str]], digests: dict[str, Any], live: str = "v1") -> None:
    """v1 and a copy of it, v1b, without faults, and v2 with them; what is not live gets copies."""
    faulty: dict[str, dict[str, list[str]]] = {"v1": {}, "v1b": {}, "v2": faults}
    subsets = {
        name: version(its, **({"weight": 100} if name == live else {"mirrorPercent": 100}))
        for name, its in faulty.items()
    }
    trial.stack.deploy(subsets, accessLog={"providers": [PROVIDER]}, answerDigests=digests)


def compared(trial: Trial, *options: str, meanwhile: Callable[[], None] = lambda: None) -> Compared:
    log = trial.directory / "log"
    with trial.collecting(log, RATE):
        # In the middle: what is near the ends of a log is left out.
        time.sleep(SECONDS / 2)
        meanwhile()
        time.sleep(SECONDS / 2)
    return trial.compare(log, trial.directory / "page.html", *options)


def collected(trial: Trial) -> list[dict[str, Any]]:
    """The lines of the last log."""
    files = sorted((trial.directory / "log").glob("*.parquet"))
    return [row for file in files for row in pyarrow.parquet.read_table(file).to_pylist()]


def digested(trial: Trial, method: str, path: str) -> Counter[tuple[str, str]]:
    """How many of the answers each version's digests call what; "" for none."""
    return Counter(
        (row["version"], (row["answer_digest"] or "").partition(" ")[0])
        for row in collected(trial)
        if (row["method"], row["path"]) == (method, path)
    )


def about_contents(found: Compared, result: str) -> set[tuple[str, str]]:
    return {
        (about, route)
        for about, route, _ in found.statements(result)
        if about.startswith(("contents", "field"))
    }


def test_the_fields_that_differ_are_named_with_their_routes_and_a_changed_type_without_a_control_too(
    trial: Trial,
) -> None:
    deploy(trial, {"/cart": ["value"], "/items/1": ["missing"], "/items/2": ["order", "type"]}, ALL)
    found = compared(trial, "--control=v1b")
    assert found.figures["contents"]["hasControl"]
    failed = about_contents(found, "FAIL")
    expected = {("$.price", "GET /cart"), ("$.name", "GET /items/{id}"), ("$.price", "GET /items/{id}")}
    assert {(f"field {field}", route) for field, route in expected} <= failed
    assert {about for about, _ in failed} == {"contents", "field $.price", "field $.name"}
    blind = {each["field"] for each in found.figures["contents"]["differences"] if each["valuesNotCompared"]}
    assert blind == {"$.at", "$.id"}
    page = (trial.directory / "page.html").read_text()
    assert "$.price" in page
    assert "another value" in page

    alone = trial.compare(trial.directory / "log", trial.directory / "alone.html")
    told = {route: text for about, route, text in alone.statements("FAIL") if about == "field $.price"}
    assert told.keys() == {"GET /items/{id}"}
    assert "a string in place of a number" in told["GET /items/{id}"]


@contextmanager
def asking(trial: Trial, method: str, path: str) -> Iterator[http.client.HTTPResponse]:
    """Through the gateway, over a connection that the end of the block closes, whatever is still to come."""
    address = trial.lab.gateway_url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request(method, path, headers={"Host": trial.stack.host})
        yield connection.getresponse()
    finally:
        connection.close()


def ask_for_what_is_not_compared(trial: Trial) -> None:
    """EACH of: an answer to HEAD, one with 204, a stream of events, an answer that the caller breaks off."""

    def whole(method: str, path: str, status: int) -> None:
        with asking(trial, method, path) as answer:
            assert (answer.status, answer.read()) == (status, b"")

    def events(_: int) -> None:
        with asking(trial, "GET", "/events") as answer:
            assert answer.readline() == b"data: hush\n"
            first = time.monotonic()
            assert len(answer.read().splitlines()) == 9
            # The first one came when it was sent, not with the last.
            assert time.monotonic() - first > 0.9

    def a_part(_: int) -> None:
        with asking(trial, "GET", "/slow") as answer:
            assert answer.read1(100).startswith(b"[")

    with ThreadPoolExecutor(10) as several:
        for _ in range(EACH):
            whole("HEAD", "/cart", 200)
            whole("GET", "/nothing", 204)
        list(several.map(events, range(EACH)))
        list(several.map(a_part, range(EACH)))


def failed(found: Compared) -> list[tuple[str, str, str]]:
    """What fails besides latencies, of which a busy machine may have its own opinion."""
    return [each for each in found.statements("FAIL") if each[0] not in ("p50", "p95", "p99")]


def test_equal_versions_differ_in_times_and_ids_alone_and_what_is_not_compared_is_counted_and_fails_nothing(
    trial: Trial,
) -> None:
    deploy(trial, {}, ALL)
    found = compared(trial, "--max-new-contents=1", meanwhile=lambda: ask_for_what_is_not_compared(trial))
    contents = found.figures["contents"]
    assert contents["compared"] > RATE * SECONDS / 2
    # /search is compressed, and the same to the byte.
    assert contents["states"]["bytes"] > contents["compared"] / 10
    assert contents["states"]["body"] == 0
    assert {each["field"] for each in contents["differences"]} == {"$.at", "$.id"}
    assert about_contents(found, "FAIL") == set()
    assert contents["notComparable"] == {"stream": EACH}
    assert contents["digestOnOneSideOnly"] == 0
    # Compared are the others, with answers that hold nothing among them.
    for method, path in (("HEAD", "/cart"), ("GET", "/nothing")):
        assert digested(trial, method, path) == dict.fromkeys(
            [("v1", "empty"), ("v2", "empty"), ("v1b", "empty")], EACH
        )
    everything = found.figures["all"]
    assert {"live": "200 cut off", "shadow": "200", "requests": EACH} in everything["answers"]
    assert (everything["unfinished"]["worse"], everything["unfinished"]["better"]) == (0, EACH)
    # The copies of what callers break off are answered to the end.
    assert digested(trial, "GET", "/slow") == {("v1", ""): EACH, ("v2", "json"): EACH, ("v1b", "json"): EACH}
    assert {("coverage", ""), ("changes", ""), ("contents", "")} <= {
        (about, route) for about, route, _ in found.statements("PASS")
    }
    assert failed(found) == []
    assert "a stream: server-sent events" in (trial.directory / "page.html").read_text()


def test_no_value_of_an_answer_is_in_a_log_a_page_or_a_config(trial: Trial) -> None:
    rows = collected(trial)
    assert any("$.name=s" in (row["answer_fields"] or "") for row in rows)
    page = trial.directory / "page.html"
    told = [repr(rows), page.read_text(), page.with_suffix(".json").read_text()]
    told += [
        trial.stack.kubectl(
            "logs", f"--selector=app=shop,version={name}", "--container=istio-proxy", "--tail=-1"
        )
        for name in ("v1", "v1b", "v2")
    ]
    told.append(trial.stack.kubectl("get", "trafficextensions,telemetries,configmaps", "--output=yaml"))
    for each in told:
        assert "hush" not in each
        assert "4711.25" not in each


def test_nothing_is_lost_while_digests_begin_and_end_and_a_version_is_promoted(
    trial: Trial, lab: Lab
) -> None:
    deploy(trial, {}, {})
    assert trial.stack.kubectl("get", "trafficextensions", "--output=name") == ""
    with load(lab, [of_paths(lab, trial.stack.host, PATHS, 100)]) as counted:
        for digests, live in ((ALL, "v1"), (ALL, "v2"), ({"key": KEY, "oneOf": 2}, "v2"), ({}, "v2")):
            deploy(trial, {}, digests, live)
            time.sleep(3)
    (stream,) = counted
    assert stream.sent > 500
    assert not stream.failures


def echo(**role: Any) -> dict[str, Any]:
    """A version that answers gRPC calls."""
    return {
        "image": "lab.local/echo:1",
        "env": {"NAME": "shop"},
        **templates.pod(service="shop", readinessProbe={"periodSeconds": 1}),
        "stop": {"delaySeconds": 1},
        **role,
    }


def test_grpc_calls_are_counted_as_not_comparable_and_none_is_lost(trial: Trial) -> None:
    trial.stack.deploy(
        {"v1": echo(weight=100), "v2": echo(mirrorPercent=100)},
        ports=[{"name": "grpc", "port": 80}],
        mirrorMatch={"grpcCalls": True},
        accessLog={"providers": [PROVIDER]},
        answerDigests=ALL,
    )
    client = Calls(trial.stack, "/shop.Shop/Order")
    wait_until(client.is_answered, "the gateway knows the service")
    client.failures.clear()
    client.answers.clear()
    with trial.collector(trial.directory / "log"):
        with meanwhile(client.call, every=0.02):
            time.sleep(SECONDS)
        assert len(list(client.stream(iter([b"hush"] * 5), timeout=10))) == 5
    client.channel.close()
    assert client.failures == []
    assert len(client.answers) > 100
    whats = digested(trial, "POST", "/shop.Shop/Order")
    assert set(whats) == {("v1", "grpc"), ("v2", "grpc")}
    assert whats["v1", "grpc"] == whats["v2", "grpc"] > len(client.answers)
    found = trial.compare(trial.directory / "log", trial.directory / "page.html", "--methods=POST")
    contents = found.figures["contents"]
    assert (contents["compared"], set(contents["notComparable"])) == (0, {"grpc"})
    assert contents["notComparable"]["grpc"] == found.figures["all"]["compared"] > 50
    assert failed(found) == []
    assert [
        text for about, _, text in found.statements("INCONCLUSIVE") if "gRPC" in text and about == "contents"
    ]
