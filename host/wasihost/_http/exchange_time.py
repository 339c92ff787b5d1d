"""A time for a whole exchange, from the request to the last byte of the response."""

from __future__ import annotations

from wasihost._base.clock import NS_PER_S, Clock
from wasihost._base.streams import ByteSink
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import READ_BYTES, Body, BodyAround, Header
from wasihost._http.timing import TimeLimit


class ExchangeTime(TimeLimit):
    """So many seconds from now on, for all that is awaited within, one after the other; a longer exchange fails.

    It has one timer, until `end`. Errors: HttpError, HTTP-response-timeout.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__(ErrorCode.HTTP_RESPONSE_TIMEOUT)
        self._timer = clock.call_later(round(seconds * NS_PER_S), self.expire)

    def end(self) -> None:
        """Nothing more is awaited within."""
        self._timer.cancel()


class TimedBody(BodyAround):
    """The body of a response for whose exchange there is a time; its end is that of the exchange."""

    def __init__(self, inner: Body, time: ExchangeTime) -> None:
        super().__init__(inner)
        self._time = time

    async def read(self, n: int = READ_BYTES) -> bytes:
        async with self._time:
            return await self.inner.read(n)

    async def forward(self, sink: ByteSink) -> None:
        async with self._time:
            await self.inner.forward(sink)

    async def trailers(self) -> list[Header]:
        async with self._time:
            return await self.inner.trailers()

    def close(self, error: HttpError | None = None) -> None:
        self._time.end()
        self.inner.close(error)
