"""An Envoy by itself with the Lua of answerDigests, before an app that answers what it is told to."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from lab.build.recipes import envoy

KEY = "000102030405060708090a0b0c0d0e0f"
_HOST = "127.0.0.1"
_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """What the app answers. `cut`: into pieces of how many bytes, 0 for one; `broken_off`: is less sent than was
    said?"""

    body: bytes = b""
    headers: Mapping[str, str] | None = None
    status: int = 200
    cut: int = 0
    broken_off: bool = False


class _App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answers: Mapping[str, Answer]

    def do_GET(self) -> None:  # as http.server calls it
        answer = self.answers[self.path]
        self.send_response(answer.status)
        for name, value in (answer.headers or {"content-type": "application/json"}).items():
            self.send_header(name, value)
        empty = self.command == "HEAD" or answer.status in (204, 304)
        if answer.cut and not empty:
            self.send_header("transfer-encoding", "chunked")
        elif answer.status not in (204, 304):
            self.send_header("content-length", str(len(answer.body) + answer.broken_off))
        self.end_headers()
        if empty:
            return
        if not answer.cut:
            self.wfile.write(answer.body)
            self.close_connection = answer.broken_off
            return
        for at in range(0, len(answer.body), answer.cut):
            piece = answer.body[at : at + answer.cut]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@dataclass
class Proxy:
    """A running one."""

    port: int
    answers: dict[str, Answer]
    log: Path
    pid: int = 0

    def ask(self, answers: list[Answer], method: str = "GET", request_id: str = "") -> list[dict[str, Any]]:
        """What the access log says of each answer, once all are given."""
        connection = http.client.HTTPConnection(_HOST, self.port, timeout=_SECONDS)
        paths = [f"/{uuid.uuid4().hex}" for _ in answers]
        self.answers.update(zip(paths, answers, strict=True))
        for path, answer in zip(paths, answers, strict=True):
            identity = request_id or str(uuid.uuid4())
            connection.request(method, path, headers={"x-request-id": identity})
            try:
                got = connection.getresponse().read()
            except http.client.IncompleteRead:
                assert answer.broken_off
                connection.close()
                continue
            assert got == (b"" if method == "HEAD" else answer.body), (
                "what passes the filter is what was sent"
            )
        connection.close()
        return self.logged(paths)

    def logged(self, paths: list[str]) -> list[dict[str, Any]]:
        end = time.monotonic() + _SECONDS
        while True:
            lines = {each["path"]: each for each in map(json.loads, self.log.read_text().splitlines())}
            if all(path in lines for path in paths):
                return [lines[path] for path in paths]
            assert time.monotonic() < end, "not everything was logged"
            time.sleep(0.05)


@contextmanager
def running(lua: str, directory: Path) -> Iterator[Proxy]:
    """An Envoy with this filter, until the end of the block."""
    answers: dict[str, Answer] = {}
    app = ThreadingHTTPServer((_HOST, 0), type("App", (_App,), {"answers": answers}))
    threading.Thread(target=app.serve_forever, daemon=True).start()
    log, config, address = directory / "access.log", directory / "envoy.yaml", directory / "admin.txt"
    config.write_text(yaml.safe_dump(_config(lua, app.server_address[1], log)))
    command = [str(envoy()), "-c", str(config), "--use-dynamic-base-id", "--concurrency", "1"]
    command += [
        "--file-flush-interval-msec",
        "50",
        "--admin-address-path",
        str(address),
        "--log-level",
        "warn",
    ]
    with (directory / "envoy.log").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        yield Proxy(_port(process, address, directory / "envoy.log"), answers, log, process.pid)
    finally:
        process.terminate()
        process.wait(_SECONDS)
        app.shutdown()
        app.server_close()


def _port(process: subprocess.Popen[bytes], address: Path, said: Path) -> int:
    """Where it listens, once it does."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            admin = http.client.HTTPConnection(address.read_text(), timeout=1)
            admin.request("GET", "/listeners?format=json")
            found = json.loads(admin.getresponse().read())["listener_statuses"]
            return int(found[0]["local_address"]["socket_address"]["port_value"])
        except (OSError, ValueError, KeyError, IndexError):
            time.sleep(0.05)
    raise AssertionError(f"Envoy does not listen: {said.read_text()[-2000:]}")


def _config(lua: str, app: int, log: Path) -> dict[str, Any]:
    kind = "type.googleapis.com/envoy.extensions"
    labels = {
        "path": "%REQ(:PATH)%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "status": "%RESPONSE_CODE%",
        "answer_digest": "%DYNAMIC_METADATA(mirrored-service:digest)%",
        "answer_fields": "%DYNAMIC_METADATA(mirrored-service:fields)%",
    }
    manager = {
        "@type": f"{kind}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "generate_request_id": False,
        "preserve_external_request_id": True,
        "access_log": [
            {
                "name": "log",
                "typed_config": {
                    "@type": f"{kind}.access_loggers.file.v3.FileAccessLog",
                    "path": str(log),
                    "log_format": {"json_format": labels},
                },
            }
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "app"}}],
                }
            ]
        },
        "http_filters": [
            {
                "name": "digests",
                "typed_config": {
                    "@type": f"{kind}.filters.http.lua.v3.Lua",
                    "default_source_code": {"inline_string": lua},
                },
            },
            {
                "name": "router",
                "typed_config": {"@type": f"{kind}.filters.http.router.v3.Router"},
            },
        ],
    }
    listener = {
        "name": "in",
        "address": _address(0),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    endpoint = {"endpoint": {"address": _address(app)}}
    cluster = {
        "name": "app",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "app", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    return {
        "admin": {"address": _address(0)},
        "static_resources": {"listeners": [listener], "clusters": [cluster]},
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": _HOST, "port_value": port}}
