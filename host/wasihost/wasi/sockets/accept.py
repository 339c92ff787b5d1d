"""The stream of `listen`: connections that the network accepted and the policy allows.

Theory of operation. One connection per read. A policy that answers at once costs nothing; when it takes time, the
connection is parked and asked about in a task, and the stream waits for that answer before it accepts the next one. A
refused connection is reset and the guest never hears of it. A connection that failed before it was accepted becomes a
closed `tcp-socket` (the second of the two ways that the WIT allows, see `listen`). The stream ends when the socket of
the network does not listen any more.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from wasihost.component.streams import ValueSource
from wasihost.network.base import Socket
from wasihost.network.policy import SocketAddressUse
from wasihost.wasi.sockets.access import Access
from wasihost.wasi.sockets.streams import SharedSocket

# After so many refusals in one go the event loop has its turn, so that a flood of strangers cannot stop the host.
_REFUSALS_PER_READ = 16
_LISTENS_NO_MORE = (errno.EBADF, errno.EINVAL)  # accept(2)


class Droppable(Protocol):
    """A resource."""

    def drop(self) -> None:
        """The guest's handle is gone."""


T = TypeVar("T", bound=Droppable)


class AcceptSource(ValueSource[T]):
    """Feeds a stream of accepted sockets; `wrap` makes the resource of a connection, or of the error instead of one."""

    __slots__ = ("_access", "_answer", "_callback", "_parked", "_shared", "_wrap")

    def __init__(self, shared: SharedSocket, access: Access, wrap: Callable[[Socket | OSError], T]) -> None:
        self._shared = shared
        self._access = access
        self._wrap = wrap
        self._parked: Socket | None = None
        self._answer: asyncio.Future[bool] | None = None
        self._callback: Callable[[], None] | None = None

    def read(self) -> Sequence[T]:
        """One socket. BlockingIOError: no connection yet, or the policy has not answered yet."""
        for _ in range(_REFUSALS_PER_READ):
            connection = self._next()
            if isinstance(connection, OSError) and connection.errno in _LISTENS_NO_MORE:
                return ()
            if connection is not None:
                return [self._wrap(connection)]
        raise BlockingIOError

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """Calls back when there is a connection, or the answer about the parked one."""
        if self._answer is None:
            self._shared.socket.wait_readable(callback)
        else:
            self._callback = callback
            self._answer.add_done_callback(self._answered)

    def close(self, error: BaseException | None) -> None:
        """Stops accepting; the handle of the listener, if there is one, still keeps the port."""
        self._callback = None
        if self._answer is not None:
            self._answer.cancel()
        if self._parked is not None:
            self._parked.abort()
        self._shared.socket.cancel_readable()
        self._shared.release()

    def _next(self) -> Socket | OSError | None:
        """The next connection, or what accepting it failed with; None: the policy refused it."""
        if self._parked is not None:
            return self._take_parked()
        try:
            connection, peer = self._shared.socket.accept()
        except BlockingIOError:
            raise
        except OSError as error:
            return error
        self._parked = connection
        answer = self._access.ask(peer, SocketAddressUse.TCP_ACCEPT)
        if isinstance(answer, bool):
            return self._unpark(answer)
        self._answer = asyncio.ensure_future(answer)
        raise BlockingIOError

    def _take_parked(self) -> Socket | None:
        answer = self._answer
        if answer is None or not answer.done():
            raise BlockingIOError
        self._answer = None
        return self._unpark(answer.result())

    def _unpark(self, allowed: bool) -> Socket | None:
        connection, self._parked = self._parked, None
        if allowed or connection is None:
            return connection
        connection.abort()
        return None

    def _answered(self, answer: Awaitable[bool]) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()
