"""Gets the Debian packages that the lab runs, without leaving anything running or configured on the machine.

Packages that hold a daemon, or that conflict with what a machine may have already (runc with Docker's own,
busybox-static with busybox), are downloaded and unpacked into the cache, never installed. Only plain commands
and libraries are installed.
"""

import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from lab.build import cache
from lab.errors import LabError
from lab.progress import Progress, Report, duration, say

UNPACKED = ("runc", "containernetworking-plugins", "nginx", "busybox-static")
UNPACKED_COMMANDS = ("runc", "nginx", "busybox")
INSTALLED = {  # command: the package it comes from
    "iptables": "iptables",
    "xtables-nft-multi": "iptables",
    "ip": "iproute2",
    "curl": "curl",
    "openssl": "openssl",
    "nsenter": "util-linux",
    "mount": "mount",
    "ldd": "libc-bin",
}
# What the images of the example are made of. The names of the parts tell their version, another one in each
# release of Debian.
EXAMPLE = ("postgresql", "python3-psycopg2")
EXAMPLE_PARTS = re.compile(
    r"^Inst (postgresql(?:-client)?-\d+|(?:lib)?python3\.\d+-(?:minimal|stdlib)|python3-psycopg2) ",
    re.MULTILINE,
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PLUGIN_DIRECTORIES = ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni")
# Of nginx's own parts none is needed, nor PostgreSQL's compiler for queries, larger than all the rest.
LIBRARY = re.compile(r"(?!libnginx|libllvm)(lib|zlib1g)")
TIME_LIMIT = 15 * 60.0
TELL_EVERY = 10.0


def tree(packages: Sequence[str] = UNPACKED) -> Path:
    """The directory into which the packages are unpacked; another release of Debian gets another one."""
    release = platform.freedesktop_os_release()
    name = f"{release.get('ID', 'linux')}{release.get('VERSION_ID', '')}"
    return cache.root() / "packages" / f"{name}-{cache.key(platform.machine(), *packages)}"


def search_path() -> str:
    """A PATH that finds the unpacked commands first, and the system's own even for a user without sbin."""
    unpacked = [tree() / directory for directory in ("usr/bin", "usr/sbin", "bin", "sbin")]
    own = os.environ.get("PATH", os.defpath).split(":")
    system = [directory for directory in ("/usr/sbin", "/usr/bin", "/sbin", "/bin") if directory not in own]
    return ":".join([*map(str, unpacked), *own, *system])


def command(name: str) -> Path:
    """Where a command is."""
    found = shutil.which(name, path=search_path())
    if not found:
        raise LabError(
            f"the command {name} is missing: `python -m lab up` gets it on Debian, elsewhere install it"
        )
    return Path(found)


def browser(report: Report = say) -> str:
    """Where a Chromium is, for the tests of pages; it is installed if there is none."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    if not shutil.which("apt-get"):
        raise LabError(f"the tests of pages need one of {', '.join(BROWSERS)} on PATH: install Chromium")
    with cache.lock(cache.root() / "apt.lock", lambda text: report(f"Debian packages: {text}")):
        _install([BROWSERS[0]], report)
    return shutil.which(BROWSERS[0]) or BROWSERS[0]


def network_plugins() -> Path:
    """The directory that holds the CNI plugins."""
    for directory in (tree() / "usr/lib/cni", *map(Path, PLUGIN_DIRECTORIES)):
        if (directory / "ptp").exists():
            return directory
    raise LabError("the CNI plugins are missing: on Debian they are in containernetworking-plugins")


def missing_commands() -> list[str]:
    """The commands that are not there yet."""
    path = search_path()
    return [name for name in (*UNPACKED_COMMANDS, *INSTALLED) if not shutil.which(name, path=path)]


def provide(report: Report = say) -> None:
    """Unpacks and installs what is missing, and says what."""
    missing = missing_commands()
    if not missing and tree().is_dir():
        return
    if not shutil.which("apt-get"):
        if missing:
            raise LabError(
                f"the lab needs {', '.join(missing)} on PATH and the CNI plugins in {PLUGIN_DIRECTORIES[0]}, "
                "and can get them itself only on Debian and Ubuntu: install them, or use your own cluster "
                "with Istio (README)"
            )
        return
    progress = Progress(report)
    packages = list(dict.fromkeys(INSTALLED[name] for name in missing if name in INSTALLED))
    with cache.lock(cache.root() / "apt.lock", lambda text: progress.update(f"Debian packages: {text}")):
        if packages:
            _install(packages, report)
    cache.make_once(
        tree(),
        lambda target: _unpack(target, UNPACKED, report),
        lambda text: progress.update(f"Debian packages: {text}"),
    )


def provide_example(report: Report = say) -> Path:
    """The directory into which PostgreSQL and Python are unpacked, made if it is not there."""
    target = tree(EXAMPLE)
    if not target.is_dir() and not shutil.which("apt-get"):
        raise LabError(
            f"the example's images are made of Debian's {', '.join(EXAMPLE)}, which only Debian and Ubuntu have: "
            "use your own cluster and images (examples/orders/README.md)"
        )
    progress = Progress(report)
    return cache.make_once(
        target,
        lambda unfinished: _unpack(unfinished, _example_parts(report), report),
        lambda text: progress.update(f"Debian packages: {text}"),
    )


def _example_parts(report: Report) -> list[str]:
    """The packages that hold what the example runs: what apt would install, without libraries and helpers."""
    nothing_installed = "-o=Dir::State::status=/dev/null"
    plan = _apt(report, "install", "--simulate", "--no-install-recommends", nothing_installed, *EXAMPLE)
    return EXAMPLE_PARTS.findall(plan)


def _install(packages: list[str], report: Report) -> None:
    report(f"Debian packages: installing {', '.join(packages)}")
    _apt(report, "install", "--yes", "--no-install-recommends", "-o=DPkg::Lock::Timeout=300", *packages)


def _unpack(target: Path, packages: Sequence[str], report: Report) -> None:
    downloads = target / "downloads"
    downloads.mkdir()
    # apt's own user need not be able to write where root's cache is.
    _apt(report, "download", "-o=APT::Sandbox::User=root", *packages, directory=downloads)
    archives = sorted(downloads.glob("*.deb"))
    names = ", ".join(" ".join(archive.stem.split("_")[:2]).replace("%3a", ":") for archive in archives)
    report(f"Debian packages: unpacking into the cache, not installing: {names}")
    for archive in archives:
        _run(["dpkg-deb", "--extract", str(archive), str(target)])
    needed = {name for archive in archives for name in _libraries(archive)}
    libraries = sorted(needed - _installed() - set(packages))
    shutil.rmtree(downloads)
    if libraries:
        _install(libraries, report)


def _libraries(archive: Path) -> list[str]:
    """The libraries among a package's dependencies: its other ones are services or other unpacked packages."""
    depends = _run(["dpkg-deb", "--field", str(archive), "Depends"])
    names = [entry.split()[0].split(":")[0] for entry in depends.split(",") if entry.strip()]
    return [name for name in names if LIBRARY.match(name)]


def _installed() -> set[str]:
    lines = _run(
        ["dpkg-query", "--show", "--showformat=${binary:Package} ${db:Status-Status}\n"]
    ).splitlines()
    return {line.split()[0].split(":")[0] for line in lines if line.endswith(" installed")}


def _apt(report: Report, *arguments: str, directory: Path | None = None) -> str:
    """Runs apt-get, and once more after an update: a fresh machine has no or an old list of packages."""
    try:
        return _run(["apt-get", "--quiet", *arguments], directory, report)
    except LabError:
        _run(["apt-get", "--quiet", "update"], directory, report)
        return _run(["apt-get", "--quiet", *arguments], directory, report)


def _run(arguments: list[str], directory: Path | None = None, report: Report = say) -> str:
    """Runs a command and returns what it prints; tells that it still runs when it takes long."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    shown = " ".join(arguments)
    begin = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            arguments,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while process.poll() is None:
                try:
                    process.wait(TELL_EVERY)
                except subprocess.TimeoutExpired:
                    spent = time.monotonic() - begin
                    if spent > TIME_LIMIT:
                        raise LabError(f"`{shown}` did not end within {duration(TIME_LIMIT)}") from None
                    report(f"Debian packages: {arguments[0]}, {duration(spent)}")
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        text = output.read()
    if process.returncode:
        last = "\n".join(f"  {arguments[0]} | {line}" for line in text.splitlines()[-10:])
        raise LabError(f"{last}\n`{shown}` failed: the lines above say why, try it by hand")
    return text
