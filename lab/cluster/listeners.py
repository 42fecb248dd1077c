"""The host's two ways into a lab."""

import socket


class Listeners:
    """The host's listening sockets, made before the lab's network namespace and inherited by its forwarder."""

    def __init__(self) -> None:
        self.sockets = {
            name: socket.create_server(("127.0.0.1", 0), backlog=1024) for name in ("api", "gateway")
        }
        self.ports = {name: listener.getsockname()[1] for name, listener in self.sockets.items()}
        self.descriptors = [listener.fileno() for listener in self.sockets.values()]

    def __enter__(self) -> "Listeners":
        return self

    def __exit__(self, *error: object) -> None:
        for listener in self.sockets.values():
            listener.close()
