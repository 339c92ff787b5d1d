"""The hosts, their addresses, and the links from one to another.

Theory of operation. Every host is linked with every other one; a link that was not configured is like the network's
default. Loopback addresses are each host's own, and so is whatever a host sends to one of its other addresses: both
are at once. An address that no host has is ENETUNREACH, a host behind a link that is down EHOSTUNREACH, both at once.
"""

from __future__ import annotations

import errno
from collections import deque
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from wasihost._base.clock import Clock
from wasihost._base.errors import ConfigError
from wasihost._base.waiting import Called
from wasihost._network.base import Address, IpAddress, os_error
from wasihost._network.virtual.connections import Connection
from wasihost._network.virtual.ports import Ports
from wasihost._network.virtual.ways import Way

LOOPBACK: dict[int, IpAddress] = {4: IPv4Address("127.0.0.1"), 6: IPv6Address("::1")}
_REMEMBERED = 1 << 14
_AUTOMATIC = int(IPv4Address("10.0.0.0")), int(IPv6Address("fd00::"))


class Route:
    """From a socket to an address: both ends, and the way there and back."""

    __slots__ = ("back", "destination", "place", "source", "way")

    def __init__(self, source: IpAddress, destination: Address, place: Node, way: Way, back: Way) -> None:
        self.source = source
        self.destination = destination
        self.place = place
        self.way = way
        self.back = back


class Node:
    """Where the sockets of one host are."""

    def __init__(self, topology: Topology, name: str, addresses: list[IpAddress]) -> None:
        self.topology = topology
        self.name = name
        self.addresses = addresses
        self.tcp: Ports[Any] = Ports()
        self.udp: Ports[Any] = Ports()
        self._loopback = Way(topology.clock)
        self._listening: list[Called] = []

    def has(self, ip: IpAddress) -> bool:
        """Whether sockets here can be bound to it."""
        return ip.is_unspecified or ip.is_loopback or ip in self.addresses

    def route(self, address: Address, local: Address | None) -> Route:
        """The way to an address, from a socket that may be bound. Errors: OSError."""
        ip = LOOPBACK[address.ip.version] if address.ip.is_unspecified else address.ip
        bound = local.ip if local is not None and not local.ip.is_unspecified else None
        destination = Address(ip, address.port)
        if ip.is_loopback or ip in self.addresses:
            source = bound or (LOOPBACK[ip.version] if ip.is_loopback else ip)
            return Route(source, destination, self, self._loopback, self._loopback)
        if bound is not None and bound.is_loopback:
            raise OSError(errno.EINVAL, f"there is no way from {bound} to {ip}")
        place = self.topology.owners.get(ip)
        mine = [own for own in self.addresses if own.version == ip.version]
        if place is None or not mine:
            raise os_error(errno.ENETUNREACH)
        way, back = self.topology.ways(self, place)
        if not way.is_up:
            raise os_error(errno.EHOSTUNREACH)
        return Route(bound or mine[0], destination, place, way, back)

    # ---- waiting for a listener

    def listens(self) -> None:
        """Some socket here listens from now on."""
        waiting = self._listening
        self._listening = []
        for called in waiting:
            called()

    def _listens(self, address: Address) -> bool:
        found = self.tcp.at(address)
        return found is not None and found.is_listening

    async def listening(self, address: Address) -> None:
        """Returns when a socket here listens on an address."""
        while not self._listens(address):
            called = Called()
            self._listening.append(called)
            await called


class Topology:
    """All hosts of a network, and their links."""

    def __init__(self, clock: Clock, latency_ns: int, bytes_per_second: int | None) -> None:
        self.clock = clock
        self.places: dict[str, Node] = {}
        self.owners: dict[IpAddress, Node] = {}
        self.connections: deque[Connection] = deque(maxlen=_REMEMBERED)
        self._default = latency_ns, bytes_per_second
        self._ways: dict[tuple[str, str], Way] = {}
        self._given = 0

    def add(self, name: str, addresses: list[IpAddress]) -> Node:
        """A new host; without addresses it gets one of each family. ConfigError: another host has one of them."""
        for address in addresses:
            if address in self.owners:
                raise ConfigError(f"host {name!r}: {address} is an address of host {self.owners[address].name!r}")
            if address.is_unspecified or address.is_loopback or address.is_multicast:
                raise ConfigError(f"host {name!r}: {address}: expected a unicast address that is not loopback")
        place = self.places[name] = Node(self, name, addresses or self._free_addresses())
        self.owners.update(dict.fromkeys(place.addresses, place))
        return place

    def connected(self, connection: Connection) -> None:
        """Remembers a connection, and forgets the oldest one where they are too many."""
        self.connections.append(connection)

    def ways(self, one: Node, other: Node) -> tuple[Way, Way]:
        """From the one to the other, and back."""
        return self._way(one.name, other.name), self._way(other.name, one.name)

    def _way(self, start: str, end: str) -> Way:
        way = self._ways.get((start, end))
        if way is None:
            way = self._ways[start, end] = Way(self.clock, *self._default)
        return way

    def _free_addresses(self) -> list[IpAddress]:
        while True:
            self._given += 1
            found: list[IpAddress] = [
                IPv4Address(_AUTOMATIC[0] + self._given),
                IPv6Address(_AUTOMATIC[1] + self._given),
            ]
            if not any(address in self.owners for address in found):
                return found
