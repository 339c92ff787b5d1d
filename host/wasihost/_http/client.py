"""A client of HTTP/1.1 and HTTP/2: a `Handler` that sends requests over a network.

Nothing is added to a request but `host` and the framing of its body; redirects, cookies, encodings and proxies are the
guest's own affair, as in Wasmtime.

A connection whose exchange is done stays open for some seconds, and serves the next request to the same place. The
server may close it just then, so only a request that may be sent twice goes there, and is, on a new connection, unless
some of a response has come (RFC 9110, section 9.2.2). All others have a new connection, but for HTTP/2, whose requests
share one.

| failure | code |
|---|---|
| the scheme is neither http nor https | HTTP-protocol-error |
| authority or path are not of a URI, or there is no authority | HTTP-request-URI-invalid |
| the method is not a token; CONNECT, which makes a tunnel | HTTP-request-method-invalid |
| the body is not as long as content-length says | HTTP-request-body-size |
| lookup, connection or TLS handshake | see `errors` |
| they take too long | connection-timeout |
| no head after the first-byte time-out, no content after that between bytes | connection-read-timeout |
| the peer does not read for `write_timeout_s` | connection-write-timeout |
| the connection ends before the response | connection-terminated |
| it ends within the response | HTTP-response-incomplete |
| a head, trailers or content beyond `MessageLimits` | HTTP-response-header-section-size, -trailer-…, -body-size |
| a transfer coding other than chunked | HTTP-response-transfer-coding |
| anything else that is not HTTP | HTTP-protocol-error |
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import ssl
from typing import TYPE_CHECKING, TypeAlias

from wasihost._base.clock import Clock, RunningClock
from wasihost._http import parsing, tls
from wasihost._http.asking import seconds
from wasihost._http.client_connection import ClientConnection
from wasihost._http.connecting import Connect
from wasihost._http.connection import Common
from wasihost._http.errors import ErrorCode, HttpError, connecting_failed
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import EMPTY, Request, Response, values
from wasihost._http.requests import Place, Prepared
from wasihost._http.timing import within
from wasihost._network.base import Socket

if TYPE_CHECKING:
    from wasihost._http.http2.client import Http2ClientConnection

_MOST_IDLE = 16

AnyConnection: TypeAlias = "ClientConnection | Http2ClientConnection"


class Client:
    """Sends each request that it is called with, and gives the response: a `Handler`.

    `tls` makes connections for https, by default with the roots of the system. With `keeps_alive` connections are used
    again. Errors: MissingExtraError.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        clock: Clock | None = None,
        limits: MessageLimits | None = None,
        tls: ssl.SSLContext | None = None,
        keeps_alive: bool = True,
    ) -> None:
        parsing.require()
        self._connect = connect
        self._clock = clock or RunningClock()
        self._limits = limits or MessageLimits()
        self._tls = tls
        self._keeps_alive = keeps_alive
        self._common = Common()
        self._connections: set[AnyConnection] = set()
        self._idle: dict[ClientConnection, Place] = {}
        self._shared: dict[Place, Http2ClientConnection] = {}
        self._is_closed = False

    async def __call__(self, request: Request) -> Response:
        """The response, when its head has come. Errors: HttpError."""
        try:
            prepared = Prepared(request)
            used = await self._used_connection(prepared)
            connection = used or await self._opened(request, prepared)
        except HttpError as error:
            request.body.close(error)
            raise
        except BaseException:
            request.body.close(HttpError(ErrorCode.CONNECTION_TERMINATED))
            raise
        exchange = connection.begin(request, prepared)
        try:
            return await exchange.response()
        except HttpError as error:
            is_stale = (
                used is not None
                and prepared.is_repeatable
                and error.code is ErrorCode.CONNECTION_TERMINATED
                and not exchange.has_begun
            )
            if not is_stale or self._is_closed:
                raise
        return await self._repeated(dataclasses.replace(request, body=EMPTY), prepared)

    async def _repeated(self, request: Request, prepared: Prepared) -> Response:
        connection = await self._opened(request, prepared)
        return await connection.begin(request, prepared).response()

    def close(self) -> None:
        """Ends exchanges under way, and closes idle connections."""
        self._is_closed = True
        for connection in list(self._connections):
            if connection.is_idle:
                connection.close()
            else:
                connection.fail(HttpError(ErrorCode.CONNECTION_TERMINATED))

    # ---- connections

    async def _opened(self, request: Request, prepared: Prepared) -> AnyConnection:
        timeout_s = seconds(request.options.connect_timeout_s)
        try:
            async with within(self._clock, timeout_s, ErrorCode.CONNECTION_TIMEOUT):
                socket = await self._connect(request)
                if prepared.target.scheme == "https":
                    socket = await self._secured(socket, prepared.target.host)
            connection = self._made(prepared, socket)
            await connection.open_on(socket)
        except OSError as error:
            raise connecting_failed(error) from error
        self._connections.add(connection)
        if self._is_closed:
            connection.close()
            raise HttpError(ErrorCode.CONNECTION_TERMINATED)
        if self._keeps_alive and not isinstance(connection, ClientConnection):
            self._shared[prepared.place] = connection
        return connection

    def _made(self, prepared: Prepared, socket: Socket) -> AnyConnection:
        """A connection in the version of HTTP that the server speaks."""
        place = prepared.place
        if not _speaks_http2(prepared, socket):
            return ClientConnection(self._common, self._clock, self._limits, functools.partial(self._changed, place))
        from wasihost._http.http2.client import Http2ClientConnection

        return Http2ClientConnection(
            self._common, self._clock, self._limits, functools.partial(self._shared_changed, place)
        )

    async def _secured(self, socket: Socket, host: str) -> Socket:
        self._tls = self._tls or tls.client_context()
        return await tls.connected(socket, self._tls, host.strip("[]"))

    async def _used_connection(self, prepared: Prepared) -> AnyConnection | None:
        """One to the same place that takes another request, if there is one."""
        shared = self._shared.get(prepared.place)
        if shared is not None and shared.is_idle:
            await asyncio.sleep(0)  # as below
        if shared is not None and shared.has_room:
            return shared
        return await self._idle_connection(prepared.place) if prepared.is_repeatable else None

    async def _idle_connection(self, place: Place) -> ClientConnection | None:
        """The last one that was used to that place, if it is open."""
        if place in self._idle.values():
            await asyncio.sleep(0)  # a pass of the event loop, in which it hears whether the server has closed it
        for connection, other in reversed(self._idle.items()):
            if other == place:
                del self._idle[connection]
                return connection
        return None

    def _changed(self, place: Place, connection: ClientConnection) -> None:
        """A connection has become idle, or was closed."""
        if not connection.is_idle:
            self._idle.pop(connection, None)
            self._connections.discard(connection)
        elif self._keeps_alive and len(self._idle) < _MOST_IDLE:
            self._idle[connection] = place
        else:
            connection.close()

    def _shared_changed(self, place: Place, connection: Http2ClientConnection) -> None:
        """A connection of HTTP/2 has become idle, or was closed."""
        if not connection.is_idle:
            self._connections.discard(connection)
            if self._shared.get(place) is connection:
                del self._shared[place]
        elif not self._keeps_alive:
            connection.close()


def _speaks_http2(prepared: Prepared, socket: Socket) -> bool:
    """Whether the server does: by ALPN, or as gRPC goes over nothing else, if there is h2."""
    if isinstance(socket, tls.TlsSocket):
        return socket.protocol == "h2"
    contents = values(prepared.headers, "content-type")
    return any(each.startswith(b"application/grpc") for each in contents) and tls.HAS_HTTP2
