"""Reads a kubeconfig: where the API server is and how to prove who we are."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .errors import BadKubeconfigError


@dataclass(frozen=True)
class Access:
    """One cluster and one user of it, as `requests` wants them."""

    server: str
    namespace: str
    verify: str | bool
    certificate: tuple[str, str] | None
    token: str
    # Open files in memory that hold what was inside the kubeconfig.
    descriptors: tuple[int, ...]


def load(kubeconfig: str, context: str) -> Access:
    """The access that a kubeconfig (a path, its contents, or empty: the environment's) gives in a context."""
    config, base = _read(kubeconfig)
    name = context or config.get("current-context", "")
    chosen = _named(config, "context", name)
    cluster = _named(config, "cluster", chosen.get("cluster", ""))
    user = _named(config, "user", chosen["user"]) if chosen.get("user") else {}
    if "exec" in user or "auth-provider" in user:
        raise BadKubeconfigError(
            f"the user of context {name!r} gets credentials from a program, which the lab's stand-in does not "
            "do; install the official Kubernetes provider for this cluster"
        )
    files = _Files(base)
    authority = files.path(cluster, "certificate-authority")
    certificate, key = files.path(user, "client-certificate"), files.path(user, "client-key")
    return Access(
        server=str(cluster.get("server", "")).rstrip("/"),
        namespace=chosen.get("namespace") or "default",
        verify=False if cluster.get("insecure-skip-tls-verify") else authority or True,
        certificate=(certificate, key) if certificate and key else None,
        token=_token(user, base),
        descriptors=tuple(files.descriptors),
    )


def server(kubeconfig: str, context: str) -> str:
    """The address of the API server; empty without a kubeconfig."""
    if not kubeconfig:
        return ""
    config, _ = _read(kubeconfig)
    chosen = _named(config, "context", context or config.get("current-context", ""))
    return str(_named(config, "cluster", chosen.get("cluster", "")).get("server", ""))


def _read(kubeconfig: str) -> tuple[dict[str, Any], Path]:
    """The parsed file, and the folder that relative paths in it start from."""
    if not kubeconfig:
        kubeconfig = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0] or "~/.kube/config"
    base = Path.cwd()
    if "\n" not in kubeconfig and not kubeconfig.lstrip().startswith("{"):
        path = Path(kubeconfig).expanduser()
        try:
            kubeconfig = path.read_text()
        except OSError as error:
            raise BadKubeconfigError(f"cannot read the kubeconfig {path}: {error.strerror}") from error
        base = path.resolve().parent
    try:
        config = yaml.safe_load(kubeconfig)
    except yaml.YAMLError as error:
        raise BadKubeconfigError(f"the kubeconfig is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise BadKubeconfigError("the kubeconfig holds no configuration")
    return config, base


def _named(config: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    for entry in config.get(f"{kind}s") or []:
        if entry.get("name") == name:
            return dict(entry.get(kind) or {})
    raise BadKubeconfigError(f"the kubeconfig has no {kind} {name!r}")


def _token(user: dict[str, Any], base: Path) -> str:
    if user.get("tokenFile"):
        return Path(base, str(user["tokenFile"])).read_text().strip()
    return str(user.get("token") or "")


class _Files:
    """Certificates as files, which TLS libraries want; those inside the kubeconfig never reach a disk."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self.descriptors: list[int] = []

    def path(self, entry: dict[str, Any], key: str) -> str:
        """The file named by `key`, or made from `key`-data."""
        if data := entry.get(f"{key}-data"):
            descriptor = os.memfd_create(key)
            os.write(descriptor, base64.b64decode(data))
            self.descriptors.append(descriptor)
            return f"/proc/self/fd/{descriptor}"
        return str(self._base / entry[key]) if entry.get(key) else ""
