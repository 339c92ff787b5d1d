"""Bodies that come in, on a connection or from an application.

Theory of operation. Bytes that come are fed in, and kept until the reader wants them. A reader with much room gets the
content of a long body straight from the socket, into its own memory: then nothing is fed in, and the connection only
says when there is more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from wasihost._base.clock import Clock
from wasihost._base.streams import ByteSink
from wasihost._base.waiting import Called
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import READ_BYTES, Header, ReadyBody, write_all
from wasihost._http.timing import Deadline

_HIGH_BYTES = 1 << 15
"""Beyond this nothing is read from the transport, and the rest of long content may be read straight."""
_MUCH_ROOM = 1 << 14
"""From here on a reader gets content straight from the socket; for less a system call each time would cost more."""


class Flow(Protocol):
    """The source of bytes: a transport, or any other that can wait."""

    def pause_reading(self) -> None:
        """No more for now."""

    def resume_reading(self) -> None:
        """More, if it was paused."""


class Straight(Protocol):
    """A connection on which content can be read without anything between."""

    def read_content(self, view: memoryview) -> int:
        """Fills the beginning of `view`; the number of bytes, 0 at the end, or where it broke off.

        Errors: BlockingIOError.
        """

    def wait_content(self, callback: Callable[[], None]) -> None:
        """Calls `callback` once when there is something to read, which is not fed in meanwhile."""


class IncomingBody(ReadyBody):
    """The body of a message whose bytes are fed in; their source waits while its reader does not read.

    `timeout_s` bounds each wait for more. `closed` is called when the reader closes it, with the reader's error;
    `wanted` whenever the reader has to wait. `straight` is the connection of a long body.
    """

    def __init__(
        self,
        flow: Flow,
        clock: Clock,
        length: int | None,
        *,
        timeout_s: float | None,
        closed: Callable[[HttpError | None], None],
        wanted: Callable[[], None] | None = None,
        straight: Straight | None = None,
    ) -> None:
        self.length = length
        self.is_closed = False
        self._flow = flow
        self._clock = clock
        self._timeout_s = timeout_s
        self._closed: Callable[[HttpError | None], None] | None = closed
        self._wanted = wanted
        self._straight = straight
        self._is_read_straight = False
        self._chunks: deque[bytes | bytearray | memoryview] = deque()
        self._buffered = 0
        self.error: HttpError | None = None
        self.was_read = False
        self._arrived: Callable[[], None] | None = None
        self._deadline: Deadline | None = None  # made at the first wait: most bodies are there by then

    # ---- the side that feeds it

    @property
    def has_ended(self) -> bool:
        """Whether all of it has come in."""
        return self.ready_trailers is not None

    def feed(self, data: bytes | bytearray) -> None:
        """More content."""
        if self.is_closed:
            return
        self._chunks.append(data)
        self._buffered += len(data)
        if self._buffered > _HIGH_BYTES:
            self._flow.pause_reading()
        self._wake()

    def end(self, trailers: list[Header]) -> None:
        """That was all."""
        self.ready_trailers = trailers
        self._flow.resume_reading()  # for the next message
        self._wake()

    def fail(self, error: HttpError) -> None:
        """It breaks off, unless it has ended."""
        if not self.has_ended and self.error is None:
            self.error = error
            self._wake()

    def _wake(self) -> None:
        arrived = self._arrived
        self._stop_waiting()
        if arrived is not None:
            arrived()

    # ---- the reader's side

    def read_into(self, view: memoryview) -> int:
        self.was_read = True
        if self._chunks:
            data = self._take(len(view))
            view[: len(data)] = data
            return len(data)
        if self.ready_trailers is not None:
            return 0
        if self.error is not None:
            raise self.error
        self._is_read_straight = self._straight is not None and len(view) >= _MUCH_ROOM
        if self._straight is None or not self._is_read_straight:
            raise BlockingIOError
        size = self._straight.read_content(view)
        if not size and self.error is not None:
            raise self.error
        return size

    def wait_readable(self, callback: Callable[[], None]) -> None:
        if self._chunks or self.has_ended or self.error is not None:
            asyncio.get_running_loop().call_soon(callback)
            return
        if self._wanted is not None:
            self._wanted()
        self._arrived = callback
        if self._timeout_s is not None:
            self._deadline = self._deadline or Deadline(self._clock, self._timed_out)
            self._deadline.set(self._timeout_s)
        if self._straight is not None and self._is_read_straight:
            self._straight.wait_content(self._wake)
        else:
            self._flow.resume_reading()

    def _timed_out(self) -> None:
        self.fail(HttpError(ErrorCode.CONNECTION_READ_TIMEOUT))

    def _stop_waiting(self) -> None:
        self._arrived = None
        if self._deadline is None:
            return
        if self.is_closed or self.has_ended or self.error is not None:
            self._deadline.close()
        else:
            self._deadline.clear()

    async def read(self, n: int = READ_BYTES) -> bytes:
        self.was_read = True
        while not self._chunks:
            if self.ready_trailers is not None:
                return b""
            await self._wait()
        return bytes(self._take(n))

    def _take(self, n: int) -> bytes | bytearray | memoryview:
        """At most `n` bytes of the first piece."""
        data: bytes | bytearray | memoryview = self._chunks.popleft()
        if len(data) > n:
            view = memoryview(data)
            data = view[:n]
            self._chunks.appendleft(view[n:])
        self._buffered -= len(data)
        if self._buffered <= _HIGH_BYTES and not self.has_ended and self._straight is None:
            self._flow.resume_reading()
        return data

    async def forward(self, sink: ByteSink) -> None:
        """Without a copy, and in pieces as they came."""
        self.was_read = True
        while True:
            while not self._chunks:
                if self.ready_trailers is not None:
                    return
                await self._wait()
            await write_all(sink, self._take(len(self._chunks[0])))

    async def trailers(self) -> list[Header]:
        while self.ready_trailers is None:
            await self._wait()
        return self.ready_trailers

    async def _wait(self) -> None:
        if self.error is not None:
            raise self.error
        self._is_read_straight = False
        arrived = Called()
        self.wait_readable(arrived)
        try:
            await arrived
        finally:
            self._stop_waiting()

    def close(self, error: HttpError | None = None) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._chunks.clear()
            self._stop_waiting()
            if not self.has_ended:
                self._flow.resume_reading()
            closed = self._closed
            self._closed = self._wanted = self._straight = None  # which refer to this
            assert closed is not None
            closed(error)
