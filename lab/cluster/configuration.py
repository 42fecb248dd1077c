"""Writes what the components read: certificates, tokens and configuration files."""

import base64
import secrets
import subprocess
from pathlib import Path
from string import Template

from lab.build import packages, recipes
from lab.cluster import audit, network
from lab.cluster.layout import Layout
from lab.errors import LabError

FILES = Path(__file__).with_name("files")
CERTIFICATE = [
    "req",
    "-x509",
    "-days",
    "3650",
    "-nodes",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
]
NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
ADDRESSES = ("127.0.0.1", network.API_ADDRESS, network.NODE_ADDRESS)


def write(layout: Layout, api_port: int) -> None:
    """Writes everything anew; `api_port` is where the host reaches the API server."""
    layout.etc.mkdir(mode=0o700, parents=True)
    _write_certificates(layout.etc)
    token = secrets.token_hex(16)
    (layout.etc / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    (layout.etc / "resolv.conf").write_text("")
    for folder in ("cni", "registries/_default"):
        (layout.etc / folder).mkdir(parents=True)
    values = {
        "etc": str(layout.etc),
        "pause": recipes.PAUSE,
        "plugins": str(packages.network_plugins()),
        "pods": network.POD_RANGE,
        "dns": network.DNS_ADDRESS,
        "namespace": audit.NAMESPACE,
    }
    for source, target in (
        ("containerd.toml", "containerd.toml"),
        ("hosts.toml", "registries/_default/hosts.toml"),
        ("kubelet.yaml", "kubelet.yaml"),
        ("pods.conflist", "cni/pods.conflist"),
        ("audit.yaml", "audit.yaml"),
    ):
        (layout.etc / target).write_text(_fill(source, **values))
    authority = base64.b64encode((layout.etc / "ca.crt").read_bytes()).decode()
    for path, port in ((layout.inner_kubeconfig, network.API_PORT), (layout.kubeconfig, api_port)):
        path.touch(mode=0o600)
        path.write_text(
            _fill("kubeconfig.yaml", server=f"https://127.0.0.1:{port}", ca=authority, token=token)
        )


def _fill(name: str, **values: str) -> str:
    return Template((FILES / name).read_text()).substitute(values)


def _write_certificates(etc: Path) -> None:
    names = ",".join([*(f"DNS:{name}" for name in NAMES), *(f"IP:{address}" for address in ADDRESSES)])
    authority = ["-subj", "/CN=lab-ca", "-addext", "keyUsage=critical,keyCertSign"]
    _openssl(etc, *CERTIFICATE, "-keyout", "ca.key", "-out", "ca.crt", *authority)
    signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-subj", "/CN=kube-apiserver"]
    extensions = ["-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE"]
    _openssl(etc, *CERTIFICATE, "-keyout", "api.key", "-out", "api.crt", *signed, *extensions)
    _openssl(etc, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "accounts.key")


def _openssl(directory: Path, *arguments: str) -> None:
    command = [str(packages.command("openssl")), *arguments]
    result = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode:
        raise LabError(f"openssl {arguments[0]} failed; it must be version 3: {result.stderr.strip()}")
