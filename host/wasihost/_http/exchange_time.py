"""A time for a whole exchange, from the request to the last byte of the response."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType

from wasihost._base.clock import NS_PER_S, Clock
from wasihost._base.streams import ByteSink
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import READ_BYTES, Body, BodyAround, Header


class ExchangeTime(contextlib.AbstractAsyncContextManager[None]):
    """So many seconds from now on, for all that is awaited within, one after the other; a longer exchange fails.

    It has one timer, until `end`. As a context it cancels the body of the `with` when the time has passed. Errors:
    HttpError, HTTP-response-timeout.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._has_passed = False
        self._scope: asyncio.Timeout | None = None  # of what is awaited now
        self._timer = clock.call_later(round(seconds * NS_PER_S), self._pass)

    def end(self) -> None:
        """Nothing more is awaited within."""
        self._timer.cancel()

    def _pass(self) -> None:
        self._has_passed = True
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def __aenter__(self) -> None:
        self._scope = asyncio.timeout(None)
        await self._scope.__aenter__()
        if self._has_passed:
            self._pass()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        scope = self._scope
        self._scope = None
        assert scope is not None
        try:
            await scope.__aexit__(kind, error, traceback)
        except TimeoutError:  # not one of the body, which goes on by itself
            raise HttpError(ErrorCode.HTTP_RESPONSE_TIMEOUT) from None


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
