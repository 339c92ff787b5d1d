"""The connections of a server: requests in, a handler's answers out.

Theory of operation. A connection has one exchange at a time: a request that comes in, and the handler's answer, each in
its own time. The next request is looked at when both have ended, so requests that were sent ahead wait as bytes. What
follows a request whose body the handler gave up cannot be found, so the connection is closed after the answer; it is
read on for a moment, since a client that is still sending would lose the answer with the reset (RFC 9112, section 9.6).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from email.utils import formatdate
from typing import Final

from wasihost._base.clock import NS_PER_S, Clock
from wasihost._base.eager import begin
from wasihost._base.frozen import Frozen
from wasihost._http import answers, asked, outgoing
from wasihost._http.connection import Connection, read_buffer
from wasihost._http.errors import ErrorCode, HttpError, explained
from wasihost._http.incoming import IncomingBody
from wasihost._http.limits import ServerLimits
from wasihost._http.messages import Handler, Request, Response, failure, values
from wasihost._http.outgoing import Framing, Outgoing
from wasihost._http.parsing import BadRequest, End, RequestEvent, RequestHead, RequestParser
from wasihost._http.timing import Deadline

LOGGER: Final = logging.getLogger("wasihost.http")

_HELD_BYTES = 1 << 16
"""Of requests that were sent ahead; beyond it nothing is read."""
_LINGER_S = 2
_STATUSES = {  # of the answer to a request whose body broke off with this code
    ErrorCode.CONNECTION_READ_TIMEOUT: 408,
    ErrorCode.CONNECTION_TERMINATED: 400,
    ErrorCode.HTTP_PROTOCOL_ERROR: 400,
    ErrorCode.HTTP_REQUEST_BODY_SIZE: 413,
    ErrorCode.HTTP_REQUEST_TRAILER_SECTION_SIZE: 431,
}


class Answered(Frozen):
    """A request and what became of it, for an access log.

    `status` is what was sent, None if nothing was; `error` what broke the answer off.
    """

    peer: str
    method: str
    target: str
    status: int | None
    content_bytes: int
    duration_ns: int
    error: HttpError | None


class Serving:
    """What the connections of a server share."""

    def __init__(
        self,
        handler: Handler,
        *,
        scheme: str,
        authority: str,
        clock: Clock,
        limits: ServerLimits,
        answered: Callable[[Answered], None] | None,
    ) -> None:
        self.handler = handler
        self.scheme = scheme
        self.authority = authority
        self.clock = clock
        self.limits = limits
        self.answered = answered
        self.connections: set[ServerConnection] = set()
        self.answers: set[asyncio.Future[None]] = set()
        self.buffer = read_buffer()
        self.is_draining = False
        self._date = (0, b"")

    def date(self) -> bytes:
        """The value of `date` (RFC 9110, section 6.6.1)."""
        now_s = self.clock.system_ns() // NS_PER_S
        if self._date[0] != now_s:
            self._date = (now_s, formatdate(now_s, usegmt=True).encode())
        return self._date[1]


class _Exchange:
    """A request and its answer."""

    def __init__(self, head: RequestHead, request: Request, body: IncomingBody, begun_ns: int) -> None:
        self.head = head
        self.request = request
        self.body = body
        self.begun_ns = begun_ns
        self.received_bytes = 0
        self.answer: asyncio.Future[None] | None = None
        self.status: int | None = None  # as it was sent
        self.out: Outgoing | None = None
        self.keeps_alive = False
        self.is_answered = False


class ServerConnection(Connection):
    """A connection that came in."""

    limits: ServerLimits

    def __init__(self, server: Serving) -> None:
        super().__init__(server.buffer, server.clock, server.limits)
        self._server = server
        self._parser = RequestParser(server.limits)
        self._exchange: _Exchange | None = None
        self._deadline = Deadline(server.clock, self._expired)
        self._has_served = False
        self._at_end = False  # the client sends no more
        self._is_deaf = False  # what else it sends is thrown away
        self._is_lingering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server.connections.add(self)
        self._deadline.set(self.limits.head_timeout_s)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        self._deadline.close()
        self.error = self.error or HttpError(ErrorCode.CONNECTION_TERMINATED)
        if self._exchange is not None:
            self._exchange.body.fail(self.error)
            if self._exchange.answer is not None:
                self._exchange.answer.cancel()
        super().connection_lost(error)

    def fail(self, error: HttpError) -> None:
        self.error = self.error or error
        self.transport.abort()

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

    # ---- requests

    def received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        is_first = self._exchange is None and not self._parser.has_received
        self._parser.receive(data)
        self._advance()
        if is_first and self._exchange is None and self._parser.has_received:
            self._deadline.set(self.limits.head_timeout_s)

    def eof_received(self) -> bool:
        self._at_end = True
        if self._is_lingering:
            self.transport.close()
        elif self._exchange is None:
            self._advance()
        else:
            self._exchange.body.fail(HttpError(ErrorCode.CONNECTION_TERMINATED))
            self._settle()
        return True  # there may be answers to send

    def _advance(self) -> None:
        """Takes what has come of the request under way, or begins the next one."""
        try:
            while not self._has_request and (event := self._parser.next_event()) is not None:
                self._take(event)
        except BadRequest as error:
            self._refuse(error.status)
        exchange = self._exchange
        if exchange is None:
            if self._at_end:
                self.transport.close()
        elif exchange.answer is None:
            self._begin_answer(exchange)
        elif self._parser.held_bytes > _HELD_BYTES:
            self.transport.pause_reading()

    @property
    def _has_request(self) -> bool:
        """Whether a request has come to its end, so that what follows waits."""
        return self._exchange is not None and self._exchange.body.has_ended

    def _take(self, event: RequestEvent) -> None:
        if isinstance(event, RequestHead):
            self._exchange = self._begun(event)
            return
        exchange = self._exchange
        assert exchange is not None
        if isinstance(event, End):
            exchange.body.end(event.trailers)
            self._settle()
        else:
            exchange.received_bytes += len(event)
            self._check_size(exchange.received_bytes)
            exchange.body.feed(event)

    def _begun(self, head: RequestHead) -> _Exchange:
        self._deadline.clear()
        self._check_size(head.length or 0)
        asked_for = self._asked(head)
        body = IncomingBody(
            self.transport,
            self.clock,
            head.length,
            timeout_s=self.limits.body_timeout_s,
            closed=self._body_closed,
            wanted=self._continue,
        )
        request = Request(
            method=head.method,
            scheme=asked_for.scheme,
            authority=asked_for.authority,
            path=asked_for.path,
            headers=head.headers,
            body=body,
        )
        return _Exchange(head, request, body, self.clock.monotonic_ns())

    def _asked(self, head: RequestHead) -> asked.Asked:
        host = self._server.authority if head.host is None else head.host
        found = asked.parse(head.method, head.target, scheme=self._server.scheme, authority=host)
        if found is None or not asked.is_host(host):
            raise BadRequest(400)
        return found

    def _check_size(self, size: int) -> None:
        limit = self.limits.body_bytes
        if limit is not None and size > limit:
            raise BadRequest(413)

    def _continue(self) -> None:
        """The handler wants content that the client may hold back until it hears so (RFC 9110, section 10.1.1)."""
        exchange = self._exchange
        if exchange is not None and exchange.head.expects_continue:
            exchange.head.expects_continue = False
            if not exchange.received_bytes:
                self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.flush()

    def _refuse(self, status: int) -> None:
        """What came is no request, or not the rest of one."""
        if self._exchange is None:
            self.write(answers.refusal(status, self._server.date()))
            self._linger()
            return
        self._is_deaf = True
        self._exchange.body.fail(self._broken(status))
        self._settle()

    def _broken(self, status: int) -> HttpError:
        if status == 413:
            return HttpError(ErrorCode.HTTP_REQUEST_BODY_SIZE, self.limits.body_bytes)
        if status == 431:
            return HttpError(ErrorCode.HTTP_REQUEST_TRAILER_SECTION_SIZE, self.limits.head_bytes)
        return HttpError(ErrorCode.HTTP_PROTOCOL_ERROR)

    # ---- answers

    def _begin_answer(self, exchange: _Exchange) -> None:
        exchange.answer = begin(self._answered(exchange))
        if not exchange.answer.done():
            self._server.answers.add(exchange.answer)
            exchange.answer.add_done_callback(self._server.answers.discard)

    async def _answered(self, exchange: _Exchange) -> None:
        try:
            await self._send(exchange, await self._response(exchange))
        except HttpError as error:
            if self.error is None:
                LOGGER.warning("%s: the answer broke off: %s", _name(exchange), explained(error))
            self._break_off(exchange, error)
        except Exception:
            LOGGER.exception("%s: the body of the answer failed", _name(exchange))
            self._break_off(exchange, HttpError(ErrorCode.INTERNAL_ERROR))
        finally:
            self._report(exchange)
        exchange.is_answered = True
        if not exchange.body.was_read:
            exchange.body.close()
        self._settle()

    async def _response(self, exchange: _Exchange) -> Response:
        """What the handler gives, or an answer that says no more than its status."""
        try:
            return await self._server.handler(exchange.request)
        except HttpError as error:
            broken = exchange.body.error
            exchange.body.close(error)
            if broken is not None and broken.code is error.code:
                return failure(_STATUSES.get(error.code, 500))
            LOGGER.warning("%s: no answer: %s", _name(exchange), explained(error))
        except Exception:
            exchange.body.close(HttpError(ErrorCode.INTERNAL_ERROR))
            LOGGER.exception("%s: no answer", _name(exchange))
        return failure(500)

    async def _send(self, exchange: _Exchange, response: Response) -> None:
        if not exchange.body.is_closed:
            self._continue()  # after the final head no client would wait for it
        exchange.keeps_alive = self._keeps_alive(exchange, response)
        try:
            head, framing = self._head(exchange, response)
        except HttpError as error:
            LOGGER.warning("%s: an answer that cannot be sent: %s", _name(exchange), error)
            response.body.close(error)
            response = failure(500)
            head, framing = self._head(exchange, response)
        exchange.status = response.status
        exchange.out = Outgoing(self, framing, ErrorCode.HTTP_RESPONSE_BODY_SIZE)
        self.write(head)
        await outgoing.send(response.body, exchange.out)

    def _head(self, exchange: _Exchange, response: Response) -> tuple[bytes, Framing]:
        return answers.head(exchange.head, response, date=self._server.date(), keeps_alive=exchange.keeps_alive)

    def _keeps_alive(self, exchange: _Exchange, response: Response) -> bool:
        """Whether another request can follow, as far as is known when the head is sent."""
        body = exchange.body
        if not exchange.head.keeps_alive or self._server.is_draining or self._is_deaf:
            return False
        if body.is_closed and not body.has_ended:
            return False
        return b"close" not in b",".join(values(response.headers, "connection")).lower()

    def _break_off(self, exchange: _Exchange, error: HttpError) -> None:
        """Ends the connection so that the client sees that the answer is not whole."""
        self.error = self.error or error
        if exchange.out is not None and exchange.out.ends_with_connection:
            self.transport.abort()
        else:
            self.flush()
            self.transport.close()

    def _body_closed(self, _error: HttpError | None) -> None:
        self._settle()

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
            self._deadline.set(self.limits.head_timeout_s)
            asyncio.get_running_loop().call_soon(self._advance)
        elif self._at_end or self._server.is_draining:
            self.transport.close()
        else:
            self._deadline.set(self.limits.idle_timeout_s)
        self.transport.resume_reading()

    def _linger(self) -> None:
        self._is_deaf = True
        self._is_lingering = True
        self.flush()
        self.transport.resume_reading()
        self.transport.write_eof()
        self._deadline.set(_LINGER_S)

    def _report(self, exchange: _Exchange) -> None:
        if self._server.answered is not None:
            self._server.answered(
                Answered(
                    peer=str(self.transport.get_extra_info("peername")[0]),
                    method=exchange.head.method,
                    target=exchange.head.target,
                    status=exchange.status,
                    content_bytes=exchange.out.sent_bytes if exchange.out else 0,
                    duration_ns=self.clock.monotonic_ns() - exchange.begun_ns,
                    error=self.error,
                )
            )


def _name(exchange: _Exchange) -> str:
    return f"{exchange.head.method} {exchange.head.target}"
