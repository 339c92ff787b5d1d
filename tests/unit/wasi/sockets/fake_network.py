"""A scripted network: every call is noted, and each socket does what the test told it."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address

from wasihost._network.base import (
    WILDCARD,
    Address,
    DatagramSocket,
    Endpoint,
    Family,
    IpAddress,
    Network,
    Option,
    Socket,
)

PEER = Address(IPv4Address("192.0.2.7"), 4000)
BLOCKED = BlockingIOError(errno.EAGAIN, "nothing yet")


class FakeEndpoint(Endpoint):
    """Notes the names of the calls in `calls`; raises what `fails` has for a call, once per entry."""

    def __init__(self, family: Family = 4) -> None:
        self.calls: list[str] = []
        self.fails: dict[str, list[OSError]] = {}
        self.options: dict[Option, int] = {}
        self.local = WILDCARD[family]
        self.peers: list[Address] = []  # whom it was connected to
        self.readable: Callable[[], None] | None = None
        self.writable: Callable[[], None] | None = None

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.fails.get(name):
            raise self.fails[name].pop(0)

    @property
    def closed(self) -> int:
        return self.calls.count("close")

    def bind(self, address: Address) -> None:
        self._call("bind")
        self.local = Address(address.ip, address.port or 50000)

    def connect(self, address: Address) -> None:
        self._call("connect")
        self.peers.append(address)

    def close(self) -> None:
        self._call("close")
        self.readable = self.writable = None

    def local_address(self) -> Address:
        self._call("local_address")
        return self.local

    def remote_address(self) -> Address:
        self._call("remote_address")
        return PEER

    def get_option(self, option: Option) -> int:
        self._call("get_option")
        return self.options.get(option, 1)

    def set_option(self, option: Option, value: int) -> None:
        self._call("set_option")
        self.options[option] = value

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self.readable = callback

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self.writable = callback

    def cancel_readable(self) -> None:
        self.readable = None

    def cancel_writable(self) -> None:
        self.writable = None


class FakeSocket(FakeEndpoint, Socket):
    """A TCP socket."""

    def __init__(self, family: Family = 4) -> None:
        super().__init__(family)
        self.backlog = 0
        self.incoming: deque[bytes | OSError] = deque()
        self.backlogged: deque[Socket | OSError] = deque()
        self.sent = bytearray()
        self.room = 1 << 20

    def finish_connect(self) -> None:
        self._call("finish_connect")

    def listen(self, backlog: int) -> None:
        self._call("listen")
        self.backlog = backlog

    def accept(self) -> tuple[Socket, Address]:
        self._call("accept")
        if not self.backlogged:
            raise BLOCKED
        connection = self.backlogged.popleft()
        if isinstance(connection, OSError):
            raise connection
        return connection, PEER

    def abort(self) -> None:
        self._call("abort")

    def recv_into(self, view: memoryview) -> int:
        self._call("recv_into")
        if not self.incoming:
            raise BLOCKED
        chunk = self.incoming.popleft()
        if isinstance(chunk, OSError):
            raise chunk
        view[: len(chunk)] = chunk
        return len(chunk)

    def send(self, view: memoryview) -> int:
        self._call("send")
        taken = view[: self.room]
        self.sent += taken
        return len(taken)

    def shutdown_read(self) -> None:
        self._call("shutdown_read")

    def shutdown_write(self) -> None:
        self._call("shutdown_write")


class FakeDatagramSocket(FakeEndpoint, DatagramSocket):
    """A UDP socket: receives what is in `incoming`, sends as long as there is `room`."""

    def __init__(self, family: Family = 4) -> None:
        super().__init__(family)
        self.incoming: deque[tuple[bytes, Address] | OSError] = deque()
        self.sent: list[tuple[bytes, Address | None]] = []
        self.room = 1000

    def disconnect(self) -> None:
        self._call("disconnect")

    def recv_from(self) -> tuple[bytes, Address]:
        self._call("recv_from")
        if not self.incoming:
            raise BLOCKED
        datagram = self.incoming.popleft()
        if isinstance(datagram, OSError):
            raise datagram
        return datagram

    def send_to(self, data: bytes, address: Address | None) -> None:
        self._call("send_to")
        if not self.room:
            raise BLOCKED
        self.room -= 1
        self.sent.append((data, address))

    def arrive(self, *datagrams: tuple[bytes, Address] | OSError) -> None:
        """These can be received now, and whoever waits for one is called back."""
        self.incoming.extend(datagrams)
        callback, self.readable = self.readable, None
        if callback is not None:
            callback()

    def make_room(self) -> None:
        """A datagram can be sent now, and whoever waits is called back."""
        self.room += 1
        callback, self.writable = self.writable, None
        if callback is not None:
            callback()


class FakeNetwork(Network):
    """Gives sockets that the test can reach: the last one made is `made[-1]`, or `made_udp[-1]`."""

    def __init__(self) -> None:
        self.made: list[FakeSocket] = []
        self.made_udp: list[FakeDatagramSocket] = []
        self.error: OSError | None = None
        self.names: dict[str, list[IpAddress] | OSError] = {}

    def tcp_socket(self, family: Family) -> Socket:
        if self.error:
            raise self.error
        self.made.append(FakeSocket(family))
        return self.made[-1]

    def udp_socket(self, family: Family) -> DatagramSocket:
        if self.error:
            raise self.error
        self.made_udp.append(FakeDatagramSocket(family))
        return self.made_udp[-1]

    async def resolve(self, name: str) -> Sequence[IpAddress]:
        found = self.names.get(name, [])
        if isinstance(found, OSError):
            raise found
        return found
