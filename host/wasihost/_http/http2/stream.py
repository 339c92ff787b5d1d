"""A stream: content that comes in within a window, and content that goes out within the peer's.

Theory of operation. The windows of streams hold a peer back, and not that of the connection, which is opened as content
comes: else a few streams whose readers wait would stop all others. A stream's window is opened as its body takes
as long as that has not paused it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wasihost._base.clock import NS_PER_S, Timer
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.http2 import fields
from wasihost._http.http2.machine import INTERNAL_ERROR, Machine
from wasihost._http.messages import Header
from wasihost._http.outgoing import Framing, Outgoing


class Stream:
    """One stream of a connection: the flow of the body that comes in, and the wire of the one that goes out."""

    def __init__(self, machine: Machine, number: int) -> None:
        self.number = number
        self.error: HttpError | None = None
        self._machine = machine
        self._is_paused = False
        self._taken = 0  # bytes for which the window was not opened again
        self._when_writable: Callable[[], None] | None = None
        self._timer: Timer | None = None

    # ---- incoming

    def took(self, size: int) -> None:
        """So much of the window is used up."""
        self._machine.took(size)
        self._taken += size
        if not self._is_paused:
            self._open_window()

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        self._open_window()

    def _open_window(self) -> None:
        if self.error is None and self._machine.open_window(self.number, self._taken):
            self._taken = 0

    # ---- outgoing

    def check_writable(self) -> None:
        if self.error is not None:
            raise self.error
        if not self._machine.room(self.number):
            raise BlockingIOError

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self._when_writable = callback
        if self._can_write:
            asyncio.get_running_loop().call_soon(self.wake)
            return
        connection = self._machine.connection
        if connection.limits.write_timeout_s is not None:
            timeout_ns = round(connection.limits.write_timeout_s * NS_PER_S)
            self._timer = connection.clock.call_later(timeout_ns, self._write_timed_out)

    @property
    def _can_write(self) -> bool:
        """Whether a try to write is worth it."""
        return self.error is not None or self._machine.room(self.number) > 0

    def wake(self) -> None:
        """Something has changed: calls the waiting writer, if it can write."""
        callback = self._when_writable
        if callback is not None and self._can_write:
            self._stop_timer()
            self._when_writable = None
            callback()

    def _write_timed_out(self) -> None:
        self.fail(HttpError(ErrorCode.CONNECTION_WRITE_TIMEOUT))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def flush(self) -> None:
        self._machine.connection.flush()

    # ---- ends

    def lost(self, error: HttpError) -> None:
        """Nothing more comes and nothing more goes out."""
        self.error = self.error or error
        self._stop_timer()
        self.wake()

    def fail(self, error: HttpError, code: int = INTERNAL_ERROR) -> None:
        """Resets it; `error` goes to its reader and its writer."""
        self._machine.reset(self.number, code)
        self.lost(error)


class StreamContent(Outgoing):
    """Takes the content of a message on a stream, whose head is out."""

    def __init__(self, machine: Machine, stream: Stream, framing: Framing, wrong_size: ErrorCode) -> None:
        super().__init__(stream, framing, wrong_size)
        self._machine = machine
        self._number = stream.number

    def _put(self, view: memoryview) -> int:
        data = bytes(view[: self._machine.room(self._number)])
        self._machine.put(self._number, data)
        return len(data)

    def _put_end(self, trailers: list[Header]) -> None:
        if not self._framing.is_sent:  # it ended with the head
            return
        if self.error is not None:
            raise self.error
        if trailers:
            self._machine.put_head(self._number, fields.written({}, trailers), ends=True)
        else:
            self._machine.put_end(self._number)
