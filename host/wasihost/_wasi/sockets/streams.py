"""The source and the sink that move the bytes of a connection.

Theory of operation. A TCP socket and the streams made from it share one socket of the network, which is closed when the
last of them goes. A source or sink is one owner, from its making until its `close`, which its user calls exactly once;
there `on_close` is called too. A connection that waits is a callback kept by the network: no task, no buffer.

| event | read or write | close, on_close | the network's socket |
|---|---|---|---|
| the peer ended (FIN) | read_into gives 0 | None | SHUT_RD |
| the reader closes | - | None | SHUT_RD |
| the writer closes | - | None | SHUT_WR |
| the network fails | raises | the error | SHUT_RD or SHUT_WR |
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeAlias

from wasihost._base.streams import ByteSink, ByteSource
from wasihost._wasi.sockets.shared import SharedSocket

OnClose: TypeAlias = Callable[[BaseException | None], object]


class ReceiveSource(ByteSource):
    """The bytes that a connection receives: one recv per read, straight into the reader's memory."""

    __slots__ = ("_on_close", "_shared", "_socket")

    def __init__(self, shared: SharedSocket, on_close: OnClose) -> None:
        self._shared = shared
        self._socket = shared.socket
        self._on_close = on_close

    def read_into(self, view: memoryview) -> int:
        """The number of bytes received, 0 after the peer's FIN."""
        return self._socket.recv_into(view)

    @property
    def readable_fd(self) -> int | None:
        """That of the socket, if it has one."""
        return self._socket.readable_fd

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """Calls back when bytes, the end or an error is there."""
        self._socket.wait_readable(callback)

    def unread(self, view: memoryview) -> None:
        """As if the bytes were still in the receive queue: closing a socket with unread bytes is a reset, RFC 1122."""
        self._shared.resets = True

    def close(self, error: BaseException | None) -> None:
        """Shuts the receiving side down."""
        try:
            self._socket.cancel_readable()
            with contextlib.suppress(OSError):  # ENOTCONN: already reset
                self._socket.shutdown_read()
        finally:
            self._on_close(error)
            self._shared.release()


class SendSink(ByteSink):
    """The bytes that a connection sends: one send per write, straight from the writer's memory."""

    __slots__ = ("_on_close", "_shared", "_socket")

    def __init__(self, shared: SharedSocket, on_close: OnClose) -> None:
        self._shared = shared
        self._socket = shared.socket
        self._on_close = on_close

    def write(self, view: memoryview) -> int:
        """The number of bytes that the network took."""
        return self._socket.send(view)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        """Calls back when bytes can be taken, or an error is there."""
        self._socket.wait_writable(callback)

    def close(self, error: BaseException | None) -> None:
        """Shuts the sending side down, which sends a FIN after the last byte."""
        try:
            self._socket.cancel_writable()
            with contextlib.suppress(OSError):  # ENOTCONN: already reset
                self._socket.shutdown_write()
        finally:
            self._on_close(error)
            self._shared.release()
