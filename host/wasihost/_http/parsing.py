"""A peer's bytes, as heads, pieces of content and ends.

Theory of operation. A parser is given bytes and asked for the next event until there is none. The head of a request is
read by `heads`, and so is that of a response, unless it is old or odd: then by `h11`; content is read here
and in `chunks`, and outgoing bytes are written by `outgoing`.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TypeAlias

from wasihost._base.errors import MissingExtraError
from wasihost._http.chunks import Chunks, MalformedChunks
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.heads import BadRequest, Http2Preface, RequestHead, closes, plain_head, request_head
from wasihost._http.limits import MessageLimits, ServerLimits
from wasihost._http.messages import Header, values

with contextlib.suppress(ModuleNotFoundError):  # see `require`
    import h11


def require() -> None:
    """Whatever parses responses calls this first. Errors: MissingExtraError, if h11 is not installed."""
    try:
        import h11  # noqa: F401
    except ModuleNotFoundError:
        raise MissingExtraError("http", "responses of HTTP/1.1 are parsed by h11") from None


@dataclass(slots=True)
class ResponseHead:
    """A response without its body; `length` is None if only the end says how long that is."""

    status: int
    headers: list[Header]
    length: int | None


@dataclass(slots=True)
class End:
    """A message has ended, with these trailers."""

    trailers: list[Header]


_HEAD_END = re.compile(rb"\n\r?\n")

ResponseEvent: TypeAlias = "ResponseHead | bytes | bytearray | End"
RequestEvent: TypeAlias = "RequestHead | bytes | bytearray | End"


def _headers(event: h11.Request | h11.Response) -> list[Header]:
    return [(name.decode("ascii"), value) for name, value in event.headers.raw_items()]


def _is_too_large(headers: list[Header], limits: MessageLimits) -> bool:
    """Whether they are beyond the limits. h11 sees to that only while they are not complete."""
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in headers)
    return len(headers) > limits.headers or size > limits.head_bytes


class Content:
    """Content that comes as it is: so many bytes, or None: all until the connection ends."""

    def __init__(self, length: int | None, data: bytes | bytearray) -> None:
        self.left = length
        self.rest = data
        """The bytes of it that have come and were not taken, and of the next message."""

    @property
    def trailers(self) -> list[Header] | None:
        """An empty list when it has ended by its length, since only chunks have trailers; None before."""
        return [] if self.left == 0 else None

    def receive(self, data: bytes) -> None:
        """The peer sent this."""
        self.rest += data

    def take(self) -> bytes | bytearray:
        """The bytes of it that have come since."""
        piece = self.rest
        if self.left is not None and len(piece) > self.left:
            piece = piece[: self.left]
        self.rest = self.rest[len(piece) :]
        self.skip(len(piece))
        return piece

    def skip(self, size: int) -> None:
        """So many bytes of it were taken."""
        if self.left is not None:
            self.left -= size


class ResponseParser:
    """The response to one request; interim responses are skipped."""

    def __init__(self, method: str, limits: MessageLimits) -> None:
        self._limits = limits
        self._method = method
        self._odd: h11.Connection | None = None  # for a head that `heads` does not read
        self._received = b""  # until the head is parsed
        self._searched = 0  # how much of it has no end of a head
        self._has_head = False
        self._keeps_alive = False
        self._at_end = False
        self._content: Content | Chunks | None = None

    def receive(self, data: bytes) -> None:
        """The peer sent this; b"": and that was all."""
        self._at_end = not data
        if self._content is not None:
            self._content.receive(data)
        else:
            self._received += data
            if self._odd is not None:
                self._odd.receive_data(data)

    def next_event(self) -> ResponseEvent | None:
        """The next event; None if more has to come, or it has ended. Errors: HttpError."""
        if self._content is not None:
            return self._next_piece(self._content)
        if self._odd is not None:
            return self._next_odd_head(self._odd)
        return self._next_head()

    def _next_head(self) -> ResponseHead | None:
        received = self._received
        end = _HEAD_END.search(received, self._searched)
        begins_well = received[:1] in (b"", b"H")  # other bytes are refused before they have an end
        if end is None and begins_well and not self._at_end:
            if len(received) > self._limits.head_bytes:
                raise self._too_large()
            self._searched = max(0, len(received) - 3)
            return None
        plain = None if end is None else plain_head(received[: end.end()])
        if end is not None and plain is not None:
            return self._head(*plain, received[end.end() :])
        self._odd = h11.Connection(h11.CLIENT, self._limits.head_bytes)
        self._odd.send(h11.Request(method=self._method, target="/", headers=[("host", "")]))
        for data in (received, b"") if self._at_end and received else (received,):
            self._odd.receive_data(data)
        return self._next_odd_head(self._odd)

    def _next_odd_head(self, message: h11.Connection) -> ResponseHead | None:
        try:
            event = message.next_event()
            while isinstance(event, h11.InformationalResponse):
                event = message.next_event()
        except h11.RemoteProtocolError as error:
            raise self._failed(error) from None
        if not isinstance(event, h11.Response):
            return None
        return self._head(event.status_code, event.http_version, _headers(event), message.trailing_data[0])

    @property
    def keeps_alive(self) -> bool:
        """Whether, after the end of the response, another can follow on the connection."""
        return self._keeps_alive and not self._at_end and self._content is not None and not self._content.rest

    @property
    def content(self) -> Content | None:
        """Where reading content straight from the connection is counted; None for chunks."""
        return self._content if isinstance(self._content, Content) else None

    def broken_off(self) -> HttpError:
        """The error if nothing follows."""
        has_begun = self._has_head or self._received
        return HttpError(ErrorCode.HTTP_RESPONSE_INCOMPLETE if has_begun else ErrorCode.CONNECTION_TERMINATED)

    def _next_piece(self, content: Content | Chunks) -> bytes | bytearray | End | None:
        try:
            piece = content.take()
        except MalformedChunks as error:
            raise self._too_large() if error.is_too_large else HttpError(ErrorCode.HTTP_PROTOCOL_ERROR) from None
        if piece:
            return piece
        if content.trailers is not None:
            return End(content.trailers)
        if not self._at_end:
            return None
        if isinstance(content, Content) and content.left is None:
            return End([])
        raise self.broken_off()

    def _head(self, status: int, version: bytes, headers: list[Header], rest: bytes) -> ResponseHead:
        if _is_too_large(headers, self._limits):
            raise self._too_large()
        length = _length(headers)
        if length is None and values(headers, "content-length"):
            # RFC 9112, section 6.3: it is overridden, and must not be passed on.
            headers = [header for header in headers if header[0].lower() != "content-length"]
        self._has_head = True
        self._received = b""
        self._keeps_alive = version == b"1.1" and not closes(b",".join(values(headers, "connection")))
        if self._method == "HEAD" or status in (204, 304):
            length = 0
        is_chunked = length is None and values(headers, "transfer-encoding")
        self._content = Chunks(self._limits, rest) if is_chunked else Content(length, rest)
        return ResponseHead(status, headers, length)

    def _too_large(self) -> HttpError:
        section = "TRAILER" if self._has_head else "HEADER"
        return HttpError(ErrorCode[f"HTTP_RESPONSE_{section}_SECTION_SIZE"], self._limits.head_bytes)

    def _failed(self, error: h11.RemoteProtocolError) -> HttpError:
        if self._at_end:
            return self.broken_off()
        if error.error_status_hint == 431:
            return self._too_large()
        codings = re.findall(rb"(?im)^transfer-encoding:(.*)$", self._received)
        if error.error_status_hint == 501 and codings:
            return HttpError(
                ErrorCode.HTTP_RESPONSE_TRANSFER_CODING, b", ".join(map(bytes.strip, codings)).decode("latin-1")
            )
        return HttpError(ErrorCode.HTTP_PROTOCOL_ERROR)


def _length(headers: list[Header]) -> int | None:
    """The value of `content-length`; None if there is none. h11 has checked it."""
    if values(headers, "transfer-encoding"):
        return None
    return next((int(value) for value in values(headers, "content-length")), None)


_HTTP2 = b"PRI * HTTP/2.0\r\n\r\n"


class RequestParser:
    """The requests of one connection, one after another: the next begins when the event after an `End` is asked for.

    A head whose length is 0 has no `End`.
    """

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._received = bytearray()  # of the next request
        self._searched = 0  # how much of it has no end of a head
        self._content: Content | Chunks | None = None

    @property
    def has_received(self) -> bool:
        """Whether something of the next request has come."""
        return bool(self._received)

    @property
    def content(self) -> Content | None:
        """Where reading content straight from the connection is counted; None for chunks, and between requests."""
        return self._content if isinstance(self._content, Content) else None

    @property
    def held_bytes(self) -> int:
        """How much has come that no event was asked for."""
        return len(self._received)

    def receive(self, data: bytes) -> None:
        """The client sent this."""
        if self._content is None:
            self._received += data
        else:
            self._content.receive(data)

    def next_event(self) -> RequestEvent | None:
        """The next event; None if more has to come. Errors: BadRequest, Http2Preface."""
        if self._content is not None:
            return self._next_piece(self._content)
        return self._next_head()

    # ---- heads

    def _next_head(self) -> RequestHead | None:
        received = self._received
        while received.startswith(b"\r\n"):  # RFC 9112, section 2.2
            del received[:2]
        found = _HEAD_END.search(received, self._searched)
        size = found.end() if found else len(received)
        if size > self._limits.head_bytes:
            raise BadRequest(431 if 0 < received.find(b"\n") < self._limits.target_bytes else 414)
        if received and received[0] < 0x21 and received[0] != 0x0D:  # the hello of TLS, for one
            raise BadRequest(400)
        if found is None:
            self._searched = max(0, size - 3)
            return None
        text = bytes(received[:size])
        del received[:size]
        self._searched = 0
        if text == _HTTP2:
            rest = bytes(received)
            received.clear()
            raise Http2Preface(text + rest)
        return self._begin(text)

    def _begin(self, text: bytes) -> RequestHead:
        if text.count(b"\n") - 2 > self._limits.headers:
            raise BadRequest(431)
        head = request_head(text)
        if len(head.target) > self._limits.target_bytes:
            raise BadRequest(414)
        if head.length == 0:
            return head
        rest = self._received  # given away, and not copied
        self._received = bytearray()
        self._content = Chunks(self._limits, bytes(rest)) if head.length is None else Content(head.length, rest)
        return head

    # ---- bodies

    def _next_piece(self, content: Content | Chunks) -> bytes | bytearray | End | None:
        try:
            piece = content.take()
        except MalformedChunks as error:
            raise BadRequest(431 if error.is_too_large else 400) from None
        if piece:
            return piece
        if content.trailers is None:
            return None
        self._content = None
        self._received += content.rest
        return End(content.trailers)
