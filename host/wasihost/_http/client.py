"""An HTTP/1.1 client: a `Handler` that sends requests over a network.

Theory of operation. Each request has a connection of its own, on which its body goes out while the response comes in: a
server may answer before it has the body, and both may be endless. The response is there with its head. The connection
is closed when both bodies have come to their end, and at once when either is given up.

Nothing is added to a request but `host` and the framing of its body; redirects, cookies, encodings and proxies are the
guest's own affair, as in Wasmtime.

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
import ssl
from typing import Final

from wasihost._base.clock import Clock, RunningClock
from wasihost._base.eager import begin
from wasihost._http import outgoing, tls
from wasihost._http.connecting import Connect
from wasihost._http.connection import Connection, read_buffer
from wasihost._http.errors import ErrorCode, HttpError, connecting_failed
from wasihost._http.incoming import IncomingBody
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import Header, Request, Response
from wasihost._http.outgoing import HOP_BY_HOP, Framing, Outgoing, is_token
from wasihost._http.parsing import End, ResponseEvent, ResponseHead, ResponseParser
from wasihost._http.targets import Target, target_of
from wasihost._http.timing import within
from wasihost._network.base import Socket
from wasihost._network.peers import SocketTransport

TIMEOUT_S: Final = 600.0
"""For each of the three time-outs that a request leaves open, as of Wasmtime."""

_OWN = HOP_BY_HOP | {"host"}


class Client:
    """Sends each request that it is called with, and gives the response: a `Handler`.

    `tls` makes connections for https, by default with the roots of the system.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        clock: Clock | None = None,
        limits: MessageLimits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.clock = clock or RunningClock()
        self.limits = limits or MessageLimits()
        self.buffer = read_buffer()
        self.exchanges: set[_Exchange] = set()
        self._connect = connect
        self._tls = tls

    async def __call__(self, request: Request) -> Response:
        """The response, when its head has come. Errors: HttpError."""
        try:
            exchange = await self._begun(request)
        except HttpError as error:
            request.body.close(error)
            raise
        except BaseException:
            request.body.close(HttpError(ErrorCode.CONNECTION_TERMINATED))
            raise
        return await exchange.response(_seconds(request.options.first_byte_timeout_s))

    def close(self) -> None:
        """Ends every exchange that is under way."""
        for exchange in list(self.exchanges):
            exchange.fail(HttpError(ErrorCode.CONNECTION_TERMINATED))

    async def _begun(self, request: Request) -> _Exchange:
        """An exchange whose request is on its way; it owns the request's body."""
        if not is_token(request.method) or request.method == "CONNECT":
            raise HttpError(ErrorCode.HTTP_REQUEST_METHOD_INVALID)
        target = target_of(request)
        headers, framing = _framed(request)
        authority = (request.authority or "").encode()
        head = outgoing.head(f"{request.method} {target.path} HTTP/1.1", [("host", authority), *headers])
        exchange = _Exchange(request, self)
        await self._open(exchange, request, target)
        exchange.send(head, framing)
        return exchange

    async def _open(self, exchange: _Exchange, request: Request, target: Target) -> None:
        seconds = _seconds(request.options.connect_timeout_s)
        try:
            async with within(self.clock, seconds, ErrorCode.CONNECTION_TIMEOUT):
                socket = await self._connect(request)
                if target.scheme == "https":
                    socket = await self._secured(socket, target.host)
            await exchange.open_on(socket)
        except OSError as error:
            raise connecting_failed(error) from error

    async def _secured(self, socket: Socket, host: str) -> Socket:
        self._tls = self._tls or tls.client_context()
        return await tls.connected(socket, self._tls, host.strip("[]"))


def _seconds(given: float | None) -> float:
    return TIMEOUT_S if given is None else given


class _Exchange(Connection):
    """One request and its response, on a connection of their own; its client has it until that is closed."""

    def __init__(self, request: Request, client: Client) -> None:
        super().__init__(client.buffer, client.clock, client.limits)
        self._request = request
        self._client = client
        self._parser = ResponseParser(request.method, client.limits)
        self._response: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._body: IncomingBody | None = None
        self._received = 0
        self._sending: asyncio.Future[None] | None = None
        self._is_sent = False

    async def open_on(self, socket: Socket) -> None:
        """Makes the socket its own. Errors: OSError."""
        try:
            self.transport = SocketTransport(socket, self)
        except BaseException:
            socket.close()
            raise
        self._client.exchanges.add(self)
        try:
            await asyncio.sleep(0)  # connection_made
        except BaseException:
            self.transport.abort()
            raise

    def fail(self, error: HttpError) -> None:
        if self.error is not None:
            return
        self.error = error
        if self._sending is not None:
            self._sending.cancel()
        if self._body is not None:
            self._body.fail(error)
        if not self._response.done():
            self._response.set_exception(error)
        self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._client.exchanges.discard(self)
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            self.fail(connecting_failed(error))  # TLS 1.3: that the server wants another certificate, for one
        elif self._has_response:
            self.fail(HttpError(ErrorCode.CONNECTION_TERMINATED))
        else:
            self.fail(self._parser.broken_off())
        super().connection_lost(error)

    # ---- the request

    def send(self, head: bytes, framing: Framing) -> None:
        """Begins to send the request."""
        self.write(head)
        out = Outgoing(self, framing, ErrorCode.HTTP_REQUEST_BODY_SIZE)
        self._sending = begin(outgoing.send(self._request.body, out))
        self._sending.add_done_callback(self._sent)

    def _sent(self, sending: asyncio.Future[None]) -> None:
        if sending.cancelled():
            return
        error = sending.exception()
        if error is None:
            self._is_sent = True
            self._close_if_done()
        elif isinstance(error, HttpError):
            self.fail(error)
        else:  # what a body in Python raised
            if not self._response.done():
                self._response.set_exception(error)
            self.fail(HttpError(ErrorCode.INTERNAL_ERROR))

    # ---- the response

    async def response(self, timeout_s: float) -> Response:
        """The response as soon as there is its head. Errors: HttpError."""
        try:
            async with within(self.clock, timeout_s, ErrorCode.CONNECTION_READ_TIMEOUT):
                return await self._response
        except HttpError as error:
            self.fail(error)
            raise
        except BaseException:
            self.fail(HttpError(ErrorCode.CONNECTION_TERMINATED))
            raise

    def received(self, data: bytes) -> None:
        if self.error is None and not self._has_response:
            self._parser.receive(data)
            self._advance()

    def eof_received(self) -> None:
        self.received(b"")

    @property
    def _has_response(self) -> bool:
        return self._body is not None and self._body.has_ended

    def _advance(self) -> None:
        try:
            while not self._has_response and (event := self._parser.next_event()) is not None:
                self._take(event)
        except HttpError as error:
            self.fail(error)

    def _take(self, event: ResponseEvent) -> None:
        if isinstance(event, ResponseHead):
            self._begin_body(event)
            return
        assert self._body is not None
        if isinstance(event, End):
            self._body.end(event.trailers)
            self._close_if_done()
        else:
            self._received += len(event)
            self._check_size(self._received)
            self._body.feed(event)

    def _begin_body(self, head: ResponseHead) -> None:
        self._check_size(head.length or 0)
        timeout_s = _seconds(self._request.options.between_bytes_timeout_s)
        self._body = IncomingBody(
            self.transport, self.clock, head.length, timeout_s=timeout_s, closed=self._body_closed
        )
        if not self._response.done():
            self._response.set_result(Response(status=head.status, headers=head.headers, body=self._body))

    def _check_size(self, size: int) -> None:
        limit = self.limits.body_bytes
        if limit is not None and size > limit:
            raise HttpError(ErrorCode.HTTP_RESPONSE_BODY_SIZE, limit)

    def _body_closed(self, error: HttpError | None) -> None:
        if not self._has_response:
            self.fail(error or HttpError(ErrorCode.CONNECTION_TERMINATED))

    def _close_if_done(self) -> None:
        if self._is_sent and self._has_response:
            self.transport.close()


# ---- what is sent


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
