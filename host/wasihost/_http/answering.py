"""One request that came in, and a handler's answer.

| event | the handler gets, of the request's body |
|---|---|
| the client ends or leaves within it | connection-terminated |
| it is not made of chunks as it should be | HTTP-protocol-error |
| it is longer than `body_bytes`, or its trailers than `head_bytes` | HTTP-request-body-size, -trailer-section-size |
| nothing comes for `body_timeout_s` | connection-read-timeout |

A handler that fails with that code lets the client know by the status.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from email.utils import formatdate
from typing import Final, Protocol

from wasihost._base.clock import NS_PER_S, Clock
from wasihost._base.eager import begin
from wasihost._base.frozen import Frozen
from wasihost._http import asked, outgoing
from wasihost._http.connection import Common
from wasihost._http.errors import ErrorCode, HttpError, explained
from wasihost._http.heads import BadRequest, RequestHead
from wasihost._http.incoming import Flow, IncomingBody, Straight
from wasihost._http.limits import ServerLimits
from wasihost._http.messages import Handler, Header, Request, Response, failure, values
from wasihost._http.outgoing import Outgoing

LOGGER: Final = logging.getLogger("wasihost.http")

_STATUSES = {  # of the answer to a request whose body broke off with this code
    ErrorCode.CONNECTION_READ_TIMEOUT: 408,
    ErrorCode.CONNECTION_TERMINATED: 400,
    ErrorCode.HTTP_PROTOCOL_ERROR: 400,
    ErrorCode.HTTP_REQUEST_BODY_SIZE: 413,
    ErrorCode.HTTP_REQUEST_TRAILER_SECTION_SIZE: 431,
}


class Answered(Frozen):
    """A request and its answer, for an access log.

    `status` is None if none was sent; `error` is the failure that broke the answer off. For bytes that were no request
    at all, method and target are "-".
    """

    peer: str
    method: str
    target: str
    status: int | None
    content_bytes: int
    duration_ns: int
    error: HttpError | None


class Served(Protocol):
    """A connection of a server."""

    def fail(self, error: HttpError) -> None:
        """Ends it at once; `error` goes to whatever reads or writes."""

    def close_if_idle(self, *, also_unused: bool) -> None:
        """Closes it unless a request has begun to come, or may come since there was none yet."""


class Serving:
    """The common parts of the connections of a server."""

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
        self.exchanges: set[Exchange] = set()
        """Those whose handlers run."""
        self.common = Common()
        self.is_draining = False
        self._date = (0, b"")

    def report_refusal(self, peer: str, status: int) -> None:
        """Bytes that were no request, or a request not for the handler, were answered with this status."""
        if self.answered is not None:
            self.answered(
                Answered(
                    peer=peer,
                    method="-",
                    target="-",
                    status=status,
                    content_bytes=0,
                    duration_ns=0,
                    error=None,
                )
            )

    def date(self) -> bytes:
        """The value of `date` (RFC 9110, section 6.6.1)."""
        now_s = self.clock.system_ns() // NS_PER_S
        if self._date[0] != now_s:
            self._date = (now_s, formatdate(now_s, usegmt=True).encode())
        return self._date[1]

    def asked(self, head: RequestHead) -> asked.Asked:
        """The scheme, authority and path that a request asks for. Errors: BadRequest."""
        host = self.authority if head.host is None else head.host
        found = asked.parse(head.method, head.target, scheme=head.scheme or self.scheme, authority=host)
        if found is None or not asked.is_host(host):
            raise BadRequest(400)
        return found

    def check_size(self, content_bytes: int) -> None:
        """Errors: BadRequest, if that is too much for a request."""
        limit = self.limits.body_bytes
        if limit is not None and content_bytes > limit:
            raise BadRequest(413)


class Channel(Protocol):
    """The carrier of an exchange: a connection of HTTP/1.1, or a stream of HTTP/2."""

    @property
    def peer(self) -> str:
        """The IP address of the client."""

    @property
    def error(self) -> HttpError | None:
        """The error that ended it early."""

    @property
    def flow(self) -> Flow:
        """The source of the request's content."""

    def send_continue(self) -> None:
        """Sends 100 (Continue) at once."""

    def begin(self, asked: RequestHead, response: Response, *, keeps_alive: bool) -> Outgoing:
        """Sends the head of a response; returns the sink of its content. Errors: HttpError, if it cannot be sent."""

    def break_off(self, error: HttpError, out: Outgoing | None) -> None:
        """Ends it so that the client sees that the answer is not whole."""


class Exchange:
    """A request and its answer. `changed` is called when one of them has ended; `straight` as of `IncomingBody`.

    Errors: BadRequest.
    """

    def __init__(
        self,
        serving: Serving,
        channel: Channel,
        head: RequestHead,
        changed: Callable[[], None],
        straight: Straight | None = None,
    ) -> None:
        serving.check_size(head.length or 0)
        asked_for = serving.asked(head)
        self.body = IncomingBody(
            channel.flow,
            serving.clock,
            head.length,
            timeout_s=serving.limits.body_timeout_s,
            closed=lambda _error: changed(),
            wanted=self._continue,
            straight=straight,
        )
        self.is_answered = False
        self.keeps_alive = False
        self._request = Request(
            method=head.method,
            scheme=asked_for.scheme,
            authority=asked_for.authority,
            path=asked_for.path,
            headers=head.headers,
            body=self.body,
        )
        self._serving = serving
        self._channel = channel
        self._head = head
        self._changed = changed
        self._begun_ns = serving.clock.monotonic_ns()
        self._received_bytes = 0
        self.answer: asyncio.Future[None] | None = None
        """The sending of the answer, from when the handler is called."""
        self._status: int | None = None  # as it was sent
        self._out: Outgoing | None = None

    # ---- the request

    def feed(self, data: bytes | bytearray) -> None:
        """More of its content. Errors: BadRequest."""
        self._received_bytes += len(data)
        self._serving.check_size(self._received_bytes)
        self.body.feed(data)

    def end(self, trailers: list[Header]) -> None:
        """That was all of it."""
        self.body.end(trailers)
        self._changed()

    def refuse(self, status: int) -> None:
        """The bytes that came are not the rest of it."""
        limits = self._serving.limits
        if status == 413:
            self.body.fail(HttpError(ErrorCode.HTTP_REQUEST_BODY_SIZE, limits.body_bytes))
        elif status == 431:
            self.body.fail(HttpError(ErrorCode.HTTP_REQUEST_TRAILER_SECTION_SIZE, limits.head_bytes))
        else:
            self.body.fail(HttpError(ErrorCode.HTTP_PROTOCOL_ERROR))
        self._changed()

    def _continue(self) -> None:
        """The handler wants content that the client may hold back until it hears so (RFC 9110, section 10.1.1)."""
        if self._head.expects_continue:
            self._head.expects_continue = False
            if not self._received_bytes:
                self._channel.send_continue()

    # ---- the answer

    @property
    def has_begun(self) -> bool:
        """Whether the handler was called."""
        return self.answer is not None

    def begin(self) -> None:
        """Calls the handler."""
        self._serving.exchanges.add(self)
        self.answer = begin(self._answered())

    def cancel(self, error: HttpError) -> None:
        """The channel has ended."""
        self.body.fail(error)
        if self.answer is not None:
            self.answer.cancel()

    async def _answered(self) -> None:
        try:
            await self._send(await self._response())
        except HttpError as error:
            if self._channel.error is None:
                LOGGER.warning("%s: the answer broke off: %s", self, explained(error))
            self._channel.break_off(error, self._out)
        except Exception:
            LOGGER.exception("%s: the body of the answer failed", self)
            self._channel.break_off(HttpError(ErrorCode.INTERNAL_ERROR), self._out)
        finally:
            self._serving.exchanges.discard(self)
            self._report()
        self.is_answered = True
        if not self.body.was_read:
            self.body.close()
        self._changed()

    async def _response(self) -> Response:
        """The handler's response, or an answer that says no more than its status."""
        try:
            return await self._serving.handler(self._request)
        except HttpError as error:
            broken = self.body.error
            self.body.close(error)
            if broken is not None and broken.code is error.code:
                return failure(_STATUSES.get(error.code, 500))
            LOGGER.warning("%s: no answer: %s", self, explained(error))
        except Exception:
            self.body.close(HttpError(ErrorCode.INTERNAL_ERROR))
            LOGGER.exception("%s: no answer", self)
        return failure(500)

    async def _send(self, response: Response) -> None:
        if not self.body.is_closed:
            self._continue()  # after the final head no client would wait for it
        self.keeps_alive = self._can_keep_alive(response)
        try:
            self._out = self._begin(response)
        except HttpError as error:
            LOGGER.warning("%s: an answer that cannot be sent: %s", self, error)
            response.body.close(error)
            response = failure(500)
            self._out = self._begin(response)
        self._status = response.status
        await outgoing.send(response.body, self._out)

    def _begin(self, response: Response) -> Outgoing:
        return self._channel.begin(self._head, response, keeps_alive=self.keeps_alive)

    def _can_keep_alive(self, response: Response) -> bool:
        """Whether another request can follow, as far as is known when the head is sent."""
        if not self._head.keeps_alive or self._head.method == "CONNECT" or self._serving.is_draining:
            return False
        if not self.body.has_ended and (self.body.is_closed or self.body.error is not None):
            return False
        return not any(b"close" in value.lower() for value in values(response.headers, "connection"))

    def _report(self) -> None:
        if self._serving.answered is not None:
            answered = Answered(
                peer=self._channel.peer,
                method=self._head.method,
                target=self._head.target,
                status=self._status,
                content_bytes=self._out.sent_bytes if self._out else 0,
                duration_ns=self._serving.clock.monotonic_ns() - self._begun_ns,
                error=self._channel.error,
            )
            self._serving.answered(answered)

    def __str__(self) -> str:
        return f"{self._head.method} {self._head.target}"
