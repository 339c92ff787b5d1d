"""An HTTP/1.1 client: a `Handler` that sends requests over a network.

Nothing is added to a request but `host` and the framing of its body; redirects, cookies, encodings and proxies are the
guest's own affair, as in Wasmtime.

A connection whose exchange is done stays open for some seconds, and serves the next request to the same place. The
server may close it just then, so only a request that may be sent twice goes there, and is, on a new connection, unless
some of a response has come (RFC 9110, section 9.2.2). All others have a new connection.

| what fails | code |
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
| anything else that is not HTTP/1.1 | HTTP-protocol-error |
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import ssl
from typing import NamedTuple, TypeAlias

from wasihost._base.clock import Clock, RunningClock
from wasihost._http import outgoing, parsing, tls
from wasihost._http.client_connection import ClientConnection, seconds
from wasihost._http.connecting import Connect
from wasihost._http.connection import read_buffer
from wasihost._http.errors import ErrorCode, HttpError, connecting_failed
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import EMPTY, Header, Request, Response
from wasihost._http.outgoing import HOP_BY_HOP, Framing, is_token
from wasihost._http.targets import Target, target_of
from wasihost._http.timing import within
from wasihost._network.base import Socket

_OWN = HOP_BY_HOP | {"host"}
_REPEATABLE = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE")
_MOST_IDLE = 16

_Place: TypeAlias = tuple[str, str, int]
"""Scheme, host and port, which requests on one connection share."""


class _Prepared(NamedTuple):
    """A request that can be sent."""

    target: Target
    head: bytes
    framing: Framing

    @property
    def place(self) -> _Place:
        return self.target.scheme, self.target.host, self.target.port


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
        self._buffer = read_buffer()
        self._connections: set[ClientConnection] = set()
        self._idle: dict[ClientConnection, _Place] = {}
        self._is_closed = False

    async def __call__(self, request: Request) -> Response:
        """The response, when its head has come. Errors: HttpError."""
        try:
            prepared = _prepared(request)
            idle = await self._idle_connection(prepared.place) if _is_repeatable(request) else None
            connection = idle or await self._opened(request, prepared)
        except HttpError as error:
            request.body.close(error)
            raise
        except BaseException:
            request.body.close(HttpError(ErrorCode.CONNECTION_TERMINATED))
            raise
        exchange = connection.begin(request, prepared.head, prepared.framing)
        try:
            return await exchange.response()
        except HttpError as error:
            is_stale = idle is not None and error.code is ErrorCode.CONNECTION_TERMINATED and not exchange.has_begun
            if not is_stale or self._is_closed:
                raise
        return await self._repeated(dataclasses.replace(request, body=EMPTY), prepared)

    async def _repeated(self, request: Request, prepared: _Prepared) -> Response:
        connection = await self._opened(request, prepared)
        return await connection.begin(request, prepared.head, prepared.framing).response()

    def close(self) -> None:
        """Ends what is under way, and closes what is idle."""
        self._is_closed = True
        for connection in list(self._connections):
            if connection.is_idle:
                connection.close()
            else:
                connection.fail(HttpError(ErrorCode.CONNECTION_TERMINATED))

    # ---- connections

    async def _opened(self, request: Request, prepared: _Prepared) -> ClientConnection:
        connection = ClientConnection(
            self._buffer, self._clock, self._limits, functools.partial(self._changed, prepared.place)
        )
        timeout_s = seconds(request.options.connect_timeout_s)
        try:
            async with within(self._clock, timeout_s, ErrorCode.CONNECTION_TIMEOUT):
                socket = await self._connect(request)
                if prepared.target.scheme == "https":
                    socket = await self._secured(socket, prepared.target.host)
            await connection.open_on(socket)
        except OSError as error:
            raise connecting_failed(error) from error
        self._connections.add(connection)
        if self._is_closed:
            connection.close()
            raise HttpError(ErrorCode.CONNECTION_TERMINATED)
        return connection

    async def _secured(self, socket: Socket, host: str) -> Socket:
        self._tls = self._tls or tls.client_context()
        return await tls.connected(socket, self._tls, host.strip("[]"))

    async def _idle_connection(self, place: _Place) -> ClientConnection | None:
        """The last one that was used to that place, if it is open."""
        if place in self._idle.values():
            await asyncio.sleep(0)  # a pass of the event loop, in which it hears whether the server has closed it
        for connection, other in reversed(self._idle.items()):
            if other == place:
                del self._idle[connection]
                return connection
        return None

    def _changed(self, place: _Place, connection: ClientConnection) -> None:
        """A connection has become idle, or was closed."""
        if not connection.is_idle:
            self._idle.pop(connection, None)
            self._connections.discard(connection)
        elif self._keeps_alive and len(self._idle) < _MOST_IDLE:
            self._idle[connection] = place
        else:
            connection.close()


# ---- what is sent


def _prepared(request: Request) -> _Prepared:
    """What is to be sent, and where. Errors: HttpError."""
    if not is_token(request.method) or request.method == "CONNECT":
        raise HttpError(ErrorCode.HTTP_REQUEST_METHOD_INVALID)
    target = target_of(request)
    headers, framing = _framed(request)
    authority = (request.authority or "").encode()
    head = outgoing.head(f"{request.method} {target.path} HTTP/1.1", [("host", authority), *headers])
    return _Prepared(target, head, framing)


def _is_repeatable(request: Request) -> bool:
    """Whether it has no content, and may be carried out twice."""
    return request.method in _REPEATABLE and request.body.length == 0


def _framed(request: Request) -> tuple[list[Header], Framing]:
    """The headers that are sent, and how the body is. Errors: HttpError."""
    headers = [header for header in request.headers if header[0].lower() not in _OWN]
    declared = outgoing.declared_length(headers)
    length = request.body.length if declared is None else declared
    if request.body.length not in (None, length):
        raise HttpError(ErrorCode.HTTP_REQUEST_BODY_SIZE, request.body.length)
    if length is None:
        headers.append(("transfer-encoding", b"chunked"))
    elif declared is None and (length or request.method not in ("GET", "HEAD")):
        headers.append(("content-length", b"%d" % length))
    return headers, Framing(length=length, is_chunked=length is None)
