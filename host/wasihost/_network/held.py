"""Sockets around another socket that hold a direction back for a time, or end with an error of their own.

Theory of operation. Each direction has a `Gate`, which knows the direction's waiter and the time before which nothing
goes through. A waiter at a closed gate waits for a timer of the clock, one at an open gate for the inner socket; either
may be in vain, and whoever was called back tries again. A socket that fails aborts the inner one and puts a
`FailedSocket` in its place, which gives the error to every call from then on; a waiter is called back and gets it too.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from wasihost._base.clock import Clock, Timer
from wasihost._network.base import DatagramSocket, Endpoint, Socket
from wasihost._network.wrapping import DatagramSocketAround, EndpointAround, SocketAround

E = TypeVar("E", bound=Endpoint)


def blocked() -> BlockingIOError:
    """The error of a call that cannot go on yet."""
    return BlockingIOError(errno.EAGAIN, "not yet")


class Gate:
    """One direction of a socket: its waiter, and the time until which it is closed."""

    __slots__ = ("_callback", "_clock", "_loop", "_opens_ns", "_timer")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._opens_ns: int | None = None  # None: it is open
        self._callback: Callable[[], None] | None = None
        self._timer: Timer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def close_for(self, ns: int) -> None:
        """Nothing goes through for so long."""
        self._opens_ns = max(self._opens_ns or 0, self._clock.monotonic_ns() + ns)

    def check(self) -> None:
        """BlockingIOError: it is closed."""
        if self._left_ns():
            raise blocked()

    def wait(self, callback: Callable[[], None], wait_for_inner: Callable[[Callable[[], None]], None]) -> None:
        """Calls `callback` once, from the event loop: when the gate opens, or if it is open when the inner does."""
        self.forget()
        self._callback = callback
        self._loop = asyncio.get_running_loop()
        if left_ns := self._left_ns():
            self._timer = self._clock.call_later(left_ns, self.wake_soon)
        else:
            wait_for_inner(self._wake)

    def wake_soon(self) -> None:
        """Calls back whoever waits, in the next pass of the event loop."""
        if self._callback is not None and self._loop is not None:
            self._loop.call_soon(self._wake)

    def forget(self) -> None:
        """Forgets the waiter."""
        self._callback = None
        timer = self._timer
        self._timer = None
        if timer is not None:
            timer.cancel()

    def _left_ns(self) -> int:
        if self._opens_ns is None:
            return 0
        left_ns = self._opens_ns - self._clock.monotonic_ns()
        if left_ns <= 0:
            self._opens_ns = None
            return 0
        return left_ns

    def _wake(self) -> None:
        callback = self._callback
        self.forget()
        if callback is not None:
            callback()


class HeldEndpoint(EndpointAround[E]):
    """An endpoint whose directions can be held back with `reading` and `writing`."""

    __slots__ = ("clock", "reading", "writing")

    def __init__(self, inner: E, clock: Clock) -> None:
        super().__init__(inner)
        self.clock = clock
        self.reading = Gate(clock)
        self.writing = Gate(clock)

    def close(self) -> None:
        self.reading.forget()
        self.writing.forget()
        super().close()

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self.reading.wait(callback, self.inner.wait_readable)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self.writing.wait(callback, self.inner.wait_writable)

    def cancel_readable(self) -> None:
        self.reading.forget()
        super().cancel_readable()

    def cancel_writable(self) -> None:
        self.writing.forget()
        super().cancel_writable()


class HeldSocket(HeldEndpoint[Socket], SocketAround):
    """A TCP socket whose directions can be held back, and which can fail."""

    __slots__ = ()

    def abort(self) -> None:
        self.reading.forget()
        self.writing.forget()
        super().abort()

    def fail(self, error: OSError) -> None:
        """Ends the connection, or the listener: the peer sees a reset, and every call gives the error from now on."""
        inner = self.inner
        self.inner = FailedSocket(error)
        inner.abort()
        self.reading.wake_soon()
        self.writing.wake_soon()


class HeldDatagramSocket(HeldEndpoint[DatagramSocket], DatagramSocketAround):
    """A UDP socket whose directions can be held back."""

    __slots__ = ()


class FailedSocket(Socket):
    """A socket that failed: every call gives the error."""

    __slots__ = ("_error",)

    def __init__(self, error: OSError) -> None:
        self._error = error

    def _fail(self, *_arguments: Any, **_named: Any) -> NoReturn:
        raise OSError(self._error.errno, self._error.strerror)

    bind = local_address = remote_address = get_option = set_option = _fail
    connect = finish_connect = listen = accept = recv_into = send = shutdown_read = shutdown_write = _fail

    def close(self) -> None:
        """Nothing is held."""

    abort = cancel_readable = cancel_writable = close

    def wait_readable(self, callback: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(callback)

    wait_writable = wait_readable
