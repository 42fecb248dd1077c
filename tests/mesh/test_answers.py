"""What answers hold, on the mesh: the sidecars write digests and no value, the report names the field that
differs, and nothing is lost when they begin to, and when they end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet
import pytest

from lab import Lab
from lab.build import example_images
from lab.kit import templates
from lab.kit.load import load, of_paths
from lab.kit.trial import PATHS, PROVIDER, Compared, Trial

pytestmark = pytest.mark.alone

RATE = 60
SECONDS = 20.0
KEY = "000102030405060708090a0b0c0d0e0f"
ALL = {"key": KEY, "oneOf": 1}
# Each path gets the same answer every time, but for a time and an id; FAULTS says what is wrong with some of
# them.
SERVER = """
import datetime, gzip, json, os, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = json.loads(os.environ["FAULTS"])

class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/healthz":
            return self.answer(b"ok", "text/plain")
        fault = FAULTS.get(path)
        chosen = fault and int(self.headers["x-request-id"][-2:], 16) % 8 == 0
        held = {"name": "hush", "price": 4711.25, "tags": ["hush 1", "hush 2"], "id": str(uuid.uuid4())}
        held["at"] = datetime.datetime.now(datetime.timezone.utc).isoformat()
        if chosen and fault == "value":
            held["price"] += 1
        if chosen and fault == "type":
            held["price"] = str(held["price"])
        if chosen and fault == "missing":
            del held["name"]
        if chosen and fault == "order":
            held["tags"].reverse()
        if path == "/search":
            held = {"page": "hush"}
        self.answer(json.dumps(held).encode(), "application/json", packed=path == "/search")

    def answer(self, body, kind, packed=False):
        if packed:
            body = gzip.compress(body, mtime=0)
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if packed:
            self.send_header("content-encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("", 8080), Shop).serve_forever()
"""


def version(faults: dict[str, str], **role: Any) -> dict[str, Any]:
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


def deploy(trial: Trial, faults: dict[str, str], digests: dict[str, Any], live: str = "v1") -> None:
    """v1 and a copy of it, v1b, without faults, and v2 with them; what is not live gets copies."""
    faulty = {"v1": {}, "v1b": {}, "v2": faults}
    subsets = {
        name: version(its, **({"weight": 100} if name == live else {"mirrorPercent": 100}))
        for name, its in faulty.items()
    }
    trial.stack.deploy(subsets, accessLog={"providers": [PROVIDER]}, answerDigests=digests)


def compared(trial: Trial, *options: str) -> Compared:
    log = trial.directory / "log"
    with trial.collecting(log, RATE):
        time.sleep(SECONDS)
    return trial.compare(log, trial.directory / "page.html", *options)


def about_contents(found: Compared, result: str) -> set[tuple[str, str]]:
    return {
        (about, route)
        for about, route, _ in found.statements(result)
        if about.startswith(("contents", "field"))
    }


def test_equal_versions_differ_in_nothing_but_times_and_ids(trial: Trial) -> None:
    deploy(trial, {}, ALL)
    found = compared(trial, "--max-new-contents=1")
    contents = found.figures["contents"]
    assert contents["compared"] > RATE * SECONDS / 2
    assert contents["notComparable"] == {}
    assert contents["digestOnOneSideOnly"] == 0
    # /search is compressed, and the same to the byte.
    assert contents["states"]["bytes"] > contents["compared"] / 10
    assert contents["states"]["body"] == 0
    assert {each["field"] for each in contents["differences"]} == {"$.at", "$.id"}
    assert ("contents", "") in about_contents(found, "PASS")
    assert about_contents(found, "FAIL") == set()


def test_the_fields_that_differ_are_named_with_their_routes(trial: Trial) -> None:
    faults = {"/cart": "value", "/items/1": "missing", "/items/2": "order"}
    deploy(trial, faults, ALL)
    found = compared(trial, "--control=v1b")
    assert found.figures["contents"]["hasControl"]
    failed = about_contents(found, "FAIL")
    assert {("field $.price", "GET /cart"), ("field $.name", "GET /items/{id}")} <= failed
    assert {about for about, _ in failed} == {"contents", "field $.price", "field $.name"}
    blind = {each["field"] for each in found.figures["contents"]["differences"] if each["valuesNotCompared"]}
    assert blind == {"$.at", "$.id"}
    page = (trial.directory / "page.html").read_text()
    assert "$.price" in page
    assert "another value" in page


def test_a_type_that_changed_fails_without_a_control_too(trial: Trial) -> None:
    deploy(trial, {"/cart": "type"}, ALL)
    found = compared(trial)
    assert ("field $.price", "GET /cart") in about_contents(found, "FAIL")
    (text,) = [text for about, _, text in found.statements("FAIL") if about == "field $.price"]
    assert "a string in place of a number" in text


def test_no_value_of_an_answer_is_in_a_log_a_page_or_a_config(trial: Trial) -> None:
    rows = [
        row
        for file in sorted((trial.directory / "log").glob("*.parquet"))
        for row in pyarrow.parquet.read_table(file).to_pylist()
    ]
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
