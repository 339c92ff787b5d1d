"""Components behind an HTTP server: requests are answered by the instances of a pool.

Theory of operation. Each request takes a place in an instance of the pool, and gives it back when the body of its
response is closed: a guest may write that for as long as it likes. An instance that dies fails its own requests, those
whose head has not gone out with 500, the others by breaking off. When a request is cancelled, as its client has left,
the instance takes no others, and ends with those that it serves; or else the guest's task is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final

from wasihost._base import eager
from wasihost._base.clock import Clock
from wasihost._base.errors import ConfigError, LimitError
from wasihost._base.frozen import Frozen
from wasihost._base.streams import ByteSink
from wasihost._component.adapt import Component
from wasihost._host.pool import Place, Pool
from wasihost._host.serving import InstanceHandler, Service, service_of
from wasihost._http.answering import Answered
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.exchange_time import ExchangeTime, TimedBody
from wasihost._http.limits import ServerLimits
from wasihost._http.messages import Body, BodyAround, Handler, Request, Response, failure
from wasihost._http.server import HttpServer
from wasihost._http.timing import within
from wasihost._network.base import Address, Network
from wasihost._network.names import literal
from wasihost._wasi.http.fields import FieldRules

_RETURN_S: Final = 30.0
"""How long a guest of 0.2 may go on after its response has ended."""
_log: Final = logging.getLogger("wasihost.http")


class GuestHandler:
    """Answers requests with a component: a `Handler`. Made by `Host.answering`.

    `timeout_s` is for a whole exchange; with `cancels_tasks`, one that is given up cancels the guest's task. `around`
    makes a handler around that of a guest, whose number in a recording it gets, or around one that refuses, with 0.
    """

    def __init__(
        self,
        service: Service,
        rules: FieldRules,
        pool: Pool,
        clock: Clock,
        timeout_s: float | None,
        cancels_tasks: bool,
        around: Callable[[Handler, int], Handler],
    ) -> None:
        self._service = service
        self._rules = rules
        self._pool = pool
        self._clock = clock
        self._timeout_s = timeout_s
        self._cancels_tasks = cancels_tasks
        self._around = around

    @property
    def pool(self) -> Pool:
        """The instances that answer."""
        return self._pool

    def replace(self, component: Component) -> None:
        """Answers later requests with another component; those under way end with the one that they began with.

        Errors: those of `Host.pool`; ConfigError, if it serves another version of WASI. Then all is as it was.
        """
        if service_of(component) is not self._service:
            raise ConfigError("the component serves another version of wasi:http than the one before: start anew")
        self._pool.replace(component)

    async def __call__(self, request: Request) -> Response:
        """The guest's response; 503 if there is no room for the request, 504 if its time has passed before.

        Errors: HttpError; whatever opening an instance raises.
        """
        try:
            if self._timeout_s is None:
                return await self._leased(request)
            return await self._timed(request, ExchangeTime(self._clock, self._timeout_s))
        except LimitError as error:
            _log.warning("%s %s: no answer: %s", request.method, request.path, error)
            return await self._around(_refuse, 0)(request)
        except HttpError as error:
            request.body.close(error)
            if error.code is not ErrorCode.HTTP_RESPONSE_TIMEOUT:
                raise
            return failure(504)
        except BaseException:
            request.body.close(HttpError(ErrorCode.INTERNAL_ERROR))
            raise

    async def _timed(self, request: Request, time: ExchangeTime) -> Response:
        try:
            async with time:
                response = await self._leased(request)
        except BaseException:
            time.end()
            raise
        response.body = TimedBody(response.body, time)
        return response

    async def _leased(self, request: Request) -> Response:
        """The response of an instance, whose place is given back with the end of the body, or at an error."""
        place = await self._pool.place()
        handler = self._service.make(place.instance, self._rules, self._cancels_tasks)
        try:
            response = await self._around(handler, place.guest)(request)
        except asyncio.CancelledError as error:
            await place.end(None if handler.cancels_tasks else error)
            raise
        except BaseException:
            await place.end()
            raise
        response.body = _LeasedBody(response.body, place, handler, self._clock)
        return response


async def _refuse(request: Request) -> Response:
    request.body.close(HttpError(ErrorCode.CONNECTION_LIMIT_REACHED))
    return failure(503)


class _LeasedBody(BodyAround):
    """The body of a response; once it is closed, and the guest has returned, it gives the place back."""

    def __init__(self, inner: Body, place: Place, handler: InstanceHandler, clock: Clock) -> None:
        super().__init__(inner)
        self._place: Place | None = place
        self._handler = handler
        self._clock = clock

    def forward(self, sink: ByteSink) -> Coroutine[Any, Any, None]:
        return self.inner.forward(sink)

    def close(self, error: HttpError | None = None) -> None:
        self.inner.close(error)
        place = self._place
        self._place = None
        if place is not None and (self._handler.is_busy or place.leave()):
            eager.begin(self._end(place, cancel=error is not None))

    async def _end(self, place: Place, cancel: bool) -> None:
        """Does the part that takes time."""
        try:
            if self._handler.is_busy:
                await self._return(cancel)
                await place.end()
            else:
                await place.close()
        except Exception:
            _log.exception("an instance failed at its end")

    async def _return(self, cancel: bool) -> None:
        try:
            async with within(self._clock, _RETURN_S, ErrorCode.HTTP_RESPONSE_TIMEOUT):
                await self._handler.end(cancel=cancel)
        except HttpError:
            await self._handler.end(cancel=True)


class GuestServer:
    """A component that answers requests on a network. Made by `Host.serve`."""

    def __init__(self, server: HttpServer, handler: GuestHandler) -> None:
        self._server = server
        self._handler = handler

    @property
    def url(self) -> str:
        """Where it answers, such as `http://127.0.0.1:8080/`."""
        return self._server.url

    @property
    def pool(self) -> Pool:
        """The instances that answer."""
        return self._handler.pool

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self._server.address

    def replace(self, component: Component) -> None:
        """Answers later requests with another component, see `Host.reflect`; none is lost.

        Errors: those of `Host.pool`; ConfigError, if it serves another version of WASI. Then all is as it was.
        """
        self._handler.replace(component)

    async def drain(self, limit_s: float = 30) -> None:
        """Takes no more connections, and returns when all requests have their answers, or are cut after `limit_s`."""
        await self._server.drain(limit_s)


class ServeOptions(Frozen):
    """The options of `Host.serve` for the server itself."""

    addr: str
    port: int
    tls: ssl.SSLContext | None
    limits: ServerLimits
    drain_s: float
    answered: Callable[[Answered], None] | None

    @property
    def sockets(self) -> int:
        """How many sockets the server may have; it leaves descriptors of the process to others."""
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return min(self.limits.connections + 1, descriptors * 3 // 4)

    @property
    def address(self) -> Address:
        """Where to listen. Errors: ConfigError."""
        ip = literal(self.addr)
        if ip is None or not 0 <= self.port <= 0xFFFF:
            raise ConfigError(f"serve: expected an IP address and a port, got addr={self.addr!r}, port={self.port!r}")
        return Address(ip, self.port)


@contextlib.asynccontextmanager
async def serving(
    handler: GuestHandler, network: Network, clock: Clock, options: ServeOptions
) -> AsyncIterator[GuestServer]:
    """A server, which is drained at the end; after an error it is closed at once."""
    server = HttpServer(
        network,
        [options.address],
        handler,
        tls=options.tls,
        limits=options.limits,
        clock=clock,
        answered=options.answered,
    )
    async with server:
        try:
            yield GuestServer(server, handler)
        except asyncio.CancelledError:
            await server.drain(options.drain_s)
            raise
        await server.drain(options.drain_s)
