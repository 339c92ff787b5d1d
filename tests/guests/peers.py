"""Plain asyncio servers and clients, for guests to talk to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

from tests.guests import world
from tests.guests.harness import LOOPBACK, FamilyName, passes, text

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A plain asyncio server."""

    def __init__(self, serve: Serve) -> None:
        self.address, self.connections, self.received = "", 0, 0
        self._serve = serve
        self._tasks: set[asyncio.Task[None]] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self._tasks.discard(task)

    async def settle(self) -> None:
        """Waits for the end of every connection."""
        while self._tasks:
            await asyncio.wait(self._tasks)


@contextlib.asynccontextmanager
async def server(serve: Serve, family: FamilyName = "ipv4") -> AsyncIterator[Server]:
    made = Server(serve)
    listening, port = await world.current.start_server(made.connected, LOOPBACK[family])
    made.address = text(LOOPBACK[family], port)
    async with listening:
        yield made
        await passes(5)  # a connection that was just accepted, which asyncio would forget if it closed now
        listening.close()
        await made.settle()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def discard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


def giving(size: int) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(size))
        await writer.drain()

    return serve


async def forget(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes with what came in unread."""


async def asked(port: int) -> bytes | None:
    """What an echo server on 127.0.0.1 sends back for `hello`; None: the connection is refused or reset."""
    loop = asyncio.get_running_loop()
    with socket.socket() as peer:
        peer.setblocking(False)
        try:
            await loop.sock_connect(peer, ("127.0.0.1", port))
            await loop.sock_sendall(peer, b"hello")
            peer.shutdown(socket.SHUT_WR)
            return await loop.sock_recv(peer, 100)
        except OSError:
            return None


async def patient_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Does not mind connections that are reset."""
    with contextlib.suppress(OSError):
        await echo(reader, writer)


class _UdpEcho(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        self._transport.sendto(data, sender)


@contextlib.asynccontextmanager
async def udp_echo() -> AsyncIterator[str]:
    """The address of a server that sends every datagram back."""
    transport, address = await world.current.udp_server(_UdpEcho)
    try:
        yield text(*address)
    finally:
        transport.close()
        await passes()  # its socket is closed in the loop's next turn
