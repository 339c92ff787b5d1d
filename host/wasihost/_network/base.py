"""The seam between providers and whatever carries the bytes: sockets for TCP and UDP, an address, and names.

Everything here is non-blocking and free of the operating system: a network in memory implements the same classes.

Theory of operation. A call is tried first; when it cannot go on it raises `BlockingIOError`, and the caller asks with
`wait_readable` or `wait_writable` to be called back once, when another try is worth it. There is at most one waiter per
direction. All failures are `OSError` with an `errno`, using the names of POSIX; an implementation irons out the
differences of its platform, so that callers need no platform knowledge. Only the waits need a running event loop.
"""

from __future__ import annotations

import enum
import functools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, TypeAlias

from wasihost._base.frozen import Frozen

_FLOW_INFO_MASK = 0xFFFFF  # Python's `socket` takes the flow label only, not the traffic class

Family: TypeAlias = Literal[4, 6]  # as `ipaddress` counts
IpAddress: TypeAlias = IPv4Address | IPv6Address


class Address(Frozen):
    """An IP address and a port; `flow_info` and `scope_id` have a meaning for IPv6 only (RFC 3493, section 3.3)."""

    ip: IpAddress
    port: int
    flow_info: int = 0
    scope_id: int = 0

    def __init__(self, ip: IPv4Address | IPv6Address, port: int, flow_info: int = 0, scope_id: int = 0) -> None:
        fields = self.__dict__
        fields["ip"] = ip
        fields["port"] = port
        fields["flow_info"] = flow_info
        fields["scope_id"] = scope_id

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if self.ip.version == 6 else f"{self.ip}:{self.port}"


@functools.lru_cache(maxsize=1024)  # most datagrams have an address that another had before
def socket_name(address: Address) -> tuple[str, int] | tuple[str, int, int, int]:
    """An address as Python's `socket` has it."""
    if address.ip.version == 4:
        return str(address.ip), address.port
    return str(address.ip), address.port, address.flow_info & _FLOW_INFO_MASK, address.scope_id


WILDCARD: dict[Family, Address] = {4: Address(IPv4Address(0), 0), 6: Address(IPv6Address(0), 0)}
"""Any local address and any free port, as an implicit bind asks for."""

MAX_DATAGRAM_BYTES: dict[Family, int] = {4: 65507, 6: 65527}
"""65535 less the headers of UDP and, for IPv4, of IP."""


def os_error(code: int) -> OSError:
    """The exception for an errno."""
    return OSError(code, os.strerror(code))


class Option(enum.IntEnum):
    """The options of a socket; every value is an int. An accepted socket inherits all of them.

    UDP sockets have the hop limit, of unicast datagrams, and the two buffer sizes.
    """

    KEEP_ALIVE = enum.auto()  # 0 or 1
    KEEP_ALIVE_IDLE_S = enum.auto()
    KEEP_ALIVE_INTERVAL_S = enum.auto()
    KEEP_ALIVE_COUNT = enum.auto()
    HOP_LIMIT = enum.auto()
    RECEIVE_BUFFER_BYTES = enum.auto()
    SEND_BUFFER_BYTES = enum.auto()


class Endpoint(ABC):
    """Common base of the sockets of both protocols."""

    __slots__ = ()

    @abstractmethod
    def bind(self, address: Address) -> None:
        """Takes a local address; port 0 is any free port. TIME_WAIT of an earlier socket is no obstacle."""

    @abstractmethod
    def close(self) -> None:
        """Ends the socket and its waits, whose callbacks are not called. Closing again does nothing."""

    # ---- questions and options

    @abstractmethod
    def local_address(self) -> Address:
        """Where it is bound; the wildcard address with port 0 while it is not."""

    @abstractmethod
    def remote_address(self) -> Address:
        """The address of its peer. ENOTCONN: it is not connected."""

    @abstractmethod
    def get_option(self, option: Option) -> int:
        """The value in effect, in the unit that the option's name says."""

    @abstractmethod
    def set_option(self, option: Option, value: int) -> None:
        """Sets an option; the value in effect may differ, within the bounds of the network."""

    # ---- waiting

    @property
    def readable_fd(self) -> int | None:
        """A file descriptor that poll(2) reports as readable just when receiving or accepting is worth a try."""
        return None

    @abstractmethod
    def wait_readable(self, callback: Callable[[], None]) -> None:
        """Calls `callback` once, from the event loop, when receiving or accepting is worth a try."""

    @abstractmethod
    def wait_writable(self, callback: Callable[[], None]) -> None:
        """Calls `callback` once, from the event loop, when sending or `finish_connect` is worth a try."""

    @abstractmethod
    def cancel_readable(self) -> None:
        """Forgets the waiter of `wait_readable`, if there is one."""

    @abstractmethod
    def cancel_writable(self) -> None:
        """Forgets the waiter of `wait_writable`, if there is one."""


class Socket(Endpoint):
    """A TCP socket."""

    __slots__ = ()

    @abstractmethod
    def connect(self, address: Address) -> None:
        """Begins to connect; `finish_connect` gives the outcome. EADDRINUSE: no free port is left."""

    @abstractmethod
    def finish_connect(self) -> None:
        """Returns when connected. BlockingIOError: not yet, wait until writable."""

    @abstractmethod
    def listen(self, backlog: int) -> None:
        """Lets connections come in; called again, changes how many may wait to be accepted."""

    @abstractmethod
    def accept(self) -> tuple[Socket, Address]:
        """The next connection and its peer. BlockingIOError: none yet, wait until readable.

        ECONNABORTED is the error for every connection that failed before it was accepted; the socket goes on listening.
        EBADF, EINVAL: it does not listen any more.
        """

    @abstractmethod
    def abort(self) -> None:
        """Closes with a reset: the peer sees ECONNRESET."""

    @abstractmethod
    def recv_into(self, view: memoryview) -> int:
        """Fills the beginning of `view`, which has room for at least a byte; 0 after the peer's last byte."""

    def recv(self, limit: int) -> bytes:
        """The next bytes, at most `limit`; b"" after the peer's last byte. As `recv_into`, without a buffer."""
        buffer = bytearray(limit)
        return bytes(memoryview(buffer)[: self.recv_into(memoryview(buffer))])

    @abstractmethod
    def send(self, view: memoryview) -> int:
        """Takes the beginning of `view`; the number of bytes taken."""

    def send_parts(self, views: Sequence[memoryview]) -> int:
        """As `send`, of several pieces, one behind the other."""
        return self.send(memoryview(b"".join(views)))

    @abstractmethod
    def shutdown_read(self) -> None:
        """No more is received (SHUT_RD)."""

    @abstractmethod
    def shutdown_write(self) -> None:
        """No more is sent: the peer reads all bytes that were sent, and then the end (SHUT_WR, a FIN)."""

    def send_at_once(self) -> None:
        """From now on, sends little data at once, without waiting for acknowledgements (TCP_NODELAY)."""


class DatagramSocket(Endpoint):
    """A UDP socket."""

    __slots__ = ()

    @abstractmethod
    def connect(self, address: Address) -> None:
        """Makes `address` the only peer of a bound socket, in the place of another. A failure changes nothing."""

    @abstractmethod
    def disconnect(self) -> None:
        """Any address is a peer again; the local port stays."""

    @abstractmethod
    def recv_from(self) -> tuple[bytes, Address]:
        """The next datagram, whole, and its sender. BlockingIOError: none yet, wait until readable.

        ECONNREFUSED and the like report, once, the failure of an earlier datagram to the peer.
        """

    @abstractmethod
    def send_to(self, data: bytes, address: Address | None) -> None:
        """Sends a datagram from a bound socket; None: to the peer it is connected to.

        BlockingIOError: no room, wait until writable. EMSGSIZE: it is larger than a datagram can be.
        """


class Network(ABC):
    """Where sockets and the addresses of names come from."""

    def for_guest(self, sockets: int | None = None) -> Network:
        """The network that one more guest gets: this one, unless each guest has a share of its own.

        `sockets` is how many the guest may have open; None leaves that to the network.
        """
        return self

    def for_server(self, sockets: int) -> Network:
        """The network of a server of the host itself, which may have so many sockets open: this one, or a share."""
        return self

    @abstractmethod
    def tcp_socket(self, family: Family) -> Socket:
        """A new TCP socket; one for IPv6 carries IPv6 only. EAFNOSUPPORT: there is no such family here."""

    @abstractmethod
    def udp_socket(self, family: Family) -> DatagramSocket:
        """A new UDP socket; otherwise as `tcp_socket`."""

    @abstractmethod
    async def resolve(self, name: str) -> Sequence[IpAddress]:
        """The addresses of a name in ASCII, best first; the event loop is not blocked.

        `socket.gaierror` with EAI_NONAME: there is no such name, EAI_AGAIN: later there may be, EAI_FAIL: never.
        """

    def finish(self) -> None:  # noqa: B027, most have nothing to say
        """A guest has ended, and its sockets are closed; an exception of this becomes the outcome of the run."""
