"""One request that goes out, and its response.

Theory of operation. A request's body goes out while the response comes in: a server may answer before it has the body,
and both may be endless. An exchange is done when both have come to their end.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from wasihost._base.clock import Clock
from wasihost._base.eager import begin
from wasihost._http import outgoing
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.incoming import Flow, IncomingBody, Straight
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import Request, Response
from wasihost._http.outgoing import Outgoing
from wasihost._http.parsing import End, ResponseEvent, ResponseHead

TIMEOUT_S: Final = 600.0
"""For each of the three time-outs that a request leaves open, as of Wasmtime."""


def seconds(given: float | None) -> float:
    """A time-out of a request."""
    return TIMEOUT_S if given is None else given


class Channel(Protocol):
    """The carrier of an exchange: a connection of HTTP/1.1, or a stream of HTTP/2."""

    @property
    def clock(self) -> Clock:
        """Of the time-outs."""

    @property
    def limits(self) -> MessageLimits:
        """Of the response."""

    @property
    def flow(self) -> Flow:
        """The source of the response's content."""

    def fail(self, error: HttpError) -> None:
        """Ends it; `error` goes to its reader and its writer."""

    def has_head(self) -> None:
        """The head of the response has come, which is awaited for the first-byte time-out of the request."""

    def end(self) -> None:
        """The exchange is done."""


class Exchange:
    """One request and its response."""

    def __init__(self, channel: Channel, request: Request) -> None:
        self.has_begun = False
        """Whether any of the response has come."""
        self._channel = channel
        self._request = request
        self._response: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._body: IncomingBody | None = None
        self._sending: asyncio.Future[None] | None = None
        self._is_sent = False
        self._content_bytes = 0

    def fail(self, error: HttpError) -> None:
        """The channel has ended."""
        if self._sending is not None:
            self._sending.cancel()
        if self._body is not None:
            self._body.fail(error)
        if not self._response.done():
            self._response.set_exception(error)

    # ---- the request

    def send(self, out: Outgoing) -> None:
        """Begins to send its content; the head is out."""
        self._sending = begin(outgoing.send(self._request.body, out))
        if self._sending.done():  # as mostly without content
            self._sent(self._sending)
        else:
            self._sending.add_done_callback(self._sent)

    def _sent(self, sending: asyncio.Future[None]) -> None:
        if sending.cancelled():
            return
        error = sending.exception()
        if error is None:
            self._is_sent = True
            self._end_if_done()
        elif isinstance(error, HttpError):
            self._channel.fail(error)
        else:  # an exception of a body in Python
            if not self._response.done():
                self._response.set_exception(error)
            self._channel.fail(HttpError(ErrorCode.INTERNAL_ERROR))

    # ---- the response

    @property
    def straight(self) -> Straight | None:
        """The connection, if content can be read straight from it once the head has come."""
        return None

    async def response(self) -> Response:
        """The response as soon as there is its head. Errors: HttpError."""
        try:
            return await self._response
        except HttpError as error:
            self._channel.fail(error)
            raise
        except BaseException:
            self._channel.fail(HttpError(ErrorCode.CONNECTION_TERMINATED))
            raise

    @property
    def has_response(self) -> bool:
        """Whether all of it has come."""
        return self._body is not None and self._body.has_ended

    def take(self, event: ResponseEvent) -> None:
        """Some of it has come. Errors: HttpError."""
        if isinstance(event, ResponseHead):
            self._begin_body(event)
            return
        assert self._body is not None
        if isinstance(event, End):
            self._body.end(event.trailers)
            self._end_if_done()
        else:
            self.count(len(event))
            self._body.feed(event)

    def count(self, size: int) -> None:
        """So much content has come. Errors: HttpError, if it is too much."""
        self._content_bytes += size
        self._check_size(self._content_bytes)

    def _begin_body(self, head: ResponseHead) -> None:
        self._channel.has_head()
        self._check_size(head.length or 0)
        self._body = IncomingBody(
            self._channel.flow,
            self._channel.clock,
            head.length,
            timeout_s=seconds(self._request.options.between_bytes_timeout_s),
            closed=self._body_closed,
            straight=self.straight,
        )
        if not self._response.done():
            self._response.set_result(Response(status=head.status, headers=head.headers, body=self._body))

    def _check_size(self, size: int) -> None:
        limit = self._channel.limits.body_bytes
        if limit is not None and size > limit:
            raise HttpError(ErrorCode.HTTP_RESPONSE_BODY_SIZE, limit)

    def _body_closed(self, error: HttpError | None) -> None:
        if not self.has_response:
            self._channel.fail(error or HttpError(ErrorCode.CONNECTION_TERMINATED))

    def _end_if_done(self) -> None:
        if self._is_sent and self.has_response:
            self._channel.end()
