"""Recordings that are made up: what happens between two ends, told by those of them that are recorded."""

from __future__ import annotations

import itertools
from ipaddress import ip_address

from wasihost._network.base import Address
from wasihost._recording import Recording, events

GUEST = 1


def address(ip: str, port: int) -> Address:
    return Address(ip_address(ip), port)


CLIENT, SERVER = address("192.0.2.1", 40000), address("198.51.100.7", 7000)
CLIENT_6, SERVER_6 = address("2001:db8::1", 40000), address("2001:db8::7", 7000)


class Story:
    """A recording that grows; each event is a microsecond after the one before."""

    def __init__(self) -> None:
        self.recording = Recording()
        self._sockets = itertools.count(1)

    def add(self, kind: type[events.Event], *values: object, guest: int = GUEST) -> None:
        self.recording.add(kind(1000 * len(self.recording.events), guest, *values))

    def socket(self) -> int:
        return next(self._sockets)

    def datagram_socket(self, local: Address) -> int:
        number = self.socket()
        self.add(events.Created, number, "udp", local.ip.version)
        self.add(events.Bound, number, local, local)
        return number


class Talk:
    """A TCP connection. End 0 is the client, 1 the server; `recorded` are those that are sockets of the recording."""

    def __init__(
        self,
        story: Story,
        client: Address = CLIENT,
        server: Address = SERVER,
        recorded: tuple[int, ...] = (0,),
        guest: int = GUEST,
    ) -> None:
        self.story, self.client, self.server, self.recorded, self.guest = story, client, server, recorded, guest
        self.sockets = {end: story.socket() for end in recorded}
        self.sent = bytearray(), bytearray()

    def tell(self, end: int, kind: type[events.Event], *values: object) -> None:
        if end in self.recorded:
            self.story.add(kind, self.sockets[end], *values, guest=self.guest)

    def ask(self) -> Talk:
        """The client begins to connect."""
        self.tell(0, events.Created, "tcp", self.client.ip.version)
        self.tell(0, events.Connecting, self.client, self.server)
        return self

    def open(self) -> Talk:
        """The connection is made."""
        self.ask()
        self.tell(0, events.Connected, self.client, self.server)
        if 1 in self.recorded:
            values = (self.sockets[1], self.server, self.client)
            self.story.add(events.Accepted, self.story.socket(), *values, guest=self.guest)
        return self

    def send(self, end: int, data: bytes) -> Talk:
        self.sent[end].extend(data)
        self.tell(end, events.Sent, data)
        self.tell(1 - end, events.Received, data)
        return self

    def finish(self, end: int) -> Talk:
        self.tell(end, events.ShutDown, "write")
        self.tell(1 - end, events.ReceivedEnd)
        return self

    def close(self) -> Talk:
        for end in self.recorded:
            self.tell(end, events.Closed)
        return self

    def reset(self, end: int) -> Talk:
        self.tell(end, events.Aborted)
        self.tell(1 - end, events.Failed, "recv_into", "ECONNRESET", None)
        return self

    @property
    def said(self) -> tuple[bytes, bytes]:
        return bytes(self.sent[0]), bytes(self.sent[1])
