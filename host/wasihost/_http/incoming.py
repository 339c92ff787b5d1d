"""Bodies that come in, on a connection or from an application."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from wasihost._base.clock import Clock
from wasihost._base.streams import ByteSink
from wasihost._base.waiting import Called
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import READ_BYTES, Body, Header, write_all
from wasihost._http.timing import within

_HIGH_BYTES = 1 << 16
"""Beyond this nothing is read from the transport, as of asyncio.StreamReader."""


class Flow(Protocol):
    """What bytes come from: a transport, or whatever else can wait."""

    def pause_reading(self) -> None:
        """No more for now."""

    def resume_reading(self) -> None:
        """More, if it was paused."""


class IncomingBody(Body):
    """The body of a message whose bytes are fed in; what they come from waits while its reader does not read.

    `timeout_s` bounds each wait for more. `closed` is called when the reader closes it, with the reader's error;
    `wanted` whenever the reader has to wait.
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
    ) -> None:
        self.length = length
        self.is_closed = False
        self._flow = flow
        self._clock = clock
        self._timeout_s = timeout_s
        self._closed = closed
        self._wanted = wanted
        self._chunks: deque[bytes | memoryview] = deque()
        self._buffered = 0
        self._trailers: list[Header] | None = None
        self.error: HttpError | None = None
        self.was_read = False
        self._arrived: Called | None = None

    # ---- the side that feeds it

    @property
    def has_ended(self) -> bool:
        """Whether all of it has come in."""
        return self._trailers is not None

    def feed(self, data: bytes) -> None:
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
        self._trailers = trailers
        self._flow.resume_reading()  # for what follows
        self._wake()

    def fail(self, error: HttpError) -> None:
        """It breaks off, unless it has ended."""
        if not self.has_ended and self.error is None:
            self.error = error
            self._wake()

    def _wake(self) -> None:
        if self._arrived is not None:
            self._arrived()

    # ---- the reader's side

    async def read(self, n: int = READ_BYTES) -> bytes:
        self.was_read = True
        while not self._chunks:
            if self._trailers is not None:
                return b""
            await self._wait()
        return bytes(self._take(n))

    def _take(self, n: int) -> bytes | memoryview:
        """At most `n` bytes of the first piece."""
        data = self._chunks.popleft()
        if len(data) > n:
            view = memoryview(data)
            data = view[:n]
            self._chunks.appendleft(view[n:])
        self._buffered -= len(data)
        if self._buffered <= _HIGH_BYTES and not self.has_ended:
            self._flow.resume_reading()
        return data

    async def forward(self, sink: ByteSink) -> None:
        """Without a copy, and in pieces as they came."""
        self.was_read = True
        while True:
            while not self._chunks:
                if self._trailers is not None:
                    return
                await self._wait()
            await write_all(sink, self._take(len(self._chunks[0])))

    async def trailers(self) -> list[Header]:
        while self._trailers is None:
            await self._wait()
        return self._trailers

    def close(self, error: HttpError | None = None) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._chunks.clear()
            if not self.has_ended:
                self._flow.resume_reading()
            self._closed(error)

    async def _wait(self) -> None:
        if self.error is not None:
            raise self.error
        if self._wanted is not None:
            self._wanted()
        self._arrived = Called()
        try:
            async with within(self._clock, self._timeout_s, ErrorCode.CONNECTION_READ_TIMEOUT):
                await self._arrived
        except HttpError as error:
            self.fail(error)
            raise
