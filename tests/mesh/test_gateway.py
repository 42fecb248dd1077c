"""Where requests enter: HTTPS with a real certificate, several hosts, a gateway and a namespace of others."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from lab import Lab
from lab.kit.check import access_log
from lab.kit.load import load, through_gateway, through_https
from lab.kit.scratch import ScratchStack, end_pods
from lab.kit.under_load import assert_nothing_lost
from tests.mesh import certificates
from tests.mesh.faults import live_and_shadow, wait_until

V1_V2 = live_and_shadow("v1", "v2")


@dataclass
class Front:
    """A service with HTTPS at the gateway, and a client that trusts its authority."""

    lab: Lab
    deployed: ScratchStack
    authority: Path

    @property
    def secret(self) -> str:
        return f"{self.deployed.namespace}-cert"

    @property
    def hosts(self) -> list[str]:
        return [self.deployed.host, f"*.{self.deployed.host}"]

    def settings(self, redirect: bool) -> dict[str, object]:
        tls = {"credentialName": self.secret, "redirect": redirect}
        return {"hosts": self.hosts, "gateway": {"tls": tls}}

    def get(self, url: str, *options: str, trust: bool = True) -> subprocess.CompletedProcess[str]:
        """The answer as "<status> <where a redirect leads> <body>"."""
        host = url.split("/")[2]
        address = self.lab.gateway_address
        command = ["curl", "--silent", "--write-out", "%{http_code} %{redirect_url}", "--max-time", "5"]
        command += ["--resolve", f"{host}:80:{address}", "--resolve", f"{host}:443:{address}", *options]
        if trust:
            command += ["--cacert", str(self.authority)]
        ran: subprocess.CompletedProcess[str] = self.lab.run(*command, url, capture_output=True, text=True)
        return ran

    def redirects(self, host: str) -> bool:
        return self.get(f"http://{host}/").stdout.startswith("301 ")

    def copied_once(self, path: str) -> bool:
        return len(access_log(self.lab, self.deployed.service, "v2", path)) == 1


@pytest.fixture(scope="module")
def front(
    lab: Lab, deploy: Callable[[], ScratchStack], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    directory = tmp_path_factory.mktemp("certificates")
    signer = certificates.authority(directory)
    found = Front(lab, deploy(), signer.certificate)
    issued = certificates.issue(signer, directory, *found.hosts)
    files = (f"--cert={issued.certificate}", f"--key={issued.key}")
    lab.kubectl("create", "secret", "tls", found.secret, "--namespace=istio-system", *files)
    yield found
    lab.kubectl("delete", "secret", found.secret, "--namespace=istio-system")


def test_https_is_switched_on_and_versions_change_without_losing_a_request(front: Front) -> None:
    front.deployed.deploy(V1_V2, hosts=front.hosts)
    plain = [through_gateway(front.lab, front.deployed.host, rate=100, keep_alive=True)]
    with load(front.lab, plain) as counted:
        front.deployed.deploy(V1_V2, **front.settings(redirect=False))
    assert_nothing_lost(counted, {"v1"})
    wait_until(lambda: front.get(f"https://{front.deployed.host}/").returncode == 0, "HTTPS is answered")
    streams = [*plain, through_https(front.lab, front.deployed.host, front.authority)]
    with load(front.lab, streams) as counted:
        front.deployed.deploy(live_and_shadow("v2", "v3"), **front.settings(redirect=False))
    assert_nothing_lost(counted, {"v1", "v2"})


def test_every_host_is_answered_over_https_and_copied_and_http_leads_there(front: Front) -> None:
    front.deployed.deploy(V1_V2, **front.settings(redirect=True))
    for place, host in enumerate([front.deployed.host, f"www.{front.deployed.host}"]):
        wait_until(partial(front.redirects, host), "HTTP leads to HTTPS")
        path = f"/over-https-{place}"
        answer = front.get(f"https://{host}{path}").stdout
        assert answer.startswith("nginx v1")
        assert answer.split()[-1] == "200"
        wait_until(partial(front.copied_once, path), f"the copy of {path} is logged")
        assert front.get(f"http://{host}{path}").stdout == f"301 https://{host}{path}"
    assert front.deployed.stack.outputs()["urls"] == [f"https://{front.deployed.host}/"]


def test_a_client_that_does_not_trust_the_authority_gets_no_answer(front: Front) -> None:
    refused = front.get(f"https://{front.deployed.host}/", trust=False)
    assert refused.returncode == 60  # curl: the certificate is not known
    assert refused.stdout.split()[0] == "000"


def test_no_other_host_is_answered(front: Front) -> None:
    with_other_host = front.get(f"https://{front.deployed.host}/", "--header", "Host: other.example")
    assert with_other_host.stdout.split()[0] == "404"


GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: shared, namespace: {name}-front}}
spec:
  selector: {{istio: ingressgateway}}
  servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: ["*/*.{name}.example"]}}]
"""


@pytest.fixture
def prepared(lab: Lab, deploy: Callable[[], ScratchStack]) -> Iterator[ScratchStack]:
    """A stack whose namespace is there, and a gateway in another namespace that it may use."""
    deployed = deploy()
    namespaces = (deployed.namespace, f"{deployed.namespace}-front")
    for namespace in namespaces:
        lab.kubectl("create", "namespace", namespace)
    lab.kubectl("label", "namespace", deployed.namespace, "istio-injection=enabled")
    lab.kubectl("apply", "--filename=-", input=GATEWAY.format(name=deployed.namespace))
    yield deployed
    end_pods(lab, deployed.namespace)
    deployed.stack.destroy()
    left = lab.kubectl("get", "namespace", *namespaces, "--output=name").split()
    assert len(left) == 2  # destroying the stack left what is not its own
    lab.kubectl("delete", "namespace", *namespaces, "--wait=false")


def test_a_namespace_and_a_gateway_of_others_are_used_and_left_alone(prepared: ScratchStack) -> None:
    hosts = [f"{name}.{prepared.namespace}.example" for name in ("shop", "store")]
    existing = {"existing": f"{prepared.namespace}-front/shared"}
    prepared.deploy(V1_V2, createNamespace=False, gateway=existing, hosts=hosts)
    assert prepared.check().problems == []
    assert prepared.kubectl("get", "gateways.networking.istio.io", "--output=name") == ""
    assert prepared.stack.outputs()["urls"] == []
    for host in hosts:
        with load(prepared.lab, [through_gateway(prepared.lab, host, rate=50)]) as counted:
            pass
        assert_nothing_lost(counted, {"v1"})
    assert prepared.stack.preview() == []
