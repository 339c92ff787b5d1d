"""A network in memory: hosts, their names, and the links between them.

    net = VirtualNetwork()
    net.listen("db:5432", serve)                                    # a Python program on a host of its own
    guest = Host(network=net, policy=allow_all).run_async("guest.wasm")
    reader, writer = await net.connect("guest:8080")

Theory of operation. No socket of the operating system, no thread and no task of its own. Everything happens in one
thread, that of the event loop; the bytes that one end sends the other sees in a later callback of the loop. Where
there is latency or a bandwidth, timers of the clock decide (`ways`). Addresses and ports are given out one after
another, so the same program has the same ones in every run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from wasihost._base.clock import NS_PER_S, Clock, RunningClock
from wasihost._base.errors import ConfigError
from wasihost._network.base import DatagramSocket, Family, IpAddress, Network, Socket
from wasihost._network.names import Addresses, ascii_name, literal, parse_addresses
from wasihost._network.peers import Connected, Datagrams, DatagramSocketTransport, Server, SocketTransport
from wasihost._network.virtual.connections import Connection
from wasihost._network.virtual.endpoints import Where, parse
from wasihost._network.virtual.host import Answer, VirtualHost
from wasihost._network.virtual.names import VirtualNames
from wasihost._network.virtual.topology import Topology
from wasihost._network.virtual.ways import Way

P = TypeVar("P", bound=asyncio.BaseProtocol)
D = TypeVar("D", bound=asyncio.DatagramProtocol)
GUEST = "guest"
PEER = "peer"


class VirtualNetwork(Network):
    """A network in memory.

    Given to a `Host` it is the network of the host `guest`; `net.host("web")` is that of another one. Python programs
    connect from the host `peer`, or from another one: `net.host("web").connect("db:5432")`.

    - `clock`: its timers move the bytes under way; the running event loop's by default.
    - `latency_s`, `bytes_per_second`: of every link that `link` says nothing else about; None: no limit.
    """

    def __init__(
        self, *, clock: Clock | None = None, latency_s: float = 0, bytes_per_second: float | None = None
    ) -> None:
        latency_ns, speed = _checked(latency_s, bytes_per_second)
        self._topology = Topology(clock or RunningClock(), latency_ns, speed)
        self._names = VirtualNames()
        self._hosts: dict[str, VirtualHost] = {}
        self.guest = self.host(GUEST)

    def __repr__(self) -> str:
        return f"<VirtualNetwork of {', '.join(self._hosts)}>"

    @property
    def connections(self) -> list[Connection]:
        """Every TCP connection that was made, in their order; of very many the last 16,384."""
        return list(self._topology.connections)

    # ---- hosts

    def host(self, name: str, *addresses: str | IpAddress) -> VirtualHost:
        """The host of that name, a new one if there is none; without addresses it gets one of each family.

        Errors: ConfigError, for an argument that is not a name or an address, or is another host's.
        """
        try:
            known = ascii_name(name).removesuffix(".")
            wanted = parse_addresses(addresses)
        except ValueError as error:
            raise ConfigError(f"host {name!r}: {error}") from None
        found = self._hosts.get(known)
        if found is None:
            place = self._topology.add(known, wanted)
            found = self._hosts[known] = VirtualHost(place, self._names)
            self._names.add(known, place.addresses)
        elif wanted and tuple(wanted) != found.addresses:
            raise ConfigError(f"host {name!r} has the addresses {', '.join(map(str, found.addresses))}")
        return found

    def name(self, name: str, addresses: Addresses) -> None:
        """Gives one more name some addresses, best first. Errors: ConfigError."""
        try:
            self._names.add(name, addresses)
        except ValueError as error:
            raise ConfigError(f"name {name!r}: {error}") from None

    # ---- links

    def link(self, one: str, other: str, *, latency_s: float = 0, bytes_per_second: float | None = None) -> None:
        """Says how long bytes take between two hosts, each way, from now on; None: no limit. Errors: ConfigError."""
        checked = _checked(latency_s, bytes_per_second)
        for way in self._ways(one, other):
            way.change(*checked)

    def disconnect(self, one: str, other: str) -> None:
        """Takes the link of two hosts down: new connections and datagrams get EHOSTUNREACH, those there wait."""
        for way in self._ways(one, other):
            way.cut()

    def reconnect(self, one: str, other: str) -> None:
        """The link is up again, and all that waited goes on."""
        for way in self._ways(one, other):
            way.mend()

    def _ways(self, one: str, other: str) -> tuple[Way, Way]:
        places = [self._topology.places[self.host(name).name] for name in (one, other)]
        if places[0] is places[1]:
            raise ConfigError(f"{one!r} is linked with itself by its loopback, which cannot be changed")
        return self._topology.ways(*places)

    # ---- the network of `guest`

    def tcp_socket(self, family: Family) -> Socket:
        return self.guest.tcp_socket(family)

    def udp_socket(self, family: Family) -> DatagramSocket:
        return self.guest.udp_socket(family)

    async def resolve(self, name: str) -> Sequence[IpAddress]:
        return await self.guest.resolve(name)

    # ---- Python programs: a listener is on the host that the place names, a client on `peer`

    async def connect(self, where: Where) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection, as `asyncio.open_connection`. Errors: OSError, as ConnectionRefusedError."""
        return await self.host(PEER).connect(where)

    async def create_connection(self, factory: Callable[[], P], where: Where) -> tuple[SocketTransport, P]:
        """A connection with a protocol, as `loop.create_connection`."""
        return await self.host(PEER).create_connection(factory, where)

    def listen(self, where: Where, connected: Connected, *, backlog: int = 100) -> Server:
        """A server that calls `connected(reader, writer)` for each connection, as `asyncio.start_server`."""
        return self._at(where).listen(where, connected, backlog=backlog)

    def create_server(self, factory: Callable[[], asyncio.BaseProtocol], where: Where, *, backlog: int = 100) -> Server:
        """A server whose connections get a protocol each, as `loop.create_server`."""
        return self._at(where).create_server(factory, where, backlog=backlog)

    def serve(self, where: Where, answer: Answer) -> Server:
        """A server that sends back the result of `answer` for each piece of bytes that comes in."""
        return self._at(where).serve(where, answer)

    async def listening(self, where: Where) -> None:
        """Returns when a socket listens there, which `connect` does not wait for."""
        await self.host(PEER).listening(where)

    def datagrams(self, where: Where = "peer:0") -> Datagrams:
        """A UDP socket; where only a host is named it is one for IPv4."""
        return self._at(where).datagrams(where)

    def create_datagram_endpoint(
        self, factory: Callable[[], D], where: Where = "peer:0"
    ) -> tuple[DatagramSocketTransport, D]:
        """A UDP socket with a protocol, as `loop.create_datagram_endpoint`."""
        return self._at(where).create_datagram_endpoint(factory, where)

    def serve_udp(self, where: Where, answer: Answer) -> DatagramSocketTransport:
        """A server that sends back the result of `answer` for each datagram; `close()` ends it."""
        return self._at(where).serve_udp(where, answer)

    def _at(self, where: Where) -> VirtualHost:
        """The host that a place names, made if there is none. Errors: ConfigError."""
        name, _ = parse(where)
        ip = literal(name)
        if ip is None and name:
            return self.host(name)
        place = None if ip is None else self._topology.owners.get(ip)
        if place is None:
            raise ConfigError(f"{where!r}: expected a place on a host of this network, such as 'db:5432'")
        return self._hosts[place.name]


def _checked(latency_s: float, bytes_per_second: float | None) -> tuple[int, int | None]:
    if latency_s < 0:
        raise ConfigError(f"latency_s={latency_s}: expected 0 or more")
    if bytes_per_second is not None and bytes_per_second < 1:
        raise ConfigError(f"bytes_per_second={bytes_per_second}: expected 1 or more, or None for no limit")
    return round(latency_s * NS_PER_S), None if bytes_per_second is None else round(bytes_per_second)
