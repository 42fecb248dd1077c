"""Carries connections from the host to the lab: `python -m lab.forwarder FD=ADDRESS:PORT...`

A socket stays in the network namespace in which it was made. The listening sockets come from the host and are
inherited; this process runs inside the lab, so what it connects to is inside.
"""

import asyncio
import contextlib
import socket
import sys

CHUNK = 1 << 16
CONNECT_LIMIT = 10.0


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies one direction to its end, then passes the end on."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:  # either side hung up
        writer.close()


async def _serve(listener: socket.socket, address: str, port: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CONNECT_LIMIT):
                inner_reader, inner_writer = await asyncio.open_connection(address, port)
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
            inner_writer.close()
        # Nothing listens inside yet: the caller sees its connection closed, as with any server that starts.
        writer.close()

    server = await asyncio.start_server(connected, sock=listener)
    await server.serve_forever()


async def _main(arguments: list[str]) -> None:
    async with asyncio.TaskGroup() as group:
        for argument in arguments:
            descriptor, _, target = argument.partition("=")
            address, _, port = target.rpartition(":")
            group.create_task(_serve(socket.socket(fileno=int(descriptor)), address, int(port)))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
