"""Common base of the sockets of the operating system: addresses, options, waiting.

Theory of operation of waiting. Registering with the event loop costs two system calls each time, so a registration is
kept after its callback was called: a connection that is read, waited for and read again stays registered. Only when the
event loop reports a direction without a waiter is it unregistered. A socket that was never waited for never
touches asyncio.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import socket
import sys
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from wasihost._network.base import Address, Endpoint, Family, Option
from wasihost._network.os.share import Share

BUFFERS = (Option.RECEIVE_BUFFER_BYTES, Option.SEND_BUFFER_BYTES)
NO_FREE_PORT = {errno.EADDRNOTAVAIL, errno.EAGAIN}
"""The errno of `connect` on Linux and BSD where the WIT says `address-in-use`."""

_AF = {4: socket.AF_INET, 6: socket.AF_INET6}
_BUFFER_UNIT = 2 if sys.platform == "linux" else 1

_TCP_KEEPIDLE: int = getattr(socket, "TCP_KEEPIDLE" if sys.platform != "darwin" else "TCP_KEEPALIVE")
_COMMON = {
    Option.KEEP_ALIVE: (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    Option.KEEP_ALIVE_IDLE_S: (socket.IPPROTO_TCP, _TCP_KEEPIDLE),
    Option.KEEP_ALIVE_INTERVAL_S: (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    Option.KEEP_ALIVE_COUNT: (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
    Option.RECEIVE_BUFFER_BYTES: (socket.SOL_SOCKET, socket.SO_RCVBUF),
    Option.SEND_BUFFER_BYTES: (socket.SOL_SOCKET, socket.SO_SNDBUF),
}
_OPTIONS: dict[Family, dict[Option, tuple[int, int]]] = {
    4: {**_COMMON, Option.HOP_LIMIT: (socket.IPPROTO_IP, socket.IP_TTL)},
    6: {**_COMMON, Option.HOP_LIMIT: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)},
}


@functools.lru_cache(maxsize=1024)  # most datagrams have an address that another had before
def from_os(address: tuple[Any, ...]) -> Address:
    """An address from Python's `socket`."""
    if len(address) == 2:
        return Address(IPv4Address(address[0]), address[1])
    ip, port, flow_info, scope_id = address
    return Address(IPv6Address(ip.partition("%")[0]), port, flow_info, scope_id)


def new_os_socket(family: Family, kind: socket.SocketKind) -> socket.socket:
    """A non-blocking socket of the operating system; one for IPv6 carries IPv6 only."""
    made = socket.socket(_AF[family], kind)
    try:
        made.setblocking(False)
        if family == 6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    except BaseException:
        made.close()
        raise
    return made


class OsEndpoint(Endpoint):
    """A non-blocking socket of the operating system."""

    __slots__ = ("_family", "_on_readable", "_on_writable", "_options", "_reading", "_share", "_socket", "_writing")

    def __init__(self, os_socket: socket.socket, family: Family, share: Share) -> None:
        self._socket = os_socket
        self._share = share
        share.add(os_socket.fileno())
        self._family = family
        self._options = _OPTIONS[family]
        self._on_readable: Callable[[], None] | None = None
        self._on_writable: Callable[[], None] | None = None
        # The event loops it is registered with.
        self._reading: asyncio.AbstractEventLoop | None = None
        self._writing: asyncio.AbstractEventLoop | None = None

    def close(self) -> None:
        self._unregister_reader()
        self._unregister_writer()
        self._share.discard(self._socket.fileno())
        self._socket.close()

    # ---- questions and options

    def local_address(self) -> Address:
        return from_os(self._socket.getsockname())

    def remote_address(self) -> Address:
        return from_os(self._socket.getpeername())

    def get_option(self, option: Option) -> int:
        value = self._socket.getsockopt(*self._options[option])
        return value // _BUFFER_UNIT if option in BUFFERS else value

    def set_option(self, option: Option, value: int) -> None:
        try:
            self._socket.setsockopt(*self._options[option], value)
        except OSError as error:
            if not (option in BUFFERS and error.errno == errno.ENOBUFS):
                raise

    # ---- waiting
    # By number: of a socket that is not registered yet, `selectors` makes a text with both addresses, in 20 µs.

    @property
    def readable_fd(self) -> int | None:
        return self._socket.fileno()

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self._on_readable = callback
        loop = asyncio.get_running_loop()
        if self._reading is not loop:
            loop.add_reader(self._socket.fileno(), self._readable)
            self._reading = loop

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self._on_writable = callback
        loop = asyncio.get_running_loop()
        if self._writing is not loop:
            loop.add_writer(self._socket.fileno(), self._writable)
            self._writing = loop

    def cancel_readable(self) -> None:
        self._on_readable = None

    def cancel_writable(self) -> None:
        self._on_writable = None

    def _readable(self) -> None:
        callback = self._on_readable
        self._on_readable = None
        if callback is None:
            self._unregister_reader()
        else:
            callback()

    def _writable(self) -> None:
        callback = self._on_writable
        self._on_writable = None
        if callback is None:
            self._unregister_writer()
        else:
            callback()

    def _unregister_reader(self) -> None:
        loop = self._reading
        self._reading = None
        self._on_readable = None
        if loop is not None:
            loop.remove_reader(self._socket.fileno())

    def _unregister_writer(self) -> None:
        loop = self._writing
        self._writing = None
        self._on_writable = None
        if loop is not None:
            loop.remove_writer(self._socket.fileno())
