"""The connections of a client: a request out and its response in, one exchange after another.

Theory of operation. When an exchange is done, its connection waits for another one, if the server leaves it open. It is
cut at once when either side of the exchange is given up.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Final

from wasihost._base.clock import Clock
from wasihost._http.asking import Exchange, seconds
from wasihost._http.connection import Common, Connection
from wasihost._http.errors import ErrorCode, HttpError, connecting_failed
from wasihost._http.incoming import Flow, Straight
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import Request
from wasihost._http.outgoing import ConnectionContent
from wasihost._http.parsing import ResponseParser
from wasihost._http.requests import Prepared
from wasihost._http.timing import Deadline

IDLE_S: Final = 4.0
"""Less than servers wait for a request: Node.js and uvicorn close after 5 s."""


class ClientConnection(Connection):
    """A connection that was made; `changed` is called when it has become idle, or is closed."""

    def __init__(
        self, common: Common, clock: Clock, limits: MessageLimits, changed: Callable[[ClientConnection], None]
    ) -> None:
        super().__init__(common, clock, limits)
        self._changed = changed
        self._exchange: ParsedExchange | None = None
        self._deadline = Deadline(clock, self._expired)

    @property
    def is_idle(self) -> bool:
        """Whether another exchange can begin."""
        return self._exchange is None and self.error is None and not self.transport.is_closing()

    def begin(self, request: Request, prepared: Prepared) -> Exchange:
        """Sends a request; the exchange owns its body."""
        self._deadline.set(seconds(request.options.first_byte_timeout_s))
        exchange = self._exchange = ParsedExchange(self, request)
        self.write(prepared.head)
        exchange.send(ConnectionContent(self, prepared.framing, ErrorCode.HTTP_REQUEST_BODY_SIZE))
        return exchange

    # ---- as a channel

    @property
    def flow(self) -> Flow:
        return self.transport

    def has_head(self) -> None:
        """The head of the response has come."""
        self._deadline.clear()

    def end(self) -> None:
        """The exchange is done."""
        exchange = self._exchange
        self._exchange = None
        if exchange is not None and exchange.keeps_alive:
            self._deadline.set(IDLE_S)
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


class ParsedExchange(Exchange):
    """A request and its response, which have a connection for themselves."""

    def __init__(self, connection: ClientConnection, request: Request) -> None:
        super().__init__(connection, request)
        self._connection = connection
        self._parser = ResponseParser(request.method, connection.limits)

    @property
    def keeps_alive(self) -> bool:
        """Whether, after the end of the response, another can follow on the connection."""
        return self._parser.keeps_alive

    def broken_off(self) -> HttpError:
        """The error if the connection ends now."""
        if self.has_response:
            return HttpError(ErrorCode.CONNECTION_TERMINATED)
        return self._parser.broken_off()

    def received(self, data: bytes) -> None:
        """The server sent this; b"": and that was all."""
        if self._connection.error is not None or self.has_response:
            return
        self.has_begun = self.has_begun or bool(data)
        self._parser.receive(data)
        self._advance()

    def _advance(self) -> None:
        try:
            while not self.has_response and (event := self._parser.next_event()) is not None:
                self.take(event)
        except HttpError as error:
            self._connection.fail(error)

    # ---- straight from the connection

    @property
    def straight(self) -> Straight | None:
        return None if self._parser.content is None else self

    def read_content(self, view: memoryview) -> int:
        assert self._parser.content is not None
        size = self._connection.read_straight(view, self._parser.content)
        if size:
            try:
                self.count(size)
            except HttpError as error:
                self._connection.fail(error)
            self._advance()
        return size if self._connection.error is None else 0

    def wait_content(self, callback: Callable[[], None]) -> None:
        self._connection.transport.when_readable(callback)
