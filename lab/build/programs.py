"""Builds the lab's Go programs from the modules pinned below lab/build/modules, once for all of a user's clones.

A tool lands in `<cache>/tools/<tool>-<key>`, the key being a hash of its module's go.mod and go.sum, its own
main.go, the build flags and the Go version. What later steps need from a module besides its programs (Istio's
charts, Envoy's bootstrap template), or of a module without programs (the kinds of Gateway API), is copied there
too, so that Go's own caches may be deleted.
"""

import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache as remember
from pathlib import Path

from lab.build import cache
from lab.errors import LabError
from lab.progress import Progress, Report, duration, say

SOURCES = Path(__file__).with_name("modules")
COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)
PROVIDER_VERSION = "4.25.0"
YAML_VERSION = "1.25.0"
PROVIDER_MODULE = "github.com/pulumi/pulumi-kubernetes/provider/v4"
TIME_LIMIT = 45 * 60.0
COMPILED = "-dwarf=false"  # no debugger looks at these programs, and -w below drops what it would read
FLAGS = (
    "-mod=readonly",  # the committed go.mod and go.sum decide, whatever the user's own GOFLAGS say
    "-trimpath",
    "-buildvcs=false",
    "-p=2",
    f"-gcflags=all={COMPILED}",
)
# Memory in place of time: with the compiler's own setting (100) collecting takes a fifth more of the processor.
# Below 1,500 MiB one package of the provider's takes 61 s, and 26 s with what it asks for.
COLLECTOR = {"GOGC": "800", "GOMEMLIMIT": "2500MiB"}


@dataclass(frozen=True)
class Tool:
    """Programs of one module below lab/build/modules, and how they are built."""

    name: str
    version: str
    module: str  # the folder below lab/build/modules
    minutes: int
    packages: tuple[str, ...]  # none: only `files` are wanted
    programs: tuple[str, ...]
    tags: str = ""
    unoptimized: str = ""  # packages whose speed nobody notices: compiled in less time
    settings: tuple[str, ...] = ()
    links: tuple[str, ...] = ()  # further names of the first program, which does what its name says
    files_of: str = ""  # the module that has `files`
    files: tuple[str, ...] = ()

    def flags(self) -> list[str]:
        """The arguments of `go build`, but for where the result goes and what is built."""
        linker = " ".join(["-s", "-w", *(f"-X {setting}" for setting in self.settings)])
        plain = [f"-gcflags={self.unoptimized}={COMPILED} -N -l"] if self.unoptimized else []
        return [*FLAGS, *plain, f"-ldflags={linker}", *([f"-tags={self.tags}"] if self.tags else [])]

    def key(self, go_version: str) -> str:
        """Names exactly this build."""
        folder = SOURCES / self.module
        own = [folder / package / "main.go" for package in self.packages if package.startswith(".")]
        contents = [file.read_bytes() for file in (folder / "go.mod", folder / "go.sum", *own)]
        recipe = (*self.flags(), *self.packages, *self.programs, *self.links, *self.files)
        return cache.key(*contents, *recipe, go_version)

    def directory(self) -> Path:
        """Where the built tool is, or will be."""
        return cache.root() / "tools" / f"{self.name}-{self.key(go_version())}"


def _kubernetes_version(package: str) -> tuple[str, ...]:
    return (f"{package}.gitVersion=v1.37.2", f"{package}.gitMajor=1", f"{package}.gitMinor=37")


# Those of one module one after the other: they share most of what is compiled. The longest first.
TOOLS = (
    Tool(
        name="kubernetes",
        version="v1.37.2",
        module="cluster",
        minutes=8,
        packages=("./kubernetes",),
        programs=("kubernetes",),
        settings=(
            *_kubernetes_version("k8s.io/component-base/version"),
            *_kubernetes_version("k8s.io/client-go/pkg/version"),
        ),
        links=COMPONENTS,
    ),
    Tool(
        name="istio",
        version="1.31.0",
        module="cluster",
        minutes=4,
        packages=(
            "istio.io/istio/istioctl/cmd/istioctl",
            "istio.io/istio/pilot/cmd/pilot-agent",
            "istio.io/istio/pilot/cmd/pilot-discovery",
        ),
        programs=("istioctl", "pilot-agent", "pilot-discovery"),
        tags="vtprotobuf,disable_pgv",
        settings=("istio.io/istio/pkg/version.buildVersion=1.31.0",),
        files_of="istio.io/istio",
        files=("manifests", "tools/packaging/common/envoy_bootstrap.json"),
    ),
    Tool(  # the kinds of Gateway API, as users install them: Istio has none of them itself
        name="gateway-api",
        version="v1.6.3",
        module="gateway-api",
        minutes=1,
        packages=(),
        programs=(),
        files_of="sigs.k8s.io/gateway-api",
        files=("config/crd/standard",),
    ),
    Tool(
        name="containerd",
        version="v2.4.2",
        module="cluster",
        minutes=1,
        packages=tuple(
            f"github.com/containerd/containerd/v2/cmd/{program}"
            for program in ("containerd", "containerd-shim-runc-v2", "ctr")
        ),
        programs=("containerd", "containerd-shim-runc-v2", "ctr"),
        settings=("github.com/containerd/containerd/v2/version.Version=v2.4.2",),
    ),
    Tool(
        name="coredns",
        version="v1.15.0",
        module="cluster",
        minutes=1,
        packages=("./coredns",),
        programs=("coredns",),
    ),
    Tool(  # the load generator of the tests and benchmarks: constant rate, and every result is kept
        name="vegeta",
        version="v12.13.0",
        module="cluster",
        minutes=1,
        packages=("github.com/tsenart/vegeta/v12",),
        programs=("vegeta",),
    ),
    Tool(  # the server of the shadow report's tests: its speed and its failures can be set
        name="shop",
        version="1",
        module="cluster",
        minutes=1,
        packages=("./shop",),
        programs=("shop",),
    ),
    Tool(  # a server of the tests that answers gRPC and HTTP/2, which nginx of Debian does not on one port
        name="echo",
        version="1",
        module="cluster",
        minutes=1,
        packages=("./echo",),
        programs=("echo",),
    ),
    Tool(
        name="pulumi",
        version="v3.274.1",
        module="pulumi",
        minutes=4,
        packages=("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
        programs=("pulumi",),
        tags="osusergo,grpcnotrace",
        settings=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.274.1",),
    ),
    Tool(  # Pulumi's own Kubernetes provider
        name="provider",
        version=f"v{PROVIDER_VERSION}",
        module="provider",
        minutes=8,
        packages=("./pulumi-resource-kubernetes",),
        programs=("pulumi-resource-kubernetes",),
        # Half of its time: all kinds for programs in Go, with components of its own that nobody here uses.
        unoptimized="github.com/pulumi/pulumi-kubernetes/sdk/v4/...",
        settings=(f"{PROVIDER_MODULE}/pkg/version.Version={PROVIDER_VERSION}",),
        files_of=PROVIDER_MODULE,
        files=("cmd/pulumi-resource-kubernetes/schema.json",),
    ),
    Tool(  # Pulumi's own language host for YAML, which needs an older engine's modules, as the provider does
        name="yaml",
        version=f"v{YAML_VERSION}",
        module="provider",
        minutes=1,
        packages=("github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",),
        programs=("pulumi-language-yaml",),
        settings=(f"github.com/pulumi/pulumi-yaml/pkg/version.Version={YAML_VERSION}",),
    ),
)


@remember
def go_version() -> str:
    """The version of the Go on PATH, such as go1.26.8."""
    try:
        result = subprocess.run(
            ["go", "env", "GOVERSION"], capture_output=True, text=True, env=_environment()
        )
    except OSError:
        raise LabError("the lab needs Go 1.26.6 or newer on PATH") from None
    return result.stdout.strip()


def binary(name: str) -> Path:
    """The path of a built program, such as `pulumi` or `kubectl`."""
    for tool in TOOLS:
        if name in tool.programs + tool.links:
            path = tool.directory() / name
            if not path.exists():
                raise LabError(f"{name} is not built yet: `python -m lab up` builds it")
            return path
    raise LabError(f"the lab has no program called {name}")


def file(name: str) -> Path:
    """The path of a file or directory that was copied from a tool's module, by its last name."""
    for tool in TOOLS:
        for path in tool.files:
            if Path(path).name == name:
                return tool.directory() / name
    raise LabError(f"the lab's tools have no file called {name}")


def missing() -> list[Tool]:
    """The tools that are not built yet."""
    return [tool for tool in TOOLS if not tool.directory().is_dir()]


def build(report: Report = say) -> None:
    """Builds what is not in the cache yet."""
    tools = missing()
    threading.Thread(target=_download, args=(tools[1:],), daemon=True).start()
    for tool in tools:
        _provide(tool, report)


def _provide(tool: Tool, report: Report) -> None:
    number = f"[{TOOLS.index(tool) + 1}/{len(TOOLS)}] {tool.name} {tool.version}"
    progress = Progress(report)
    begin = time.monotonic()
    cache.make_once(
        tool.directory(),
        lambda target: _build(tool, target, number, progress),
        lambda text: progress.update(f"{number}: {text}"),
    )
    progress.done(f"{number}: built in {duration(time.monotonic() - begin)}")


def _download(tools: list[Tool]) -> None:
    """Gets what is built later, while both cores compile; what fails here fails again in the build."""
    for tool in tools:
        if not tool.packages:
            continue
        command = ["go", "list", "-mod=readonly", "-deps", f"-tags={tool.tags}", *tool.packages]
        subprocess.run(
            command, cwd=SOURCES / tool.module, env=_environment(), capture_output=True, check=False
        )


def _environment() -> dict[str, str]:
    # A non-empty GOFLAGS also hides the one of `go env -w`; the flags themselves are on the command line.
    own = {"GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    return {**COLLECTOR, **os.environ, **own}


def _build(tool: Tool, target: Path, number: str, progress: Progress) -> None:
    begin = time.monotonic()
    command = ["go", "build", "-v", *tool.flags(), "-o", f"{target}/", *tool.packages]
    if not tool.packages:
        command = ["go", "mod", "download", tool.files_of]
    process = subprocess.Popen(
        command,
        cwd=SOURCES / tool.module,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said: list[str] = []
    try:
        for line in _lines(process):
            said += [line] if line else []
            spent = time.monotonic() - begin
            if spent > TIME_LIMIT:
                raise LabError(
                    f"{tool.name} was not built within {duration(TIME_LIMIT)}: is the machine busy?"
                )
            doing = f", {said[-1]}" if said else ""
            progress.update(f"{number}: building, {duration(spent)} (of about {tool.minutes} min){doing}")
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        last = "\n".join(f"  go | {line}" for line in said[-15:])
        raise LabError(
            f"{last}\nbuilding {tool.name} failed: the lines above say why; if a module could not be downloaded, "
            "try again or set GOPROXY to a proxy that you can reach"
        )
    if tool.files:
        _copy_files(tool, target)
    for link in tool.links:
        (target / link).symlink_to(tool.programs[0])


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What the process writes to stderr, and an empty line every second in which it writes nothing."""
    assert process.stderr is not None
    stderr = process.stderr
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in stderr:
            lines.put(line.rstrip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            line = ""
        if line is None:
            process.wait()
            return
        yield line


def _copy_files(tool: Tool, target: Path) -> None:
    command = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", tool.files_of]
    module = subprocess.run(
        command, cwd=SOURCES / tool.module, env=_environment(), capture_output=True, text=True, check=True
    ).stdout.strip()
    for name in tool.files:
        source, copy = Path(module, name), target / Path(name).name
        if source.is_dir():
            shutil.copytree(source, copy, copy_function=_copy)
        else:
            _copy(source, copy)


def _copy(source: str | Path, copy: str | Path) -> None:
    """Copies the content only: files in Go's module cache are read-only, ours must be deletable."""
    shutil.copyfile(source, copy)
