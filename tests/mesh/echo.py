"""A service whose versions log every header of a request, as JSON."""

import json
import time
from typing import Any

from lab.build import example_images
from lab.kit import templates
from lab.kit.scratch import ScratchStack

SERVER = """
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/healthz":
            print(json.dumps({"path": self.path, "headers": dict(self.headers.items())}), flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("", 8080), Echo).serve_forever()
"""
WAIT_SECONDS = 30.0


def version(**role: Any) -> dict[str, Any]:
    return {
        "image": "lab.local/orders:1",
        **templates.pod(
            service="echo",
            command=["/usr/bin/python3", "-c", SERVER],
            readinessProbe={"httpGet": {"path": "/healthz"}},
        ),
        "containerPort": 8080,
        "stop": {"delaySeconds": 1, "graceSeconds": 2},
        **role,
    }


def deploy(deployed: ScratchStack) -> None:
    """v1 answers, v2 gets copies of everything."""
    deployed.lab.add_images(example_images.recipes(lambda line: None))
    subsets = {"v1": version(weight=100), "v2": version(mirrorPercent=100)}
    deployed.deploy(subsets, name="echo", mirrorMatch={"methods": ["*"]})


def headers(deployed: ScratchStack, version: str, path: str) -> dict[str, str]:
    """The headers of the one request for this path that a version got; names in small letters."""
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        pods = (f"--selector=app=echo,version={version}", "--container=echo", "--tail=-1")
        lines = [json.loads(line) for line in deployed.kubectl("logs", *pods).splitlines()]
        found = [line["headers"] for line in lines if line["path"] == path]
        if found:
            assert len(found) == 1, found
            return {name.lower(): value for name, value in found[0].items()}
        assert time.monotonic() < give_up, f"{version} got no request for {path}"
        time.sleep(0.3)
