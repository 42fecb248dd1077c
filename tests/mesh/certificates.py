"""A certificate authority of the test's own, with openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Certificate:
    """Files in PEM."""

    certificate: Path
    key: Path


def authority(directory: Path) -> Certificate:
    made = Certificate(directory / "authority.pem", directory / "authority.key")
    subject = ("-subj", "/CN=authority of the tests", "-days", "2")
    _openssl("req", "-x509", *_NEW_KEY, "-keyout", made.key, "-out", made.certificate, *subject)
    return made


def issue(signer: Certificate, directory: Path, *hosts: str) -> Certificate:
    """A certificate for these host names."""
    name = hosts[0].replace("*", "any")
    made = Certificate(directory / f"{name}.pem", directory / f"{name}.key")
    request, extensions = directory / f"{name}.csr", directory / f"{name}.ext"
    extensions.write_text("subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts))
    _openssl("req", *_NEW_KEY, "-keyout", made.key, "-out", request, "-subj", "/CN=server")
    signed = ("-CA", signer.certificate, "-CAkey", signer.key, "-CAcreateserial", "-days", "2")
    serial = ("-CAserial", directory / "serial")
    _openssl(
        "x509", "-req", "-in", request, "-out", made.certificate, *signed, *serial, "-extfile", extensions
    )
    return made


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
