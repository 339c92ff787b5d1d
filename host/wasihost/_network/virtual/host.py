"""A host of a virtual network: the network that a guest there has, and a place for Python programs to be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from wasihost._network import peers
from wasihost._network.base import WILDCARD, Address, DatagramSocket, Family, IpAddress, Network, Socket
from wasihost._network.names import literal
from wasihost._network.peers import Answering, Connected, Datagrams, DatagramSocketTransport, Server, SocketTransport
from wasihost._network.virtual.endpoints import Where, parse
from wasihost._network.virtual.names import VirtualNames
from wasihost._network.virtual.tcp import VirtualSocket
from wasihost._network.virtual.topology import Node
from wasihost._network.virtual.udp import VirtualDatagramSocket

P = TypeVar("P", bound=asyncio.BaseProtocol)
D = TypeVar("D", bound=asyncio.DatagramProtocol)
Answer = Callable[[bytes], "bytes | None"]
"""A server for tests: a function from received to sent bytes; None or b"": nothing."""


class VirtualHost(Network):
    """A host; made by `VirtualNetwork.host`. The network of a guest with `Host(network=…)`, and of Python programs with
    these.

    Methods that take a place want `"db:5432"`, `"10.0.0.2:80"`, `"[fd00::2]:80"`, a pair of host and port, or an
    `Address`. Those that listen take the port alone too, for all addresses of this host; 0 is any free port.
    """

    def __init__(self, place: Node, names: VirtualNames) -> None:
        self._place = place
        self._names = names

    @property
    def name(self) -> str:
        """The name that resolves to it."""
        return self._place.name

    @property
    def addresses(self) -> Sequence[IpAddress]:
        """The addresses that reach it; the first one of a family is its source address."""
        return tuple(self._place.addresses)

    def __repr__(self) -> str:
        return f"<VirtualHost {self.name} {' '.join(map(str, self.addresses))}>"

    # ---- the network of a guest

    def tcp_socket(self, family: Family) -> Socket:
        return VirtualSocket(self._place, family)

    def udp_socket(self, family: Family) -> DatagramSocket:
        return VirtualDatagramSocket(self._place, family)

    async def resolve(self, name: str) -> Sequence[IpAddress]:
        return self._names.resolve(name)

    # ---- Python programs: TCP

    async def connect(self, where: Where) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection, as `asyncio.open_connection`. Errors: OSError, as ConnectionRefusedError."""
        return await peers.open_connection(self, self._find(where))

    async def create_connection(self, factory: Callable[[], P], where: Where) -> tuple[SocketTransport, P]:
        """A connection with a protocol, as `loop.create_connection`."""
        return await peers.create_connection(self, factory, self._find(where))

    def listen(self, where: Where, connected: Connected, *, backlog: int = 100) -> Server:
        """A server that calls `connected(reader, writer)` for each connection, as `asyncio.start_server`."""
        return peers.start_server(self, connected, self._find_own(where), backlog=backlog)

    def create_server(self, factory: Callable[[], asyncio.BaseProtocol], where: Where, *, backlog: int = 100) -> Server:
        """A server whose connections get a protocol each, as `loop.create_server`."""
        return peers.create_server(self, factory, self._find_own(where), backlog=backlog)

    def serve(self, where: Where, answer: Answer) -> Server:
        """A server that sends back the result of `answer` for each piece of bytes that comes in."""
        return self.create_server(lambda: _AnsweringStream(answer), where)

    async def listening(self, where: Where) -> None:
        """Returns when a socket listens there, which `connect` does not wait for."""
        address = self._find(where)
        route = self._place.route(address, None)
        await route.place.listening(route.destination)

    # ---- Python programs: UDP

    def datagrams(self, where: Where = 0) -> Datagrams:
        """A UDP socket; with a port alone it is one for IPv4."""
        return Datagrams(self._bound(where), self._find)

    def create_datagram_endpoint(self, factory: Callable[[], D], where: Where = 0) -> tuple[DatagramSocketTransport, D]:
        """A UDP socket with a protocol, as `loop.create_datagram_endpoint`."""
        protocol = factory()
        return DatagramSocketTransport(self._bound(where), protocol, self._find), protocol

    def serve_udp(self, where: Where, answer: Answer) -> DatagramSocketTransport:
        """A server that sends back the result of `answer` for each datagram; `close()` ends it."""
        return self.create_datagram_endpoint(lambda: Answering(answer), where)[0]

    def _bound(self, where: Where) -> DatagramSocket:
        address = self._find_own(where)[0]
        socket = self.udp_socket(address.ip.version)
        socket.bind(address)
        return socket

    # ---- places

    def _find(self, where: Where) -> Address:
        """The address of a place, of a family that both this host and the other have. Errors: socket.gaierror."""
        if isinstance(where, Address):
            return where
        name, port = parse(where)
        found = self.addresses if not name else self._names.resolve(name)
        families = {own.version for own in self.addresses}
        usable = [ip for ip in found if ip.version in families or ip.is_loopback]
        return Address((usable or found)[0], port)

    def _find_own(self, where: Where) -> list[Address]:
        """The addresses to listen at: that one, or the wildcards of all families that this host has."""
        if isinstance(where, Address):
            return [where]
        name, port = parse(where)
        ip = literal(name)
        if ip is not None:
            return [Address(ip, port)]
        if name and self._names.resolve(name)[0] not in self.addresses:
            raise OSError(f"{where!r} is not a place on host {self.name!r}")
        versions = dict.fromkeys(address.version for address in self.addresses)
        return [Address(WILDCARD[version].ip, port) for version in sorted(versions)]


class _AnsweringStream(asyncio.Protocol):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if reply := self._answer(data):
            self._transport.write(reply)
