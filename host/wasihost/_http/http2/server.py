"""Connections of HTTP/2 that came in: each stream is an exchange.

| event | the client gets |
|---|---|
| a request that is malformed, or beyond the limits of `machine` | GOAWAY; the connection ends |
| one that is not answered, as its headers are too many | a status, as in HTTP/1.1 |
| a handler that fails before the head | 500 |
| one that fails later | RST_STREAM, INTERNAL_ERROR |
| a handler that answers and leaves the rest of the request | RST_STREAM, NO_ERROR, after the answer |
| more than 100 resets by the client than it got answers | GOAWAY, ENHANCE_YOUR_CALM |
| a drain | GOAWAY; streams under way go on to their end |
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from h2 import events
from h2.events import Event
from hyperframe.frame import GoAwayFrame

from wasihost._http import answers
from wasihost._http.answering import Exchange, Served, Serving
from wasihost._http.connection import TOGETHER_PASSES
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.heads import BadRequest, RequestHead
from wasihost._http.http2 import fields
from wasihost._http.http2.connection import Http2Connection
from wasihost._http.http2.machine import ENHANCE_YOUR_CALM, NO_ERROR, REFUSED_STREAM, Machine
from wasihost._http.http2.stream import Stream, StreamContent
from wasihost._http.incoming import Flow
from wasihost._http.messages import Header, Response
from wasihost._http.outgoing import Framing, Outgoing
from wasihost._http.timing import Deadline

_RESETS: Final = 100
"""More than a page has requests that are given up when it is left."""


class Answer(StreamContent):
    """Sends the head of an answer, and takes its content.

    The head waits for some passes of the event loop: if there turns out to be no content, it ends the stream. Clients
    of gRPC look for its status in such a head, and else in trailers.
    """

    def __init__(self, machine: Machine, stream: ServerStream, head: fields.Fields, framing: Framing) -> None:
        super().__init__(machine, stream, framing, ErrorCode.HTTP_RESPONSE_BODY_SIZE)
        self._head: fields.Fields | None = head
        if framing.is_sent:
            self._put_head_after(TOGETHER_PASSES)
        else:
            self._put_head(ends=True)

    def _put_head_after(self, passes: int) -> None:
        if passes and self.error is None:
            asyncio.get_running_loop().call_soon(self._put_head_after, passes - 1)
        elif self.error is None:
            with contextlib.suppress(HttpError):  # which the stream hears of, too
                self._put_head(ends=False)

    def _put_head(self, *, ends: bool) -> None:
        if self._head is not None:
            self._machine.put_head(self._number, self._head, ends=ends)
            self._head = None

    def _put(self, view: memoryview) -> int:
        self._put_head(ends=False)
        return super()._put(view)

    def _put_end(self, trailers: list[Header]) -> None:
        if self._head is not None and not trailers and self.error is None:
            self._put_head(ends=True)
        else:
            self._put_head(ends=False)
            super()._put_end(trailers)


class ServerStream(Stream):
    """A stream with a request, as the channel of its exchange."""

    def __init__(self, connection: Http2ServerConnection, number: int) -> None:
        super().__init__(connection.machine, number)
        self.exchange: Exchange | None = None  # of a request that a handler gets
        self.trailers: list[Header] = []
        self._connection = connection

    @property
    def peer(self) -> str:
        return self._connection.peer

    @property
    def flow(self) -> Flow:
        return self

    def send_continue(self) -> None:
        self._machine.put_head(self.number, fields.written({"status": "100"}, []))
        self.flush()

    def begin(self, asked: RequestHead, response: Response, *, keeps_alive: bool) -> Outgoing:
        if self.error is not None:
            raise self.error
        headers, framing = answers.described(asked, response, date=self._connection.server.date())
        head = fields.written({"status": str(response.status)}, headers)
        return Answer(self._machine, self, head, framing)

    def break_off(self, error: HttpError, out: Outgoing | None) -> None:
        if self.error is None:
            self.fail(error)

    def lost(self, error: HttpError) -> None:
        super().lost(error)
        if self.exchange is not None:
            self.exchange.cancel(error)
        self._connection.settle(self)


class Http2ServerConnection(Http2Connection[ServerStream]):
    """A connection that came in; it is one of `connections` as long as it is open."""

    def __init__(self, server: Serving, connections: set[Served]) -> None:
        super().__init__(server.common, server.clock, server.limits, is_client=False)
        self.server = server
        self._connections = connections
        self._deadline = Deadline(server.clock, self._go)
        self._resets_left = _RESETS
        self._is_going = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.add(self)
        self._deadline.set(self.server.limits.head_timeout_s)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        self._deadline.close()
        super().connection_lost(error)

    def close_if_idle(self, *, also_unused: bool) -> None:
        """Takes no more requests, and ends with those under way; one that had none may wait for one."""
        if self.machine.last_stream or also_unused:
            self._go()

    def _go(self) -> None:
        if not self._is_going:
            self._is_going = True
            self.machine.go_away()
        if not self.streams:
            self.transport.close()

    def eof_received(self) -> bool:
        self._is_going = True
        for stream in list(self.streams.values()):
            if stream.exchange is not None and not stream.exchange.body.has_ended:
                stream.lost(HttpError(ErrorCode.CONNECTION_TERMINATED))
        if not self.streams:
            self.transport.close()
        return True  # there may be answers to send

    def goes_away(self, frame: GoAwayFrame) -> None:
        """It asks for nothing more; its answers go on."""

    # ---- incoming

    def take(self, event: Event) -> None:
        if isinstance(event, events.RequestReceived):
            self._open(event)
            return
        stream = self.streams.get(getattr(event, "stream_id", None) or 0)
        if stream is None or stream.exchange is None:
            return
        if isinstance(event, events.TrailersReceived):
            _, stream.trailers = fields.split(event.headers or [])
        elif isinstance(event, events.StreamEnded):
            self._end_request(stream.exchange, stream.trailers)
        elif isinstance(event, events.StreamReset):
            self._count_reset()
            stream.lost(HttpError(ErrorCode.CONNECTION_TERMINATED))

    def _open(self, event: events.RequestReceived) -> None:
        number = event.stream_id or 0
        if self._is_going:
            self.machine.reset(number, REFUSED_STREAM)
            return
        self._deadline.clear()
        stream = ServerStream(self, number)
        try:
            head = fields.request_head(event.headers or [], has_ended=event.stream_ended is not None)
            self._check(head)
            stream.exchange = Exchange(self.server, stream, head, lambda: self.settle(stream))
        except BadRequest as error:
            self._refuse(number, error.status)
            return
        self.streams[number] = stream
        stream.exchange.begin()

    def _check(self, head: RequestHead) -> None:
        """Errors: BadRequest, for a head beyond the limits that h2 does not know."""
        limits = self.server.limits
        if len(head.headers) > limits.headers:
            raise BadRequest(431)
        if len(head.target) > limits.target_bytes:
            raise BadRequest(414)

    def _refuse(self, number: int, status: int) -> None:
        """Answers a request that no handler gets."""
        headers = [("content-length", b"0"), ("date", self.server.date())]
        with contextlib.suppress(HttpError):  # the client has reset it
            self.machine.put_head(number, fields.written({"status": str(status)}, headers), ends=True)
        self.machine.reset(number, NO_ERROR)
        self.server.report_refusal(self.peer, status)
        self._rest()

    def take_content(self, stream: ServerStream, data: bytes) -> None:
        exchange = stream.exchange
        if exchange is None or exchange.body.error is not None:
            return
        try:
            exchange.feed(data)
        except BadRequest as error:
            exchange.refuse(error.status)

    def _end_request(self, exchange: Exchange, trailers: list[Header]) -> None:
        if len(trailers) > self.server.limits.headers:
            exchange.refuse(431)
        elif exchange.body.error is None:
            exchange.end(trailers)

    def _count_reset(self) -> None:
        self._resets_left -= 1
        if self._resets_left < 0:
            self.break_off(ENHANCE_YOUR_CALM)

    # ---- the next request

    def settle(self, stream: ServerStream) -> None:
        """Forgets a stream that has ended, or whose request was answered."""
        exchange = stream.exchange
        is_answered = exchange is not None and exchange.is_answered
        if self.streams.get(stream.number) is not stream or not (is_answered or stream.error is not None):
            return
        del self.streams[stream.number]
        if exchange is not None and stream.error is None:
            self._resets_left = min(self._resets_left + 1, _RESETS)
            if not exchange.body.has_ended:
                self.machine.reset(stream.number, NO_ERROR)
        self._rest()

    def _rest(self) -> None:
        """If nothing is under way, closes the connection or waits for more."""
        if self.streams or self.error is not None:
            return
        if self._is_going or self.server.is_draining:
            self._go()
        else:
            self._deadline.set(self.server.limits.idle_timeout_s)
