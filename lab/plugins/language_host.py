"""Stand-in for pulumi-language-python: runs Python programs and Python component packages for the engine.

`python language_host.py <engine address>`. docs/stand-ins.md says what it leaves out.

Each `pulumi up` starts it twice, and its imports took a fifth of that command's processor time: so it is a file
by itself, which imports neither the lab nor the whole of Pulumi's SDK.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator
from concurrent import futures
from importlib import metadata, util
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2, json_format
from typing_extensions import override

if TYPE_CHECKING:
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2
else:
    # The classes of the SDK's messages import nothing of the SDK; by their full name they would bring all of it.
    package = types.ModuleType("messages")
    package.__path__ = [str(Path(util.find_spec("pulumi").origin).parent / "runtime" / "proto")]
    sys.modules["messages"] = package
    language_pb2, language_pb2_grpc, plugin_pb2 = (
        importlib.import_module(f"messages.{name}")
        for name in ("language_pb2", "language_pb2_grpc", "plugin_pb2")
    )

_HERE = Path(__file__).parent
_PATIENCE_SECONDS = 5
_MESSAGE_LIMIT = 400 * 1024 * 1024
_OPTIONS = [
    ("grpc.max_receive_message_length", _MESSAGE_LIMIT),
    ("grpc.max_send_message_length", _MESSAGE_LIMIT),
]
# A program or a package that runs occupies one; Cancel must always find another.
_THREADS = 256
# The exit status of a program whose user has seen why it failed: the engine need not say more.
_MESSAGE_SHOWN = 32


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The language runtime for Python."""

    def __init__(self, engine: str = "") -> None:
        self._engine = engine
        self._programs, self._plugins = _Children(), _Children()

    @override
    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    @override
    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    @override
    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        # The engine ends plugins itself, once it needs them no more.
        self._programs.each(_interrupt)
        return empty_pb2.Empty()

    def stop(self) -> None:
        """Leaves nothing behind."""
        self._programs.each(subprocess.Popen.kill)
        self._plugins.each(subprocess.Popen.kill)

    # Programs

    @override
    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        directory = request.info.program_directory or request.pwd
        settings = {
            "entry_point": str(Path(directory, request.info.entry_point or ".")),
            "directory": request.pwd or directory,
            "args": list(request.args),
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization or "organization",
            "root_directory": request.info.root_directory,
            "monitor": request.monitor_address,
            "engine": self._engine,
            "parallel": request.parallel,
            "dry_run": request.dryRun,
            "message_shown": _MESSAGE_SHOWN,
        }
        config = {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        # -P: this folder must not be where the program's imports are looked for.
        command = [_python(request.info), "-u", "-P", str(_HERE / "program.py"), json.dumps(settings)]
        status = self._run(command, {**os.environ, **config}, context)
        if status == _MESSAGE_SHOWN:
            return language_pb2.RunResponse(bail=True)
        error = f"program exited with non-zero exit code: {status}" if status else ""
        return language_pb2.RunResponse(error=error)

    def _run(self, command: list[str], environment: dict[str, str], context: grpc.ServicerContext) -> int:
        """Runs a command whose output goes to the engine through our own, until it ends or is cancelled."""
        with self._programs.started(command, env=environment) as child:
            context.add_callback(functools.partial(_interrupt, child))
            return child.wait()

    @override
    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        message = "The lab's stand-in installs nothing: programs run with what is installed already.\n"
        yield language_pb2.InstallDependenciesResponse(stdout=message.encode())

    @override
    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.RuntimeOptionsResponse()

    @override
    def About(self, request: Any, context: grpc.ServicerContext) -> Any:
        python = _python(request.info)
        version = subprocess.check_output(
            [python, "-c", "import platform; print(platform.python_version())"], text=True
        )
        return language_pb2.AboutResponse(
            executable=python, version=version.strip(), metadata={"host": "the lab's stand-in"}
        )

    # Packages

    @override
    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        packages = [
            plugin_pb2.PackageDependency(name=name, kind="resource", version=f"v{version}", server=server)
            for name, version, server in _required(_installed(request.info))
        ]
        return language_pb2.GetRequiredPackagesResponse(packages=packages)

    @override
    def GetRequiredPlugins(self, request: Any, context: grpc.ServicerContext) -> Any:
        plugins = [
            plugin_pb2.PluginDependency(name=name, kind="resource", version=f"v{version}", server=server)
            for name, version, server in _required(_installed(request.info))
        ]
        return language_pb2.GetRequiredPluginsResponse(plugins=plugins)

    @override
    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        found = [
            language_pb2.DependencyInfo(name=entry["name"], version=entry["version"])
            for entry in _installed(request.info)
        ]
        return language_pb2.GetProgramDependenciesResponse(dependencies=found)

    @override
    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        directory = request.info.program_directory or request.program
        command = [_python(request.info), "-u", directory, *request.args]
        environment = {**os.environ, **dict(entry.split("=", 1) for entry in request.env)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        place = request.pwd or directory
        with self._plugins.started(command, cwd=place, env=environment, **pipes) as child:
            context.add_callback(functools.partial(_interrupt, child))
            yield from _output(child)
            yield language_pb2.RunPluginResponse(exitcode=child.wait())


class _Children:
    """Child processes of one sort that run now."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def started(self, command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """Starts a process, which does not outlive the block."""
        process = subprocess.Popen(command, **options)
        with self._lock:
            self._running.add(process)
        try:
            yield process
        finally:
            with self._lock:
                self._running.discard(process)
            if process.poll() is None:
                process.kill()
                process.wait()

    def each(self, action: Callable[[subprocess.Popen[bytes]], None]) -> None:
        """Does something to every one of them."""
        with self._lock:
            running = list(self._running)
        for process in running:
            action(process)


def _interrupt(child: subprocess.Popen[bytes]) -> None:
    """Asks a process to end, and ends it if it does not listen."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        killer = threading.Timer(_PATIENCE_SECONDS, child.kill)
        killer.daemon = True
        killer.start()


def _output(child: subprocess.Popen[bytes]) -> Iterator[Any]:
    """What the child writes, as it comes: the engine waits for a plugin's first line."""
    written: queue.Queue[Any] = queue.Queue()

    def pump(source: IO[bytes], message: Callable[[bytes], Any]) -> None:
        for line in source:
            written.put(message(line))
        written.put(None)

    messages = (
        (child.stdout, lambda text: language_pb2.RunPluginResponse(stdout=text)),
        (child.stderr, lambda text: language_pb2.RunPluginResponse(stderr=text)),
    )
    for pipe in messages:
        threading.Thread(target=pump, args=pipe, daemon=True).start()
    open_pipes = len(messages)
    while open_pipes:
        if (response := written.get()) is None:
            open_pipes -= 1
        else:
            yield response


def _python(info: Any) -> str:
    """The program's interpreter: of the virtualenv that Pulumi.yaml names, else the one that runs the host."""
    options = json_format.MessageToDict(info.options)
    if options.get("virtualenv"):
        python = Path(info.root_directory or info.program_directory, options["virtualenv"], "bin", "python")
        if python.exists():
            return str(python)
    return sys.executable


def _installed(info: Any) -> list[dict[str, Any]]:
    output = subprocess.check_output([_python(info), "-P", str(_HERE / "installed.py")])
    found: list[dict[str, Any]] = json.loads(output)
    return found


def _required(installed: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Name, version and download server of each provider plugin that the installed packages need."""
    return [
        (
            plugin.get("name") or entry["name"].removeprefix("pulumi-"),
            plugin.get("version") or entry["version"],
            plugin.get("server") or "",
        )
        for entry in installed
        if (plugin := entry["plugin"]) and plugin.get("resource")
    ]


def _engine_address() -> str:
    """Where the engine listens: it passes its address as the last argument."""
    last = sys.argv[-1] if len(sys.argv) > 1 else ""
    return last if ":" in last and not last.startswith("-") else ""


def main() -> None:
    """Serves until a signal comes or the engine is gone; the engine reads the port from standard output."""
    host = LanguageHost(_engine_address())
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=_THREADS), options=_OPTIONS)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    engine = os.getppid()
    # An engine that was killed cannot say goodbye: a stand-in must not outlive it.
    while not stop.wait(0.5) and os.getppid() == engine:
        pass
    host.stop()
    server.stop(grace=1).wait()
    # Threads that still wait for an answer from elsewhere would keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
