"""Quotas of the requests that a guest sends: a `Handler` around another, see `wasihost._network.quotas.quotas`.

Theory of operation. A request counts from the beginning until the body of its response is closed, or until it fails.
Its time is looked at while something waits, for the head or for content: a guest that does not read holds up only
itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.exchange_time import ExchangeTime
from wasihost._http.messages import READ_BYTES, Body, BodyAround, Handler, Header, Request, Response
from wasihost._network.quotas.metering import Budget, Meter


class QuotaHandler:
    """Passes on the requests for which there is a budget: a `Handler`."""

    def __init__(self, inner: Handler, budget: Budget) -> None:
        self._inner = inner
        self._budget = budget

    async def __call__(self, request: Request) -> Response:
        """The response, which counts until its body is closed. Errors: HttpError."""
        what = f"request to {request.authority}"
        if self._budget.has_no_request(what):
            error = HttpError(ErrorCode.CONNECTION_LIMIT_REACHED)
            request.body.close(error)
            raise error
        exchange = _Exchange(self._budget, what)
        request.body = _RequestBody(request.body, exchange)
        try:
            async with exchange.within_its_time():
                response = await self._inner(request)
        except BaseException:
            exchange.end()
            raise
        response.body = _ResponseBody(response.body, exchange)
        return response


class _Exchange:
    """A request that counts."""

    def __init__(self, budget: Budget, what: str) -> None:
        self.budget = budget
        self._what = what
        self._is_open = True
        limit_s = budget.quotas.http_time_s
        self._time = None if limit_s is None else ExchangeTime(budget.clock, limit_s)
        budget.all_requests += 1
        budget.requests += 1

    def end(self) -> None:
        """It counts no more as one under way."""
        if self._time is not None:
            self._time.end()
        self.budget.requests -= self._is_open
        self._is_open = False

    @contextlib.asynccontextmanager
    async def within_its_time(self) -> AsyncIterator[None]:
        """Cancels the body of the `with` when the time of the request has passed. Errors: HttpError."""
        try:
            async with self._time or contextlib.nullcontext():
                yield
        except HttpError as error:
            if error.code is ErrorCode.HTTP_RESPONSE_TIMEOUT:
                self.budget.report("http_time_s", self._what)
            raise

    def spend(self, count: int, meter: Meter, code: ErrorCode) -> None:
        """So many bytes of content moved. Errors: HttpError, if that is more than may."""
        meter.left -= count
        if meter.left < 0:
            meter.left = 0
            self.budget.report(meter.name, self._what)
            raise HttpError(code, getattr(self.budget.quotas, meter.name))


class _RequestBody(BodyAround):
    def __init__(self, inner: Body, exchange: _Exchange) -> None:
        super().__init__(inner)
        self._exchange = exchange

    async def read(self, n: int = READ_BYTES) -> bytes:
        data = await self.inner.read(n)
        self._exchange.spend(len(data), self._exchange.budget.content_sent, ErrorCode.HTTP_REQUEST_BODY_SIZE)
        return data


class _ResponseBody(BodyAround):
    def __init__(self, inner: Body, exchange: _Exchange) -> None:
        super().__init__(inner)
        self._exchange = exchange

    async def read(self, n: int = READ_BYTES) -> bytes:
        async with self._exchange.within_its_time():
            data = await self.inner.read(n)
        self._exchange.spend(len(data), self._exchange.budget.content_received, ErrorCode.HTTP_RESPONSE_BODY_SIZE)
        return data

    async def trailers(self) -> list[Header]:
        async with self._exchange.within_its_time():
            return await self.inner.trailers()

    def close(self, error: HttpError | None = None) -> None:
        self._exchange.end()
        self.inner.close(error)
