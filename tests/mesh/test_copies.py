"""docs/copies.md: what tells a copy from the request it was made of."""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import yaml

from lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.kit.scratch import ScratchStack
from lab.kit.trial import FLUSH_SECONDS
from tests.mesh import echo
from tests.mesh.callers import Caller
from tests.mesh.faults import wait_until

PAGE = (CHECKOUT / "docs" / "copies.md").read_text()


@pytest.fixture(scope="module")
def deployed(deploy: Callable[[], ScratchStack]) -> ScratchStack:
    stack = deploy()
    echo.deploy(stack)
    return stack


def from_the_page(kind: str, deployed: ScratchStack) -> dict[str, Any]:
    """An object that the page shows, for this stack's service."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    text = next(block for block in blocks if f"kind: {kind}" in block)
    text = text.replace("shop-versions.shop.", f"echo-versions.{deployed.namespace}.")
    text = text.replace("namespace: shop", f"namespace: {deployed.namespace}").replace(
        "app: shop", "app: echo"
    )
    found: dict[str, Any] = yaml.safe_load(text)
    found["metadata"]["name"] = deployed.namespace
    return found


@contextmanager
def applied(lab: Lab, *objects: dict[str, Any]) -> Iterator[None]:
    text = yaml.safe_dump_all(objects)
    lab.kubectl("apply", "--filename=-", input=text)
    try:
        yield
    finally:
        lab.kubectl("delete", "--filename=-", input=text)


def ask(deployed: ScratchStack, **headers: str) -> str:
    """Sends one request through the gateway; returns its path, which no other request has."""
    path = f"/{uuid.uuid4().hex}"
    sent = {"Host": deployed.host, "Cookie": "a=b", **headers}
    assert requests.post(deployed.lab.gateway_url + path, "body", headers=sent, timeout=10).status_code == 200
    return path


def differing(deployed: ScratchStack, path: str) -> dict[str, tuple[str | None, str | None]]:
    """The headers in which v1's request and v2's copy differ."""
    live, copy = (echo.headers(deployed, version, path) for version in ("v1", "v2"))
    names = {*live, *copy}
    return {name: (live.get(name), copy.get(name)) for name in names if live.get(name) != copy.get(name)}


def addresses(deployed: ScratchStack, namespace: str, selector: str) -> set[str]:
    pods = ("get", "pods", f"--namespace={namespace}", f"--selector={selector}", "--output=json")
    return {pod["status"]["podIP"] for pod in json.loads(deployed.lab.kubectl(*pods))["items"]}


def test_through_the_gateway_only_the_gateways_address_in_x_forwarded_for_differs(
    deployed: ScratchStack,
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    found = differing(deployed, ask(deployed, traceparent=trace))
    assert set(found) == {"x-forwarded-for"}
    live, copy = found["x-forwarded-for"]
    before, _, added = str(copy).rpartition(",")
    assert before == live
    assert added in addresses(deployed, "istio-system", "istio=ingressgateway")


def test_from_inside_the_mesh_only_the_copy_has_x_forwarded_for(deployed: ScratchStack) -> None:
    caller = Caller(deployed.lab, deployed.namespace, "meshed", sidecar=True)
    caller.answers("http://echo/inside", 1)
    found = differing(deployed, "/inside1")
    assert set(found) == {"x-forwarded-for"}
    live, copy = found["x-forwarded-for"]
    assert live is None
    assert copy in addresses(deployed, deployed.namespace, "app=meshed")


def test_the_filter_on_the_page_marks_copies_and_nothing_else(deployed: ScratchStack) -> None:
    def marks() -> tuple[str | None, ...]:
        path = ask(deployed)
        return tuple(echo.headers(deployed, version, path).get("x-copy-for") for version in ("v1", "v2"))

    with applied(deployed.lab, from_the_page("EnvoyFilter", deployed)):
        wait_until(lambda: marks() != (None, None), "the gateway has the filter")
        assert marks() == (None, "v2")
    wait_until(lambda: marks() == (None, None), "the filter is gone")


def test_the_telemetry_on_the_page_keeps_copies_out_of_the_access_log(deployed: ScratchStack) -> None:
    quiet = from_the_page("Telemetry", deployed)
    everyone = {**quiet, "spec": {"accessLogging": [{"providers": [{"name": "envoy"}]}]}}
    everyone["metadata"] = {**quiet["metadata"], "name": "everyone"}

    def logging() -> set[str]:
        """The versions whose proxies log a request now."""
        path = ask(deployed)
        time.sleep(FLUSH_SECONDS)
        pods = {name: f"--selector=app=echo,version={name}" for name in ("v1", "v2")}
        log = ("logs", "--container=istio-proxy", "--tail=-1")
        return {name for name in pods if path in deployed.kubectl(*log, pods[name])}

    with applied(deployed.lab, everyone):
        wait_until(lambda: logging() == {"v1", "v2"}, "both versions' proxies log")
        with applied(deployed.lab, quiet):
            wait_until(lambda: logging() == {"v1"}, "the shadow's proxy logs no copies")


def test_the_table_on_the_page_names_the_headers_that_pods_see(deployed: ScratchStack) -> None:
    shown = set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE))
    seen = set(echo.headers(deployed, "v2", ask(deployed)))
    assert shown - {"traceparent"} <= seen
