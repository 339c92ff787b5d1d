"""The network that a test of a guest is on: the operating system's, or a virtual one.

A module that asks for the fixture `both_networks` runs each of its tests on both: `Guest`, `run` and the peers of
`peers.py` take whichever is `current`, and its own Python clients go by the methods here.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any, Protocol

from wasihost._network.base import Address, Network
from wasihost._network.virtual import VirtualNetwork
from wasihost._testing import virtual_loop

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, 0 s
_AF = {False: socket.AF_INET, True: socket.AF_INET6}


class Client(Protocol):
    """A UDP socket with one peer."""

    port: int

    def send(self, data: bytes) -> None: ...
    async def receive(self) -> bytes: ...
    def close(self) -> None: ...


class World:
    """The operating system's loopback."""

    network: Network | None = None  # what a `Host` is given

    def new_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()

    async def connect(self, host: str, port: int) -> Streams:
        return await asyncio.open_connection(host, port)

    async def start_server(self, connected: Any, host: str) -> tuple[Any, int]:
        """A server, and its port."""
        server = await asyncio.start_server(connected, host, 0, backlog=1000)
        return server, server.sockets[0].getsockname()[1]

    def reset(self, writer: asyncio.StreamWriter) -> None:
        """Closes a connection with a reset."""
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        writer.transport.abort()

    def udp_client(self, host: str, port: int) -> Client:
        return _OsClient(host, port)

    async def udp_server(self, protocol: Any) -> tuple[Any, tuple[str, int]]:
        """A UDP endpoint, and where it is."""
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(protocol, ("127.0.0.1", 0))
        return transport, transport.get_extra_info("sockname")[:2]


class VirtualWorld(World):
    """A network in memory, everybody on the guest's own host."""

    def __init__(self) -> None:
        self.network = self.net = VirtualNetwork()

    def new_loop(self) -> asyncio.AbstractEventLoop:
        return virtual_loop()

    async def connect(self, host: str, port: int) -> Streams:
        return await self.net.guest.connect((host, port))

    async def start_server(self, connected: Any, host: str) -> tuple[Any, int]:
        server = self.net.guest.listen((host, 0), connected, backlog=1000)
        return server, server.port

    def reset(self, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    def udp_client(self, host: str, port: int) -> Client:
        return _VirtualClient(self.net, host, port)

    async def udp_server(self, protocol: Any) -> tuple[Any, tuple[str, int]]:
        transport, _ = self.net.guest.create_datagram_endpoint(protocol, ("127.0.0.1", 0))
        return transport, transport.get_extra_info("sockname")[:2]


class _OsClient:
    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.socket(_AF[":" in host], socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect((host, port))
        self.port: int = self._socket.getsockname()[1]

    def send(self, data: bytes) -> None:
        self._socket.send(data)

    async def receive(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self._socket, 65536)

    def close(self) -> None:
        self._socket.close()


class _VirtualClient:
    def __init__(self, net: VirtualNetwork, host: str, port: int) -> None:
        self._datagrams = net.guest.datagrams((host, 0))
        self._datagrams.connect((host, port))
        address: Address = self._datagrams.address
        self.port = address.port

    def send(self, data: bytes) -> None:
        self._datagrams.send(data)

    async def receive(self) -> bytes:
        return (await self._datagrams.receive())[0]

    def close(self) -> None:
        self._datagrams.close()


WORLDS: dict[str, type[World]] = {"os": World, "virtual": VirtualWorld}
current = World()
