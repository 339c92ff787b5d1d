"""The connections of a client: a request out and its response in, one exchange after another.

Theory of operation. A request's body goes out while the response comes in: a server may answer before it has the body,
and both may be endless. An exchange is done when both have come to their end. Its connection then waits for another
exchange, if the server leaves it open. It is cut at once when either side of the exchange is given up.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

from wasihost._base.clock import Clock
from wasihost._base.eager import begin
from wasihost._http import outgoing
from wasihost._http.connection import Connection
from wasihost._http.errors import ErrorCode, HttpError, connecting_failed
from wasihost._http.incoming import IncomingBody
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import Request, Response
from wasihost._http.outgoing import Framing, Outgoing
from wasihost._http.parsing import End, ResponseEvent, ResponseHead, ResponseParser
from wasihost._http.timing import Deadline
from wasihost._network.base import Socket
from wasihost._network.peers import SocketTransport

TIMEOUT_S: Final = 600.0
"""For each of the three time-outs that a request leaves open, as of Wasmtime."""
_IDLE_S = 4.0
"""Less than what servers wait for a request at the least: Node.js and uvicorn close after 5 s."""


def seconds(given: float | None) -> float:
    """A time-out of a request."""
    return TIMEOUT_S if given is None else given


class ClientConnection(Connection):
    """A connection that was made; `changed` is called when it has become idle, or is closed."""

    def __init__(
        self, buffer: memoryview, clock: Clock, limits: MessageLimits, changed: Callable[[ClientConnection], None]
    ) -> None:
        super().__init__(buffer, clock, limits)
        self._changed = changed
        self._exchange: Exchange | None = None
        self._deadline = Deadline(clock, self._expired)

    async def open_on(self, socket: Socket) -> None:
        """Makes the socket its own. Errors: OSError."""
        try:
            self.transport = SocketTransport(socket, self)
        except BaseException:
            socket.close()
            raise
        try:
            await asyncio.sleep(0)  # connection_made
        except BaseException:
            self.transport.abort()
            raise

    @property
    def is_idle(self) -> bool:
        """Whether another exchange can begin."""
        return self._exchange is None and self.error is None and not self.transport.is_closing()

    def begin(self, request: Request, head: bytes, framing: Framing) -> Exchange:
        """Sends a request; the exchange owns its body."""
        self._deadline.set(seconds(request.options.first_byte_timeout_s))
        exchange = self._exchange = Exchange(self, request)
        exchange.send(head, framing)
        return exchange

    def has_head(self) -> None:
        """The head of the response has come."""
        self._deadline.clear()

    def end(self, *, keeps_alive: bool) -> None:
        """The exchange is done."""
        self._exchange = None
        if keeps_alive:
            self._deadline.set(_IDLE_S)
            self._changed(self)
        else:
            self.close()

    def _expired(self) -> None:
        if self._exchange is None:
            self.close()
        else:
            self.fail(HttpError(ErrorCode.CONNECTION_READ_TIMEOUT))

    def close(self) -> None:
        """Closes it; nothing is under way."""
        self.transport.close()

    # ---- the transport

    def fail(self, error: HttpError) -> None:
        if self.error is None:
            self.error = error
            if self._exchange is not None:
                self._exchange.fail(error)
            self.transport.abort()

    def received(self, data: bytes) -> None:
        if self._exchange is not None:
            self._exchange.received(data)
        else:  # a response without a request
            self.close()

    def eof_received(self) -> None:
        if self._exchange is not None:
            self._exchange.received(b"")

    def connection_lost(self, error: Exception | None) -> None:
        self._deadline.close()
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            self.fail(connecting_failed(error))  # TLS 1.3: that the server wants another certificate, for one
        elif self._exchange is not None:
            self.fail(self._exchange.broken_off())
        else:
            self.fail(HttpError(ErrorCode.CONNECTION_TERMINATED))
        super().connection_lost(error)
        self._changed(self)


class Exchange:
    """One request and its response."""

    def __init__(self, connection: ClientConnection, request: Request) -> None:
        self._connection = connection
        self._request = request
        self._parser = ResponseParser(request.method, connection.limits)
        self._response: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._body: IncomingBody | None = None
        self._received_bytes = 0
        self._sending: asyncio.Future[None] | None = None
        self._is_sent = False
        self._content_bytes = 0

    def fail(self, error: HttpError) -> None:
        """The connection has ended."""
        if self._sending is not None:
            self._sending.cancel()
        if self._body is not None:
            self._body.fail(error)
        if not self._response.done():
            self._response.set_exception(error)

    def broken_off(self) -> HttpError:
        """The error if the connection ends now."""
        if self._has_response:
            return HttpError(ErrorCode.CONNECTION_TERMINATED)
        return self._parser.broken_off()

    # ---- the request

    def send(self, head: bytes, framing: Framing) -> None:
        """Begins to send it."""
        self._connection.write(head)
        out = Outgoing(self._connection, framing, ErrorCode.HTTP_REQUEST_BODY_SIZE)
        self._sending = begin(outgoing.send(self._request.body, out))
        self._sending.add_done_callback(self._sent)

    def _sent(self, sending: asyncio.Future[None]) -> None:
        if sending.cancelled():
            return
        error = sending.exception()
        if error is None:
            self._is_sent = True
            self._end_if_done()
        elif isinstance(error, HttpError):
            self._connection.fail(error)
        else:  # what a body in Python raised
            if not self._response.done():
                self._response.set_exception(error)
            self._connection.fail(HttpError(ErrorCode.INTERNAL_ERROR))

    # ---- the response

    async def response(self) -> Response:
        """The response as soon as there is its head. Errors: HttpError."""
        try:
            return await self._response
        except HttpError as error:
            self._connection.fail(error)
            raise
        except BaseException:
            self._connection.fail(HttpError(ErrorCode.CONNECTION_TERMINATED))
            raise

    @property
    def has_begun(self) -> bool:
        """Whether any of the response has come."""
        return self._received_bytes > 0

    @property
    def _has_response(self) -> bool:
        return self._body is not None and self._body.has_ended

    def received(self, data: bytes) -> None:
        """The server sent this; b"": and that was all."""
        if self._connection.error is not None or self._has_response:
            return
        self._received_bytes += len(data)
        self._parser.receive(data)
        self._advance()

    def _advance(self) -> None:
        try:
            self._check_size(self._content_bytes)
            while not self._has_response and (event := self._parser.next_event()) is not None:
                self._take(event)
        except HttpError as error:
            self._connection.fail(error)

    def _take(self, event: ResponseEvent) -> None:
        if isinstance(event, ResponseHead):
            self._begin_body(event)
            return
        assert self._body is not None
        if isinstance(event, End):
            self._body.end(event.trailers)
            self._end_if_done()
        else:
            self._content_bytes += len(event)
            self._check_size(self._content_bytes)
            self._body.feed(event)

    def _begin_body(self, head: ResponseHead) -> None:
        self._connection.has_head()
        self._check_size(head.length or 0)
        self._body = IncomingBody(
            self._connection.transport,
            self._connection.clock,
            head.length,
            timeout_s=seconds(self._request.options.between_bytes_timeout_s),
            closed=self._body_closed,
            straight=None if self._parser.content is None else self,
        )
        if not self._response.done():
            self._response.set_result(Response(status=head.status, headers=head.headers, body=self._body))

    def read_content(self, view: memoryview) -> int:
        assert self._parser.content is not None
        size = self._connection.read_straight(view, self._parser.content)
        if size:
            self._content_bytes += size
            self._advance()
        return size if self._connection.error is None else 0

    def wait_content(self, callback: Callable[[], None]) -> None:
        self._connection.transport.when_readable(callback)

    def _check_size(self, size: int) -> None:
        limit = self._connection.limits.body_bytes
        if limit is not None and size > limit:
            raise HttpError(ErrorCode.HTTP_RESPONSE_BODY_SIZE, limit)

    def _body_closed(self, error: HttpError | None) -> None:
        if not self._has_response:
            self._connection.fail(error or HttpError(ErrorCode.CONNECTION_TERMINATED))

    def _end_if_done(self) -> None:
        if self._is_sent and self._has_response:
            self._connection.end(keeps_alive=self._parser.keeps_alive)
