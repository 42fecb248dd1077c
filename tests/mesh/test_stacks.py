"""The stacks staging and prod of this project, side by side: they differ in their config alone.

Their files are used as they are, but for what the lab does not have: images, host names, and the name of the
other stack.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.kit.check import access_log
from lab.kit.scratch import ScratchStack
from tests.mesh.faults import wait_until

GATEWAY = """
apiVersion: v1
kind: Namespace
metadata: {name: istio-ingress}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: istio-ingress}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*/*"]}]
"""


def config_of(stack: str) -> Any:
    """The stack's config, with images that the lab has; those listen on port 80."""
    keys = yaml.safe_load((CHECKOUT / f"Pulumi.{stack}.yaml").read_text())["config"]
    config = {key.removeprefix("mirrored-service:"): value for key, value in keys.items()}
    for name, subset in config["subsets"].items():
        subset["image"] = f"lab.local/nginx-{name}:1"
        del subset["containerPort"]
    return config


@dataclass
class Both:
    staging: ScratchStack
    prod: ScratchStack


@pytest.fixture(scope="module")
def both(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    lab.kubectl("apply", "--filename=-", input=GATEWAY)
    staging, prod = (
        ScratchStack(lab, tmp_path_factory.mktemp(name), config_of(name)) for name in ("staging", "prod")
    )
    staging.stack.up()
    stack = f"organization/mirrored-service/{staging.stack.name}"
    prod.deploy(hosts=[prod.host, f"www.{prod.host}"], mirrorTo={**prod.base["mirrorTo"], "stack": stack})
    yield Both(staging, prod)
    prod.remove()
    staging.remove()
    lab.kubectl("delete", "--filename=-", input=GATEWAY)


def send(deployed: ScratchStack, host: str, count: int) -> str:
    """Sends requests; returns their path."""
    path = f"/{uuid.uuid4().hex[:8]}"
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(count):
            answer = session.get(deployed.lab.gateway_url + path, headers={"Host": host}, timeout=10)
            assert answer.status_code == 200
    return path


def logged(deployed: ScratchStack, version: str, path: str) -> int:
    return len(access_log(deployed.lab, deployed.service, version, path))


def is_as_configured(deployed: ScratchStack) -> bool:
    return deployed.check(20).problems == []


def test_both_run_side_by_side_as_configured(both: Both) -> None:
    assert both.staging.namespace != both.prod.namespace
    for deployed in (both.staging, both.prod):
        wait_until(partial(is_as_configured, deployed), "requests and copies go as configured")
        assert deployed.stack.preview() == []
    assert {seen.version: seen.role for seen in both.prod.check().versions} == {"v1": "live", "v2": "shadow"}


def test_staging_gets_the_share_of_prods_requests_that_prod_says_and_prod_none_of_stagings(
    both: Both,
) -> None:
    path = send(both.prod, f"www.{both.prod.host}", 300)
    # 10 % of 300, by chance: five standard deviations either way.
    wait_until(lambda: logged(both.staging, "v2", path) >= 4, "staging logs copies of prod's requests")
    assert logged(both.staging, "v2", path) <= 56
    assert logged(both.prod, "v1", path) == 300
    own = send(both.staging, both.staging.host, 20)
    wait_until(lambda: logged(both.staging, "v2", own) == 20, "staging logs its own requests")
    assert logged(both.prod, "v1", own) == logged(both.prod, "v2", own) == 0


def test_every_object_says_who_owns_it(both: Both) -> None:
    kinds = "deployments,services,virtualservices,destinationrules,serviceentries"
    for made in json.loads(both.prod.kubectl("get", kinds, "--output=json"))["items"]:
        assert made["metadata"]["annotations"]["example.org/owner"] == "team-shop@example.org"
        assert made["metadata"]["labels"]["app.kubernetes.io/part-of"] == "shop"


def test_a_secret_stands_nowhere_in_plain_text_but_in_the_cluster(both: Both) -> None:
    secret, stack = f"hush-{uuid.uuid4().hex}", both.staging.stack
    names = ("env.PASSWORD", "podTemplate.metadata.annotations.token")
    printed = [
        stack.output("config", "set", "--secret", "--path", name, secret, "--stack", stack.name)
        for name in (f"mirrored-service:subsets.v2.{name}" for name in names)
    ]
    preview = stack.change("preview", "--diff")
    printed += [preview.stdout, preview.stderr, stack.up("--diff")]
    for command in (("stack", "export"), ("stack", "output", "--json"), ("config", "--json")):
        printed.append(stack.output(*command, "--stack", stack.name))
    assert "[secret]" in preview.stdout
    assert not [text for text in printed if secret in text]
    assert secret not in both.staging.config_file.read_text()
    state = Path(stack.environment["PULUMI_BACKEND_URL"].removeprefix("file://").partition("?")[0])
    files = [path for path in state.rglob("*") if path.is_file()]
    assert [path for path in files if stack.name in path.name]
    assert not [path for path in files if secret.encode() in path.read_bytes()]
    deployment = both.staging.kubectl("get", "deployment/shop-v2", "--output=json")
    assert deployment.count(secret) == len(names)
