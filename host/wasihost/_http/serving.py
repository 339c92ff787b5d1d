"""The connections of a server, each with one exchange after another.

Theory of operation. A request comes in and the handler's answer goes out, each in its own time. The next request is
looked at when both have ended, so requests that were sent ahead wait as bytes. The end of a request whose body the
handler gave up cannot be found, so the connection is closed after the answer; it is read on for a moment, since a
client that is still sending would lose the answer with the reset (RFC 9112, section 9.6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wasihost._http import answers
from wasihost._http.answering import Exchange, Served, Serving
from wasihost._http.connection import Connection
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.heads import BadRequest, Http2Preface, RequestHead
from wasihost._http.incoming import Flow
from wasihost._http.messages import Response
from wasihost._http.outgoing import ConnectionContent, Outgoing
from wasihost._http.parsing import End, RequestEvent, RequestParser
from wasihost._http.timing import Deadline

_HELD_BYTES = 1 << 16
"""Of requests that were sent ahead; beyond it nothing is read."""
_FIRST_BYTES = 1 << 16
"""Of a request, with its head. Content beyond it is read straight from the socket."""
_LINGER_S = 2


class ServerConnection(Connection):
    """A connection that came in; it is one of `connections` as long as it is open."""

    def __init__(self, server: Serving, connections: set[Served]) -> None:
        super().__init__(server.common, server.clock, server.limits)
        self._server = server
        self._connections = connections
        self._parser = RequestParser(server.limits)
        self._exchange: Exchange | None = None
        self._deadline = Deadline(server.clock, self._expired)
        self._has_served = False
        self._at_end = False  # the client sends no more
        self._is_deaf = False  # later bytes of it are thrown away
        self._is_lingering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.add(self)
        self._deadline.set(self._server.limits.head_timeout_s)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        self._deadline.close()
        self.error = self.error or HttpError(ErrorCode.CONNECTION_TERMINATED)
        if self._exchange is not None:
            self._exchange.cancel(self.error)
        super().connection_lost(error)

    def fail(self, error: HttpError) -> None:
        self.error = self.error or error
        self.transport.abort()

    # ---- as a channel

    @property
    def flow(self) -> Flow:
        return self.transport

    def send_continue(self) -> None:
        self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.flush()

    def begin(self, asked: RequestHead, response: Response, *, keeps_alive: bool) -> Outgoing:
        head, framing = answers.head(asked, response, date=self._server.date(), keeps_alive=keeps_alive)
        self.write(head)
        return ConnectionContent(self, framing, ErrorCode.HTTP_RESPONSE_BODY_SIZE)

    def break_off(self, error: HttpError, out: Outgoing | None) -> None:
        self.error = self.error or error
        if out is not None and out.ends_with_connection:
            self.transport.abort()
        else:
            self.flush()
            self.transport.close()

    # ---- ends

    def close_if_idle(self, *, also_unused: bool) -> None:
        """Closes it unless a request has begun to come, or may come since there was none yet."""
        is_idle = self._exchange is None and not self._parser.has_received
        if is_idle and (self._has_served or also_unused):
            self.transport.close()

    def _expired(self) -> None:
        if self._is_lingering:
            self.transport.abort()
        elif self._parser.has_received:
            self._refuse(408)
        else:
            self.transport.close()

    # ---- incoming

    def get_buffer(self, sizehint: int) -> memoryview:
        buffer = super().get_buffer(sizehint)
        return buffer if self._exchange is not None else buffer[:_FIRST_BYTES]

    def received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        is_first = self._exchange is None and not self._parser.has_received
        self._parser.receive(data)
        self._advance()
        if is_first and self._exchange is None and self._parser.has_received:
            self._deadline.set(self._server.limits.head_timeout_s)

    def eof_received(self) -> bool:
        self._at_end = True
        if self._is_lingering:
            self.transport.close()
        else:
            self._advance()
            self._settle()
        return True  # there may be answers to send

    def _advance(self) -> None:
        """Takes the bytes of the request under way, or begins the next one."""
        if self._is_deaf:
            return
        self._take_events()
        exchange = self._exchange
        if self._at_end:
            if exchange is None:
                self.transport.close()
                return
            exchange.body.fail(HttpError(ErrorCode.CONNECTION_TERMINATED))
        if exchange is None:
            return
        if not exchange.has_begun:
            exchange.begin()
        elif self._parser.held_bytes > _HELD_BYTES:
            self.transport.pause_reading()

    def _take_events(self) -> None:
        try:
            while not self._has_request and (event := self._parser.next_event()) is not None:
                self._take(event)
        except BadRequest as error:
            self._refuse(error.status)
        except Http2Preface as preface:
            self._speak_http2(preface.data)

    def read_content(self, view: memoryview) -> int:
        assert self._parser.content is not None
        size = self.read_straight(view, self._parser.content)
        if size:
            self._take_events()
        return size

    def wait_content(self, callback: Callable[[], None]) -> None:
        self.transport.when_readable(callback)

    def _speak_http2(self, data: bytes) -> None:
        """Leaves the transport to a connection of HTTP/2, if there is h2."""
        try:
            from wasihost._http.http2.server import Http2ServerConnection
        except ModuleNotFoundError:
            self._refuse(505)
            return
        self._deadline.close()
        self._connections.discard(self)
        connection = Http2ServerConnection(self._server, self._connections)
        self.transport.set_protocol(connection)
        connection.connection_made(self.transport)
        connection.received(data)

    @property
    def _has_request(self) -> bool:
        """Whether a request has come to its end, so that later bytes wait."""
        return self._exchange is not None and self._exchange.body.has_ended

    def _take(self, event: RequestEvent) -> None:
        if isinstance(event, RequestHead):
            straight = self if event.length is not None and event.length > _FIRST_BYTES else None
            self._exchange = Exchange(self._server, self, event, self._settle, straight)
            self._deadline.clear()
            if event.length == 0:
                self._exchange.body.end([])
            return
        assert self._exchange is not None
        if isinstance(event, End):
            self._exchange.end(event.trailers)
        else:
            self._exchange.feed(event)

    def _refuse(self, status: int) -> None:
        """The bytes that came are no request, or not the rest of one."""
        if self._exchange is None:
            self.write(answers.refusal(status, self._server.date()))
            self._linger()
            self._server.report_refusal(self.peer, status)
        else:
            self._is_deaf = True
            self._exchange.refuse(status)

    # ---- the next request

    def _settle(self) -> None:
        """Goes on to the next request, or ends the connection, if the exchange has ended on both sides."""
        exchange = self._exchange
        if exchange is None or not exchange.is_answered or self.error is not None:
            return
        body = exchange.body
        if body.has_ended and exchange.keeps_alive:
            self._exchange = None
            self._has_served = True
            self._next()
        elif self._at_end or (body.has_ended and not self._parser.has_received):
            self.transport.close()
        elif body.has_ended or body.is_closed or body.error is not None:
            self._linger()

    def _next(self) -> None:
        if self._parser.has_received:
            self._deadline.set(self._server.limits.head_timeout_s)
            asyncio.get_running_loop().call_soon(self._advance)
        elif self._at_end or self._server.is_draining:
            self.transport.close()
        else:
            self._deadline.set(self._server.limits.idle_timeout_s)
        self.transport.resume_reading()

    def _linger(self) -> None:
        self._is_deaf = True
        self._is_lingering = True
        self.flush()
        self.transport.resume_reading()
        self.transport.write_eof()
        self._deadline.set(_LINGER_S)
