"""Copies go to another environment: its service logs them, and whatever becomes of it, users do not notice."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from lab import Lab
from lab.kit import templates
from lab.kit.check import access_log
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import UnderLoad
from mirrored_service.rendering import mirror_to
from tests.mesh import certificates
from tests.mesh.faults import version, wait_until

LIVE: dict[str, Any] = {"v1": version("v1", weight=100)}
THERE: dict[str, Any] = {"v3": version("v3", weight=100)}
HANGING: dict[str, Any] = {"v3": version("v3", weight=100, containerPort=82, **templates.probed())}


class Environments:
    """The stacks prod, whose live version is v1, and staging, whose is v3."""

    def __init__(self, deploy: Callable[[], ScratchStack]) -> None:
        self.staging, self.prod = deploy(), deploy()
        self.staging.deploy(THERE)
        self.under_load = UnderLoad(self.prod, LIVE, **self.to_stack())

    def to_stack(self, **more: Any) -> dict[str, Any]:
        stack = f"organization/mirrored-service/{self.staging.stack.name}"
        return {"mirrorTo": {"stack": stack, "percent": 100, **more}}

    def send(self, count: int, method: str = "GET") -> str:
        """Sends requests to prod through the gateway, all of which v1 answers; returns their path."""
        path = f"/{method}-{uuid.uuid4().hex[:8]}".lower()
        with requests.Session() as session:
            session.trust_env = False
            for _ in range(count):
                url = self.prod.lab.gateway_url + path
                answer = session.request(method, url, headers={"Host": self.prod.host}, timeout=10)
                assert answer.status_code == 200
                assert answer.text.startswith("nginx v1 ")
        return path

    def logged(self, path: str) -> int:
        """How many of them staging got."""
        return len(access_log(self.staging.lab, self.staging.service, "v3", path))

    def assert_copied(self) -> None:
        """Copies arrive, once the proxies know of the latest change."""
        wait_until(self.arrive, "copies arrive at staging")
        path = self.send(20)
        wait_until(lambda: self.logged(path) >= 20, "staging logged each copy")
        assert self.logged(path) == 20

    def arrive(self) -> bool:
        """Does staging log one of some requests soon?"""
        path = self.send(5)
        time.sleep(0.5)
        return self.logged(path) > 0

    def assert_not_copied(self) -> None:
        path = self.send(20)
        time.sleep(3)
        assert self.logged(path) == 0


@pytest.fixture(scope="module")
def environments(deploy: Callable[[], ScratchStack]) -> Environments:
    return Environments(deploy)


def test_prod_answers_and_staging_logs_a_copy_of_each_request_that_only_reads(
    environments: Environments,
) -> None:
    environments.assert_copied()
    written = environments.send(5, "POST")
    inside = f"/inside-{uuid.uuid4().hex[:8]}"
    # A caller in the mesh: its own sidecar makes the copy.
    caller = ("exec", f"--namespace={environments.prod.namespace}", "load", "--container=client", "--")
    answer = environments.prod.lab.kubectl(*caller, "wget", "-q", "-O-", f"http://nginx{inside}")
    assert answer.startswith("nginx v1 ")
    wait_until(lambda: environments.logged(inside) == 1, "staging logged the copy of a caller in the mesh")
    assert environments.logged(written) == 0
    assert environments.prod.stack.preview() == []


def test_staging_down_touches_no_request_of_prod(environments: Environments) -> None:
    with environments.under_load.nothing_lost("v1"):
        environments.staging.kubectl("scale", "deployment/nginx-v3", "--replicas=0")
        environments.staging.kubectl("wait", "--for=delete", "pod", "--selector=app=nginx", "--timeout=90s")
        time.sleep(3)
        environments.staging.stack.up()
    environments.assert_copied()


@pytest.mark.thorough
def test_staging_that_never_answers_holds_a_limited_number_of_copies(environments: Environments) -> None:
    few = environments.to_stack(mirrorLimits={"requests": 100, "pendingRequests": 10, "connections": 110})
    with environments.under_load.nothing_lost("v1"):
        environments.prod.deploy(LIVE, **few)
        environments.staging.deploy(HANGING)
        host = mirror_to.host(environments.prod.service)
        wait_until(
            lambda: at_gateway(environments.prod.lab, host, "rq_active") >= 100, "as many copies wait as may"
        )
        time.sleep(3)  # 900 more copies come in
        assert at_gateway(environments.prod.lab, host, "rq_active") <= 100
        environments.staging.deploy(THERE)
        environments.prod.deploy(LIVE, **environments.to_stack())
    environments.assert_copied()


STRICT = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: strict, namespace: {namespace}}}
spec: {{mtls: {{mode: STRICT}}}}
"""


def test_a_mesh_that_wants_its_own_tls_gets_it_when_asked_for(environments: Environments) -> None:
    manifest = STRICT.format(namespace=environments.staging.namespace)
    environments.prod.lab.kubectl("apply", "--filename=-", input=manifest)
    wait_until(lambda: not environments.arrive(), "copies without TLS are refused")
    environments.prod.deploy(LIVE, **environments.to_stack(tls={"mode": "mesh"}))
    environments.assert_copied()
    environments.prod.lab.kubectl("delete", "--filename=-", input=manifest)
    environments.prod.deploy(LIVE, **environments.to_stack())
    environments.assert_copied()


# The gateway stands for an environment outside the cluster: proxies reach it by a host name, over TLS.
OUTSIDE = "istio-ingressgateway.istio-system.svc.cluster.local"
ROOT = "/var/run/secrets/istio/root-cert.pem"


@pytest.fixture
def mesh_authority(lab: Lab, tmp_path: Path) -> certificates.Certificate:
    """The mesh's own authority, as its certificate is a file in every proxy."""
    found = json.loads(
        lab.kubectl("get", "secret", "istio-ca-secret", "--namespace=istio-system", "--output=json")
    )["data"]
    signer = certificates.Certificate(tmp_path / "ca.pem", tmp_path / "ca.key")
    signer.certificate.write_bytes(b64decode(found["ca-cert.pem"]))
    signer.key.write_bytes(b64decode(found["ca-key.pem"]))
    return signer


@pytest.fixture
def outside(
    environments: Environments, mesh_authority: certificates.Certificate, tmp_path: Path
) -> Iterator[Callable[[str], None]]:
    """Puts staging behind the gateway's HTTPS, for prod's host as well, with a certificate for a name."""
    lab, staging = environments.staging.lab, environments.staging
    secret = (f"{staging.namespace}-cert", "--namespace=istio-system")

    def serve(name: str) -> None:
        issued = certificates.issue(mesh_authority, tmp_path, name)
        lab.kubectl("delete", "secret", *secret, "--ignore-not-found")
        files = (f"--cert={issued.certificate}", f"--key={issued.key}")
        lab.kubectl("create", "secret", "tls", *secret, *files)
        hosts = [environments.prod.host, OUTSIDE]
        tls = {"credentialName": secret[0], "redirect": False}
        # The port for HTTP is one that the gateway does not have: prod's host on port 80 is prod's.
        staging.deploy(THERE, hosts=hosts, gateway={"port": 8088, "tls": tls})
        wait_until(lambda: f"DNS:{name}" in served_names(lab), f"the gateway has the certificate for {name}")

    yield serve
    lab.kubectl("delete", "secret", *secret, "--ignore-not-found")
    environments.prod.deploy(LIVE, **environments.to_stack())
    staging.deploy(THERE)


def at_gateway(lab: Lab, host: str, what: str) -> int:
    """What the ingress gateway counts of its connections to this host."""
    envoy = ("exec", "--namespace=istio-system", "deployment/istio-ingressgateway", "--")
    clusters = lab.kubectl(*envoy, "pilot-agent", "request", "GET", "clusters")
    return sum(
        int(line.rpartition("::")[2])
        for line in clusters.splitlines()
        if line.startswith(f"outbound|80||{host}::") and f"::{what}::" in line
    )


def served_names(lab: Lab) -> str:
    address = f"{lab.gateway_address}:443"
    connect = f"openssl s_client -connect {address} -servername {OUTSIDE} </dev/null"
    shown = f"{connect} | openssl x509 -noout -ext subjectAltName"
    ran: subprocess.CompletedProcess[str] = lab.run("sh", "-c", shown, capture_output=True, text=True)
    return ran.stdout


def test_an_environment_outside_the_cluster_is_reached_over_tls_that_checks_the_certificate(
    environments: Environments, outside: Callable[[str], None]
) -> None:
    prod = environments.prod
    to = {"host": OUTSIDE, "port": 443, "percent": 100}
    over_tls = {**to, "tls": {"caCertificates": ROOT}}
    with environments.under_load.nothing_lost("v1"):
        outside("other.example")
        prod.deploy(LIVE, mirrorTo=over_tls)
        alias = mirror_to.host(prod.service)
        wait_until(lambda: at_gateway(prod.lab, alias, "cx_connect_fail") > 0, "the name is refused")
        environments.assert_not_copied()
        outside(OUTSIDE)
        environments.assert_copied()
        prod.deploy(LIVE, mirrorTo=to)
        wait_until(lambda: not environments.arrive(), "copies without TLS do not arrive")
        prod.deploy(LIVE, mirrorTo=over_tls)
        environments.assert_copied()


def test_staging_that_is_gone_touches_no_request_of_prod_and_is_named_by_the_next_preview(
    environments: Environments,
) -> None:
    with environments.under_load.nothing_lost("v1"):
        environments.staging.stack.destroy()
        time.sleep(3)
        refused = environments.prod.stack.change("up")
        printed = refused.stdout + refused.stderr
        assert refused.returncode != 0
        assert "with the output mirrorTarget, as this program has it after `pulumi up`" in printed
        assert "Traceback" not in printed
        nowhere = {"stack": "organization/mirrored-service/nowhere", "percent": 1}
        environments.prod.configure(LIVE, mirrorTo=nowhere)
        refused = environments.prod.stack.change("preview")
        assert refused.returncode != 0
        assert '(unknown stack "organization/mirrored-service/nowhere")' in refused.stdout + refused.stderr
        environments.prod.deploy(LIVE)
    kinds = "serviceentries,destinationrules"
    assert environments.prod.kubectl("get", kinds, "--output=name").split() == [
        "destinationrule.networking.istio.io/nginx-v1"
    ]
    environments.staging.deploy(THERE)
    environments.prod.deploy(LIVE, **environments.to_stack())
    environments.assert_copied()
