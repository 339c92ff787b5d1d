"""Connections of HTTP/2 to a server: requests share them, each on a stream of its own.

| event on a stream | code |
|---|---|
| the server resets it, or the connection ends, before the response | connection-terminated |
| the same within the response | HTTP-response-incomplete |
| GOAWAY leaves it out | connection-terminated; the request was not looked at |
| bytes that are not HTTP/2, or beyond the limits of `machine` | HTTP-protocol-error, for all streams |
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from h2 import events
from h2.events import Event
from hyperframe.frame import GoAwayFrame

from wasihost._base.clock import Clock
from wasihost._http.asking import Exchange, seconds
from wasihost._http.client_connection import IDLE_S
from wasihost._http.connection import Common
from wasihost._http.errors import ErrorCode, HttpError, connecting_failed
from wasihost._http.http2 import fields
from wasihost._http.http2.connection import Http2Connection
from wasihost._http.http2.machine import CANCEL
from wasihost._http.http2.stream import Stream, StreamContent
from wasihost._http.incoming import Flow
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import Header, Request
from wasihost._http.outgoing import Framing
from wasihost._http.parsing import End
from wasihost._http.requests import Prepared
from wasihost._http.timing import Deadline


class ClientStream(Stream):
    """A stream with a request, as the channel of its exchange."""

    def __init__(self, connection: Http2ClientConnection, number: int, request: Request) -> None:
        super().__init__(connection.machine, number)
        self.trailers: list[Header] = []
        self.clock: Clock = connection.clock
        self.limits: MessageLimits = connection.limits
        self.method = request.method
        self.exchange = Exchange(self, request)
        self._connection = connection
        self._deadline = Deadline(self.clock, self._expired)
        self._deadline.set(seconds(request.options.first_byte_timeout_s))

    @property
    def flow(self) -> Flow:
        return self

    def fail(self, error: HttpError, code: int = CANCEL) -> None:
        if self.error is None:
            super().fail(error, code)

    def lost(self, error: HttpError) -> None:
        if error.code is ErrorCode.CONNECTION_TERMINATED and self.exchange.has_begun and not self.exchange.has_response:
            error = HttpError(ErrorCode.HTTP_RESPONSE_INCOMPLETE)
        super().lost(error)
        self._deadline.close()
        self.exchange.fail(error)
        self._connection.forget(self)

    def has_head(self) -> None:
        """The head of the response has come."""
        self._deadline.close()

    def _expired(self) -> None:
        self.fail(HttpError(ErrorCode.CONNECTION_READ_TIMEOUT))

    def end(self) -> None:
        """The exchange is done."""
        self._connection.forget(self)


class Http2ClientConnection(Http2Connection[ClientStream]):
    """A connection that was made; `changed` is called when it has become idle, or is closed."""

    def __init__(
        self, common: Common, clock: Clock, limits: MessageLimits, changed: Callable[[Http2ClientConnection], None]
    ) -> None:
        super().__init__(common, clock, limits, is_client=True)
        self._changed = changed
        self._deadline = Deadline(clock, self.close)
        self._is_going = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self.streams and self.error is None and not self.transport.is_closing()

    @property
    def has_room(self) -> bool:
        """Whether another exchange can begin."""
        is_open = self.error is None and not self._is_going and not self.transport.is_closing()
        return is_open and self.machine.open_streams < self.machine.most_streams

    def begin(self, request: Request, prepared: Prepared) -> Exchange:
        """Sends a request; the exchange owns its body."""
        self._deadline.clear()
        stream = ClientStream(self, self.machine.next_stream(), request)
        self.streams[stream.number] = stream
        target = prepared.target
        pseudo = {"method": prepared.method, "scheme": target.scheme, "authority": prepared.authority}
        head = fields.written(pseudo | {"path": target.path}, filter(_is_allowed, prepared.headers))
        framing = Framing(length=prepared.framing.length, is_sent=prepared.framing.length != 0)
        self.machine.put_head(stream.number, head, ends=not framing.is_sent)
        stream.exchange.send(StreamContent(self.machine, stream, framing, ErrorCode.HTTP_REQUEST_BODY_SIZE))
        return stream.exchange

    def forget(self, stream: ClientStream) -> None:
        """A stream has ended."""
        if self.streams.pop(stream.number, None) is None or self.streams or self.error is not None:
            return
        if self._is_going:
            self.close()
        else:
            self._deadline.set(IDLE_S)
            self._changed(self)

    def close(self) -> None:
        """Closes it; nothing is under way."""
        self.machine.go_away()
        self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._deadline.close()
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            self.fail(connecting_failed(error))
        super().connection_lost(error)
        self._changed(self)

    # ---- incoming

    def goes_away(self, frame: GoAwayFrame) -> None:
        self._is_going = True
        for stream in list(self.streams.values()):
            if stream.number > frame.last_stream_id:
                stream.lost(HttpError(ErrorCode.CONNECTION_TERMINATED))
        if not self.streams:
            self.close()

    def take(self, event: Event) -> None:
        stream = self.streams.get(getattr(event, "stream_id", None) or 0)
        if stream is None:
            return
        try:
            self._take_response(stream, event)
        except HttpError as error:
            stream.fail(error)

    def _take_response(self, stream: ClientStream, event: Event) -> None:
        if isinstance(event, events.ResponseReceived):
            stream.exchange.has_begun = True
            head = fields.response_head(event.headers or [], stream.method)
            _check(head.headers, stream.limits, ErrorCode.HTTP_RESPONSE_HEADER_SECTION_SIZE)
            stream.exchange.take(head)
        elif isinstance(event, events.TrailersReceived):
            _, stream.trailers = fields.split(event.headers or [])
            _check(stream.trailers, stream.limits, ErrorCode.HTTP_RESPONSE_TRAILER_SECTION_SIZE)
        elif isinstance(event, events.StreamEnded):
            stream.exchange.take(End(stream.trailers))
        elif isinstance(event, events.StreamReset):
            stream.lost(HttpError(ErrorCode.CONNECTION_TERMINATED))

    def take_content(self, stream: ClientStream, data: bytes) -> None:
        try:
            stream.exchange.take(data)
        except HttpError as error:
            stream.fail(error)


def _is_allowed(header: Header) -> bool:
    """Whether HTTP/2 has it: of `te` only trailers (RFC 9113, section 8.2.2)."""
    name, value = header
    return name.lower() != "te" or value.strip().lower() == b"trailers"


def _check(headers: list[Header], limits: MessageLimits, code: ErrorCode) -> None:
    """Errors: HttpError, if they are too many."""
    if len(headers) > limits.headers:
        raise HttpError(code, limits.head_bytes)
