"""A gRPC server that lives as long as the engine that started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent import futures

import grpc

_MESSAGE_LIMIT = 400 * 1024 * 1024
_OPTIONS = [
    ("grpc.max_receive_message_length", _MESSAGE_LIMIT),
    ("grpc.max_send_message_length", _MESSAGE_LIMIT),
]
# A program or a package that runs occupies one; Cancel must always find another.
_THREADS = 256


def engine_address() -> str:
    """Where the engine listens: it passes its address as the last argument."""
    last = sys.argv[-1] if len(sys.argv) > 1 else ""
    return last if ":" in last and not last.startswith("-") else ""


def serve(register: Callable[[grpc.Server], None], on_stop: Callable[[], None]) -> None:
    """Serves until a signal comes or the engine is gone; the engine reads the port from standard output."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=_THREADS), options=_OPTIONS)
    register(server)
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
    on_stop()
    server.stop(grace=1).wait()
    # Threads that still wait for an answer from elsewhere would keep the process.
    os._exit(0)
