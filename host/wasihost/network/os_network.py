"""The sockets of the operating system, on the running asyncio event loop (or a compatible one, such as uvloop).

Theory of operation of waiting. Registering with the event loop costs two system calls each time, so a registration is
kept after its callback was called: a connection that is read, waited for and read again stays registered. Only when the
event loop reports a direction that nobody waits for is it unregistered. A socket that was never waited for never
touches asyncio.

Differences between platforms end here:

| what | where | what is done |
|---|---|---|
| buffer sizes come back doubled | Linux, socket(7) | halved |
| pending network errors come out of accept | Linux, accept(2) | ECONNABORTED |
| no free port in connect: EADDRNOTAVAIL, EAGAIN | Linux, BSD (WIT, connect) | EADDRINUSE |
| too large buffers: ENOBUFS | BSD | ignored: sizes are hints |
| accepted sockets lack some options of the listener | macOS | set again |
| TCP_KEEPIDLE is called TCP_KEEPALIVE | macOS | used |
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
import sys
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from wasihost.network.base import Address, Family, Network, Option, Socket

_AF = {4: socket.AF_INET, 6: socket.AF_INET6}
_BUFFERS = (Option.RECEIVE_BUFFER_BYTES, Option.SEND_BUFFER_BYTES)
_BUFFER_UNIT = 2 if sys.platform == "linux" else 1
# A SIGPIPE would kill an embedder that has the signal's default action back.
_SEND_FLAGS = getattr(socket, "MSG_NOSIGNAL", 0)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, 0 s
_FLOW_INFO_MASK = 0xFFFFF  # Python takes the flow label only, not the traffic class

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

_NOT_INHERITED: dict[Family, tuple[Option, ...]] = {4: (), 6: ()}
if sys.platform == "darwin":
    _LOST = (*_BUFFERS, Option.KEEP_ALIVE_IDLE_S)
    _NOT_INHERITED = {4: _LOST, 6: (*_LOST, Option.HOP_LIMIT)}

# accept(2), "Error handling": Linux passes errors of the new connection, not of the listener.
_ACCEPT_ABORTED = {
    getattr(errno, name)
    for name in (
        "ECONNRESET ENETRESET EHOSTUNREACH EHOSTDOWN ENETDOWN ENETUNREACH EPROTO ENOPROTOOPT ENONET EOPNOTSUPP".split()
    )
    if hasattr(errno, name)
}
_NO_FREE_PORT = {errno.EADDRNOTAVAIL, errno.EAGAIN}


def _os_error(code: int) -> OSError:
    return OSError(code, os.strerror(code))


def _to_os(address: Address) -> tuple[str, int] | tuple[str, int, int, int]:
    if address.ip.version == 4:
        return str(address.ip), address.port
    return str(address.ip), address.port, address.flow_info & _FLOW_INFO_MASK, address.scope_id


def _from_os(address: tuple[Any, ...]) -> Address:
    if len(address) == 2:
        return Address(IPv4Address(address[0]), address[1])
    ip, port, flow_info, scope_id = address
    return Address(IPv6Address(ip.partition("%")[0]), port, flow_info, scope_id)


class OsNetwork(Network):
    """The network of this machine, unrestricted: what a guest may do is for a policy to say."""

    def tcp_socket(self, family: Family) -> Socket:
        os_socket = socket.socket(_AF[family], socket.SOCK_STREAM)
        try:
            os_socket.setblocking(False)
            if family == 6:
                os_socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        except BaseException:
            os_socket.close()
            raise
        return OsSocket(os_socket, family)


class OsSocket(Socket):
    """A non-blocking socket of the operating system."""

    __slots__ = (
        "_family",
        "_on_readable",
        "_on_writable",
        "_options",
        "_reading",
        "_set_on_listener",
        "_socket",
        "_writing",
    )

    def __init__(self, os_socket: socket.socket, family: Family) -> None:
        self._socket = os_socket
        self._family = family
        self._options = _OPTIONS[family]
        self._set_on_listener: dict[Option, int] | None = None
        self._on_readable: Callable[[], None] | None = None
        self._on_writable: Callable[[], None] | None = None
        # The event loops it is registered with.
        self._reading: asyncio.AbstractEventLoop | None = None
        self._writing: asyncio.AbstractEventLoop | None = None

    # ---- life

    def bind(self, address: Address) -> None:
        # Only for a chosen port: two sockets with the option could share a port that the system chose (socket(7)).
        self._reuse_address(address.port != 0)
        self._socket.bind(_to_os(address))

    def _reuse_address(self, on: bool) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, on)

    def connect(self, address: Address) -> None:
        code = self._socket.connect_ex(_to_os(address))
        if code in _NO_FREE_PORT:
            code = errno.EADDRINUSE
        if code not in (0, errno.EINPROGRESS):
            raise _os_error(code)

    def finish_connect(self) -> None:
        if code := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise _os_error(code)
        try:
            self._socket.getpeername()
        except OSError as error:
            if error.errno == errno.ENOTCONN:
                raise BlockingIOError(errno.EINPROGRESS, os.strerror(errno.EINPROGRESS)) from None
            raise

    def listen(self, backlog: int) -> None:
        # Accepted sockets inherit it, so that their TIME_WAIT does not keep the port from the next listener.
        self._reuse_address(True)
        self._socket.listen(backlog)

    def accept(self) -> tuple[Socket, Address]:
        try:
            accepted, peer = self._socket.accept()
        except OSError as error:
            if error.errno in _ACCEPT_ABORTED:
                raise _os_error(errno.ECONNABORTED) from error
            raise
        try:
            return self._adopt(accepted), _from_os(peer)
        except BaseException:
            accepted.close()
            raise

    def _adopt(self, accepted: socket.socket) -> OsSocket:
        accepted.setblocking(False)
        adopted = OsSocket(accepted, self._family)
        for option, value in (self._set_on_listener or {}).items():
            with contextlib.suppress(OSError):  # the connection may be reset by now
                adopted.set_option(option, value)
        return adopted

    def close(self) -> None:
        self._unregister_reader()
        self._unregister_writer()
        self._socket.close()

    def abort(self) -> None:
        with contextlib.suppress(OSError):  # closed already, or reset by the peer: macOS then gives EINVAL
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.close()

    # ---- bytes

    def recv_into(self, view: memoryview) -> int:
        return self._socket.recv_into(view)

    def send(self, view: memoryview) -> int:
        return self._socket.send(view, _SEND_FLAGS)

    def shutdown_read(self) -> None:
        self._socket.shutdown(socket.SHUT_RD)

    def shutdown_write(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    # ---- questions and options

    def local_address(self) -> Address:
        return _from_os(self._socket.getsockname())

    def remote_address(self) -> Address:
        return _from_os(self._socket.getpeername())

    def get_option(self, option: Option) -> int:
        value = self._socket.getsockopt(*self._options[option])
        return value // _BUFFER_UNIT if option in _BUFFERS else value

    def set_option(self, option: Option, value: int) -> None:
        try:
            self._socket.setsockopt(*self._options[option], value)
        except OSError as error:
            if not (option in _BUFFERS and error.errno == errno.ENOBUFS):
                raise
        if option in _NOT_INHERITED[self._family]:
            self._set_on_listener = {**(self._set_on_listener or {}), option: value}

    # ---- waiting

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self._on_readable = callback
        loop = asyncio.get_running_loop()
        if self._reading is not loop:
            loop.add_reader(self._socket, self._readable)
            self._reading = loop

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self._on_writable = callback
        loop = asyncio.get_running_loop()
        if self._writing is not loop:
            loop.add_writer(self._socket, self._writable)
            self._writing = loop

    def cancel_readable(self) -> None:
        self._on_readable = None

    def cancel_writable(self) -> None:
        self._on_writable = None

    def _readable(self) -> None:
        callback, self._on_readable = self._on_readable, None
        if callback is None:
            self._unregister_reader()
        else:
            callback()

    def _writable(self) -> None:
        callback, self._on_writable = self._on_writable, None
        if callback is None:
            self._unregister_writer()
        else:
            callback()

    def _unregister_reader(self) -> None:
        loop, self._reading, self._on_readable = self._reading, None, None
        if loop is not None:
            loop.remove_reader(self._socket)

    def _unregister_writer(self) -> None:
        loop, self._writing, self._on_writable = self._writing, None, None
        if loop is not None:
            loop.remove_writer(self._socket)
