"""A time for a whole exchange, from the request to the last byte of the response."""

from __future__ import annotations

import contextlib

from wasihost._base.clock import NS_PER_S, Clock
from wasihost._http.errors import ErrorCode
from wasihost._http.messages import READ_BYTES, Body, BodyAround, Header
from wasihost._http.timing import within


class ExchangeTime:
    """So many seconds from now on, None: any number. A longer exchange fails with HTTP-response-timeout."""

    def __init__(self, clock: Clock, seconds: float | None) -> None:
        self._clock = clock
        self._seconds = seconds
        self._began_ns = 0 if seconds is None else clock.monotonic_ns()

    def within(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Cancels the body of the `with` when the time has passed. Errors: HttpError."""
        if self._seconds is None:
            return contextlib.nullcontext()
        passed_s = (self._clock.monotonic_ns() - self._began_ns) / NS_PER_S
        return within(self._clock, max(0.0, self._seconds - passed_s), ErrorCode.HTTP_RESPONSE_TIMEOUT)


class TimedBody(BodyAround):
    """A body for whose exchange there is a time, which counts while the reader waits."""

    def __init__(self, inner: Body, time: ExchangeTime) -> None:
        super().__init__(inner)
        self._time = time

    async def read(self, n: int = READ_BYTES) -> bytes:
        async with self._time.within():
            return await self.inner.read(n)

    async def trailers(self) -> list[Header]:
        async with self._time.within():
            return await self.inner.trailers()
