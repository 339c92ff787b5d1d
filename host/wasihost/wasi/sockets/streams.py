"""What moves the bytes of `receive` and `send`, and who keeps the socket of the network open.

Theory of operation. A `tcp-socket` handle and the streams made from it share one socket of the network (WIT,
`tcp-socket`); it is closed when the last of them goes. A source or sink is one owner, from its making until its
`close`, which the machine calls exactly once; there its future is resolved too, so it is resolved exactly once. A
connection that waits is a callback kept by the network: no task, no buffer.

| what happens | read or write | close | future | the network's socket |
|---|---|---|---|---|
| the peer ended (FIN) | read_into gives 0 | None | ok | SHUT_RD |
| the guest drops its readable end | - | None | ok | SHUT_RD |
| the guest drops its writable end | - | None | ok | SHUT_WR |
| the network fails | raises | the error | its error-code | SHUT_RD or SHUT_WR |
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeAlias

from wasihost.component.values import Err, Ok
from wasihost.network.base import Socket
from wasihost.streams import ByteSink, ByteSource, Outcome
from wasihost.wasi.sockets.errors import INVALID_STATE, error_code

ResultFuture: TypeAlias = "asyncio.Future[Ok | Err]"
"""WIT: `future<result<_, error-code>>`."""


class SharedSocket:
    """A socket of the network with the number of its owners; whoever makes it is the first."""

    __slots__ = ("_owners", "resets", "socket")

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.resets = False  # whether closing is a reset
        self._owners = 1

    def own(self) -> SharedSocket:
        """Adds an owner."""
        self._owners += 1
        return self

    def release(self) -> None:
        """Takes an owner away; the last one closes the socket."""
        self._owners -= 1
        if not self._owners:
            if self.resets:
                self.socket.abort()
            else:
                self.socket.close()


class ReceiveSource(ByteSource):
    """Feeds the stream of `receive`: one recv per read, straight into the guest's side."""

    __slots__ = ("_future", "_shared", "_socket")

    def __init__(self, shared: SharedSocket, future: ResultFuture) -> None:
        self._shared = shared
        self._socket = shared.socket
        self._future = future

    def read_into(self, view: memoryview) -> int:
        """The number of bytes received, 0 after the peer's FIN."""
        return self._socket.recv_into(view)

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """Calls back when bytes, the end or an error is there."""
        self._socket.wait_readable(callback)

    def unread(self, view: memoryview) -> None:
        """As if the bytes were still in the receive queue: closing a socket with unread bytes is a reset, RFC 1122."""
        self._shared.resets = True

    def close(self, error: BaseException | None) -> None:
        """Shuts the receiving side down and resolves the future."""
        try:
            self._socket.cancel_readable()
            with contextlib.suppress(OSError):  # ENOTCONN: already reset
                self._socket.shutdown_read()
        finally:
            _resolve(self._future, error)
            self._shared.release()


class SendSink(ByteSink):
    """Takes the stream of `send`: one send per write, straight from the guest's side."""

    __slots__ = ("_future", "_shared", "_socket")

    def __init__(self, shared: SharedSocket, future: ResultFuture) -> None:
        self._shared = shared
        self._socket = shared.socket
        self._future = future

    def write(self, view: memoryview) -> int:
        """The number of bytes that the network took."""
        return self._socket.send(view)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        """Calls back when bytes can be taken, or an error is there."""
        self._socket.wait_writable(callback)

    def close(self, error: BaseException | None) -> None:
        """Shuts the sending side down, which sends a FIN after the last byte, and resolves the future."""
        try:
            self._socket.cancel_writable()
            with contextlib.suppress(OSError):  # ENOTCONN: already reset
                self._socket.shutdown_write()
        finally:
            _resolve(self._future, error)
            self._shared.release()


class EndedSource(ByteSource):
    """A stream without bytes, for a `receive` that fails: the error is in its future."""

    def read_into(self, view: memoryview) -> int:
        """The end."""
        return 0

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """The end can always be read."""
        asyncio.get_running_loop().call_soon(callback)

    def close(self, error: BaseException | None) -> None:
        """Nothing is held."""


def new_future() -> ResultFuture:
    """A future of the running event loop."""
    return Outcome(loop=asyncio.get_running_loop())


def _resolve(future: ResultFuture, error: BaseException | None) -> None:
    """Resolves a future, unless whoever waited for it has cancelled it."""
    if not future.done():
        future.set_result(_result(error))


def _result(error: BaseException | None) -> Ok | Err:
    if error is None:
        return Ok(None)
    return Err(error_code(error) if isinstance(error, OSError) else INVALID_STATE)
