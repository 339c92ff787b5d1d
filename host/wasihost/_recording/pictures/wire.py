"""The packets that a recording would have been on the wire.

A network as guests know it has no packets. These have the addresses and bytes of the recording, and the parts that a
reader of packets expects besides: handshakes, acknowledgements, resets.

Theory of operation. `Wire` gets the events in their order. A connection has two ends, each with the number of the
next byte that it will send. If both ends are sockets of the recording, the connection is there once: the bytes of an
end are taken from its own events, and from those of the other end only if it has none. Sent bytes are acknowledged at
once, so that no window fills. Datagrams likewise: one that was sent within the recording is not received again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from wasihost._base.frozen import Frozen
from wasihost._network.base import WILDCARD, Address, IpAddress
from wasihost._recording import events
from wasihost._recording.pictures import packets
from wasihost._recording.pictures.packets import ACK, FIN, PSH, RST, SYN

SEGMENT_BYTES: Final = 32 * 1024
"""The most that one TCP packet carries: few packets, each smaller than the window."""
_NUMBERS: Final = 1 << 32


class Packet(Frozen):
    """An IP packet, when it was sent, and a comment on it."""

    time_ns: int
    data: bytes
    comment: str


class Wire:
    """Makes packets of events."""

    def __init__(self) -> None:
        self._connections = _Connections()
        self._datagrams = _Datagrams()

    def packets(self, event: events.Event) -> Iterator[Packet]:
        """The packets of an event."""
        comment = ""
        match event:
            case events.Connecting(socket=number) | events.Accepted(accepted=number):
                made = self._connections.begin(event)
                comment = f"socket {number} of guest {event.guest}"
            case events.SocketEvent(socket=number) if self._connections.knows(number):
                made = self._connections.go_on(event)
            case _:
                made = self._datagrams.packets(event)
        for data in made:
            yield Packet(event.time_ns, data, comment)
            comment = ""  # one is enough


# ---- TCP


class _End:
    """One end of a connection."""

    def __init__(self, address: Address, number: int) -> None:
        self.address = address
        self.next = number  # of the next byte that it sends
        self.has_finished = False
        # Of the socket in the recording, if it is there.
        self.is_recorded = False
        self.is_closed = False


class _Connection:
    """A TCP connection, or the attempt. Its ends are the client, 0, and the server, 1."""

    def __init__(self, made: int, client: Address, server: Address) -> None:
        # Those of another connection between the same ports differ, so the two are not confused.
        first = (made << 16) % _NUMBERS
        self.ends = (_End(client, first), _End(server, first + (1 << 15)))
        self.is_open = False
        self.is_over = False

    @property
    def is_past(self) -> bool:
        """Whether its addresses may be another connection's now."""
        return self.is_over or all(end.is_closed or not end.is_recorded for end in self.ends)

    def request(self) -> Iterator[bytes]:
        """A SYN."""
        client, server = self.ends
        yield packets.tcp(client.address, server.address, client.next, 0, SYN, b"")
        client.next += 1

    def open(self) -> Iterator[bytes]:
        """The rest of the handshake, unless it is open."""
        if not self.is_open:
            self.is_open = True
            yield self._packet(1, SYN | ACK)
            yield self._packet(0, ACK)

    def refuse(self) -> Iterator[bytes]:
        """No socket listens there."""
        self.is_over = True
        yield self._packet(1, RST | ACK)

    def send(self, end: int, data: bytes) -> Iterator[bytes]:
        """Bytes, and that they arrived."""
        if self.is_open and not self.is_over:
            for at in range(0, len(data), SEGMENT_BYTES):
                yield self._packet(end, PSH | ACK, data[at : at + SEGMENT_BYTES])
                yield self._packet(1 - end, ACK)

    def finish(self, end: int) -> Iterator[bytes]:
        """A FIN, unless it was, and that it arrived."""
        if self.is_open and not self.is_over and not self.ends[end].has_finished:
            self.ends[end].has_finished = True
            yield self._packet(end, FIN | ACK)
            yield self._packet(1 - end, ACK)
            self.is_over = self.ends[1 - end].has_finished

    def reset(self, end: int) -> Iterator[bytes]:
        """A RST, unless it has ended."""
        if self.is_open and not self.is_over:
            self.is_over = True
            yield self._packet(end, RST | ACK)

    def _packet(self, end: int, flags: int, data: bytes = b"") -> bytes:
        here = self.ends[end]
        there = self.ends[1 - end]
        made = packets.tcp(here.address, there.address, here.next, there.next, flags, data)
        here.next = (here.next + len(data) + bool(flags & (SYN | FIN))) % _NUMBERS
        return made


class _Connections:
    """The connections so far: by the sockets at their ends, and by the addresses of client and server."""

    def __init__(self) -> None:
        self._made = itertools.count(1)
        self._by_socket: dict[int, tuple[_Connection, int]] = {}
        self._lone_clients: dict[tuple[Address, Address], list[tuple[int, _Connection]]] = {}
        self._shown: dict[tuple[Address, Address], _Connection] = {}

    def begin(self, event: events.Connecting | events.Accepted) -> Iterator[bytes]:
        """A connection is asked for, or was accepted."""
        if isinstance(event, events.Connecting):
            client = _plain(event.local)
            server = _plain(event.remote)
            connection = self._new(client, server, event.socket, 0)
            self._lone_clients.setdefault((client, server), []).append((event.guest, connection))
            yield from connection.request()
            return
        client = _plain(event.remote)
        server = _plain(event.local)
        found = self._client(client, server, event.guest)
        if found is None:
            found = self._new(client, server, event.accepted, 1)
            yield from found.request()
        else:
            self._join(found, event.accepted, 1)
        yield from found.open()

    def knows(self, socket: int) -> bool:
        """Whether it has, or had, a connection."""
        return socket in self._by_socket

    def go_on(self, event: events.SocketEvent) -> Iterator[bytes]:
        """The packets of a connection's events."""
        return _continued(event, *self._by_socket[event.socket])

    def _new(self, client: Address, server: Address, socket: int, end: int) -> _Connection:
        # On a network in memory each host has a loopback of its own, so two connections can have the same addresses.
        while (other := self._shown.get((client, server))) is not None and not other.is_past:
            client = Address(client.ip, client.port % 0xFFFF + 1)
        connection = self._shown[client, server] = _Connection(next(self._made), client, server)
        self._join(connection, socket, end)
        return connection

    def _join(self, connection: _Connection, socket: int, end: int) -> None:
        connection.ends[end].is_recorded = True
        self._by_socket[socket] = connection, end

    def _client(self, client: Address, server: Address, guest: int) -> _Connection | None:
        """The last connection whose client is a socket of the recording, rather one of the same guest."""
        asked_for = self._lone_clients.get((client, server), [])
        lone = [one for one in asked_for if one[1].is_open or not one[1].is_over]
        if not lone:
            return None
        chosen = max(reversed(lone), key=lambda one: one[0] == guest)
        asked_for.remove(chosen)
        return chosen[1]


def _continued(event: events.SocketEvent, connection: _Connection, here: int) -> Iterator[bytes]:
    there = 1 - here
    knows_peer = connection.ends[there].is_recorded
    match event:
        case events.Connected():
            yield from connection.open()
        case events.Sent(data=data):
            yield from connection.send(here, data)
        case events.Received(data=data) if not knows_peer:
            yield from connection.send(there, data)
        case events.ReceivedEnd() if not knows_peer:
            yield from connection.finish(there)
        case events.ShutDown(direction="write"):
            yield from connection.finish(here)
        case events.Closed():
            connection.ends[here].is_closed = True
            yield from connection.finish(here)
        case events.Aborted():
            yield from connection.reset(here)
        case events.Failed(error=error) if error.startswith("ECONNREFUSED") and not connection.is_open:
            yield from connection.refuse()
        case events.Failed(call="recv_into" | "send", error=error) if error.startswith("ECONNRESET"):
            yield from connection.reset(there)


def _plain(address: Address) -> Address:
    """An address as packets have it."""
    return Address(address.ip, address.port)


# ---- UDP


class _Datagrams:
    """The local addresses of UDP sockets, and the datagrams that a socket of the recording may receive yet."""

    def __init__(self) -> None:
        self._local: dict[int, Address] = {}
        self._sent: dict[tuple[int, int, bytes], list[tuple[IpAddress, IpAddress]]] = {}

    def packets(self, event: events.Event) -> Iterator[bytes]:
        """A datagram that was sent, or came from outside."""
        match event:
            case events.Created(socket=socket, protocol="udp", family=family):
                self._local[socket] = WILDCARD[family]
            case events.Bound() | events.Connected() | events.Disconnected() if event.socket in self._local:
                self._local[event.socket] = event.local
            case events.DatagramSent(socket=socket, data=data, remote=remote):
                local = self._local_to(socket, remote)
                self._sent.setdefault((local.port, remote.port, data), []).append((local.ip, remote.ip))
                yield packets.udp(local, remote, data)
            case events.DatagramReceived(socket=socket, data=data, remote=remote):
                local = self._local_to(socket, remote)
                if not self._was_sent(remote, local, data):
                    yield packets.udp(remote, local, data)

    def _local_to(self, socket: int, remote: Address) -> Address:
        """The socket's address, as its peer sees it, if that can be known."""
        local = self._local.get(socket)
        if local is None or local.ip.version != remote.ip.version:
            local = WILDCARD[remote.ip.version]
        return Address(remote.ip, local.port) if local.ip.is_unspecified and remote.ip.is_loopback else local

    def _was_sent(self, sender: Address, receiver: Address, data: bytes) -> bool:
        waiting = self._sent.get((sender.port, receiver.port, data), [])
        found = [ips for ips in waiting if _may_be(ips[0], sender.ip) and _may_be(ips[1], receiver.ip)]
        if found:
            waiting.remove(found[0])
        return bool(found)


def _may_be(one: IpAddress, other: IpAddress) -> bool:
    return one == other or one.is_unspecified or other.is_unspecified
