"""The programs of the lab and their command lines."""

import os
from collections.abc import Mapping

from lab.build import packages, programs
from lab.cluster import network
from lab.cluster.layout import Layout

ETCD_URL = "http://127.0.0.1:2379"
NODE = "lab"


def commands(layout: Layout) -> dict[str, list[str]]:
    """The command line of each component, by its name."""
    etc = layout.etc
    client = f"--kubeconfig={layout.inner_kubeconfig}"
    return {
        "containerd": _tool("containerd", f"--config={etc}/containerd.toml"),
        "etcd": _tool(
            "etcd",
            "--data-dir=/var/lib/etcd",
            "--unsafe-no-fsync",  # nobody's data: it goes with the lab
            f"--listen-client-urls={ETCD_URL}",
            f"--advertise-client-urls={ETCD_URL}",
            "--listen-peer-urls=http://127.0.0.1:2380",
        ),
        "kube-apiserver": _tool("kube-apiserver", *_apiserver_flags(layout)),
        "kube-controller-manager": _tool(
            "kube-controller-manager",
            client,
            "--leader-elect=false",
            f"--cluster-cidr={network.POD_RANGE}",
            f"--root-ca-file={etc}/ca.crt",  # what pods check the API server's certificate with
            f"--service-account-private-key-file={etc}/accounts.key",
        ),
        "kube-scheduler": _tool("kube-scheduler", client, "--leader-elect=false"),
        "kubelet": _tool(
            "kubelet",
            client,
            f"--config={etc}/kubelet.yaml",
            f"--node-ip={network.NODE_ADDRESS}",
            f"--hostname-override={NODE}",
        ),
        "kube-proxy": _tool(
            "kube-proxy",
            client,
            "--proxy-mode=iptables",
            f"--cluster-cidr={network.POD_RANGE}",
            f"--hostname-override={NODE}",
            # The limits of connection tracking are the whole machine's: 0 leaves them alone.
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0s",
            "--conntrack-tcp-timeout-close-wait=0s",
        ),
    }


def environment(inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of what runs inside the lab: nothing of the caller's that could lead it elsewhere."""
    kept = {name: inherited[name] for name in ("HOME", "LANG", "TERM", "TZ") if name in inherited}
    return {"HOME": "/root", **kept, "PATH": search_path(), "KUBECACHEDIR": "/run/kubecache"}


def search_path() -> str:
    """A PATH with the built tools before all else."""
    directories = [str(tool.directory()) for tool in programs.TOOLS]
    return ":".join([*directories, packages.search_path()])


def _tool(name: str, *arguments: str) -> list[str]:
    return [str(programs.binary(name)), *arguments]


def _apiserver_flags(layout: Layout) -> list[str]:
    etc = layout.etc
    return [
        f"--etcd-servers={ETCD_URL}",
        f"--advertise-address={network.NODE_ADDRESS}",
        f"--secure-port={network.API_PORT}",
        f"--service-cluster-ip-range={network.SERVICE_RANGE}",
        f"--tls-cert-file={etc}/api.crt",
        f"--tls-private-key-file={etc}/api.key",
        f"--token-auth-file={etc}/tokens.csv",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={etc}/accounts.key",
        f"--service-account-signing-key-file={etc}/accounts.key",
        "--authorization-mode=RBAC",
        f"--audit-policy-file={etc}/audit.yaml",
        f"--audit-log-path={layout.audit_log}",
        "--allow-privileged=true",  # Istio's init container sets up the pod's network
        "--enable-priority-and-fairness=false",
        "--kubelet-preferred-address-types=InternalIP",  # the node's name is in no DNS: logs and exec need this
    ]
