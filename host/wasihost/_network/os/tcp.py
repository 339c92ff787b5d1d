"""TCP sockets of the operating system."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
import sys
from collections.abc import Sequence

from wasihost._network.base import Address, Family, Option, Socket, os_error, socket_name
from wasihost._network.os.endpoint import BUFFERS, NO_FREE_PORT, OsEndpoint, from_os
from wasihost._network.os.share import Share

# A SIGPIPE would kill an embedder that has the signal's default action back.
_SEND_FLAGS = getattr(socket, "MSG_NOSIGNAL", 0)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, 0 s

_NOT_INHERITED: dict[Family, tuple[Option, ...]] = {4: (), 6: ()}
if sys.platform == "darwin":
    _LOST = (*BUFFERS, Option.KEEP_ALIVE_IDLE_S)
    _NOT_INHERITED = {4: _LOST, 6: (*_LOST, Option.HOP_LIMIT)}

# accept(2), "Error handling": Linux passes errors of the new connection, not of the listener.
_ACCEPT_ABORTED = {
    getattr(errno, name)
    for name in (
        "ECONNRESET ENETRESET EHOSTUNREACH EHOSTDOWN ENETDOWN ENETUNREACH EPROTO ENOPROTOOPT ENONET EOPNOTSUPP".split()
    )
    if hasattr(errno, name)
}


class OsSocket(OsEndpoint, Socket):
    """A TCP socket of the operating system."""

    __slots__ = ("_set_on_listener",)

    def __init__(self, os_socket: socket.socket, family: Family, share: Share) -> None:
        super().__init__(os_socket, family, share)
        self._set_on_listener: dict[Option, int] | None = None

    # ---- life

    def bind(self, address: Address) -> None:
        # Only for a chosen port: two sockets with the option could share a port that the system chose (socket(7)).
        self._reuse_address(address.port != 0)
        self._socket.bind(socket_name(address))

    def _reuse_address(self, on: bool) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, on)

    def connect(self, address: Address) -> None:
        code = self._socket.connect_ex(socket_name(address))
        if code in NO_FREE_PORT:
            code = errno.EADDRINUSE
        if code not in (0, errno.EINPROGRESS):
            raise os_error(code)

    def finish_connect(self) -> None:
        if code := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise os_error(code)
        try:
            self._socket.getpeername()
        except OSError as error:
            if error.errno == errno.ENOTCONN:
                raise os_error(errno.EINPROGRESS) from None
            raise

    def listen(self, backlog: int) -> None:
        # Accepted sockets inherit it, so that their TIME_WAIT does not keep the port from the next listener.
        self._reuse_address(True)
        self._socket.listen(backlog)

    def accept(self) -> tuple[Socket, Address]:
        self._require_room()
        try:
            accepted, peer = self._socket.accept()
        except OSError as error:
            if error.errno in _ACCEPT_ABORTED:
                raise os_error(errno.ECONNABORTED) from error
            raise
        try:
            return self._adopt(accepted), from_os(peer)
        except BaseException:
            accepted.close()
            raise

    def _require_room(self) -> None:
        """ENOBUFS: a connection waits for which the guest may have no socket. BlockingIOError: nor does one wait."""
        if self._share.lacks:
            if not _is_readable(self._socket):
                raise os_error(errno.EWOULDBLOCK)
            self._share.require_room()

    def _adopt(self, accepted: socket.socket) -> OsSocket:
        accepted.setblocking(False)
        adopted = OsSocket(accepted, self._family, self._share)
        for option, value in (self._set_on_listener or {}).items():
            with contextlib.suppress(OSError):  # the connection may be reset by now
                adopted.set_option(option, value)
        return adopted

    def abort(self) -> None:
        with contextlib.suppress(OSError):  # closed already, or reset by the peer: macOS then gives EINVAL
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.close()

    # ---- bytes

    def recv_into(self, view: memoryview) -> int:
        return self._socket.recv_into(view)

    def send(self, view: memoryview) -> int:
        return self._socket.send(view, _SEND_FLAGS)

    def send_parts(self, views: Sequence[memoryview]) -> int:
        return self._socket.sendmsg(views, (), _SEND_FLAGS)

    def shutdown_read(self) -> None:
        self._socket.shutdown(socket.SHUT_RD)

    def shutdown_write(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def send_at_once(self) -> None:
        with contextlib.suppress(OSError):  # macOS, after a reset
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # ---- options

    def set_option(self, option: Option, value: int) -> None:
        super().set_option(option, value)
        if option in _NOT_INHERITED[self._family]:
            self._set_on_listener = {**(self._set_on_listener or {}), option: value}


def _is_readable(os_socket: socket.socket) -> bool:
    poll = select.poll()
    poll.register(os_socket, select.POLLIN)
    return bool(poll.poll(0))
