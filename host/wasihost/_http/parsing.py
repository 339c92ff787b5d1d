"""What a peer sent, as heads, pieces of content and ends: h11, and what it lets through that is refused here.

Theory of operation. A parser is given bytes and asked for the next event until there is none. Each message has an
`h11.Connection` of its own, which only reads: what goes out is written by `outgoing`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from wasihost._base.errors import MissingExtraError
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import Header, values

try:
    import h11
except ModuleNotFoundError:
    raise MissingExtraError("http", "HTTP/1.1 is parsed by h11") from None


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


ResponseEvent: TypeAlias = "ResponseHead | bytes | End"


def _headers(event: h11.Response | h11.EndOfMessage) -> list[Header]:
    return [(name.decode("ascii"), value) for name, value in event.headers.raw_items()]


class ResponseParser:
    """The response to one request; interim responses are skipped."""

    def __init__(self, method: str, limits: MessageLimits) -> None:
        self._limits = limits
        self._method = method
        self._message = h11.Connection(h11.CLIENT, limits.head_bytes)
        self._message.send(h11.Request(method=method, target="/", headers=[("host", "")]))
        self._received = b""  # until the head is parsed
        self._has_head = False

    def receive(self, data: bytes) -> None:
        """The peer sent this; b"": and that was all."""
        if not self._has_head:
            self._received += data
        self._message.receive_data(data)

    def next_event(self) -> ResponseEvent | None:
        """What follows; None if more has to come. Errors: HttpError."""
        try:
            event = self._message.next_event()
            while isinstance(event, h11.InformationalResponse):
                event = self._message.next_event()
        except h11.RemoteProtocolError as error:
            raise self._failed(error) from None
        if isinstance(event, h11.Response):
            return self._head(event)
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            return End(self._checked(_headers(event)))
        return None

    def broken_off(self) -> HttpError:
        """The error if nothing follows."""
        has_begun = self._has_head or self._received
        return HttpError(ErrorCode.HTTP_RESPONSE_INCOMPLETE if has_begun else ErrorCode.CONNECTION_TERMINATED)

    def _head(self, response: h11.Response) -> ResponseHead:
        headers = self._checked(_headers(response))
        length = _length(headers)
        if length is None and values(headers, "content-length"):
            # RFC 9112, section 6.3: it is overridden, and must not be passed on.
            headers = [header for header in headers if header[0].lower() != "content-length"]
        self._has_head = True
        self._received = b""
        if self._method == "HEAD" or response.status_code in (204, 304):
            length = 0
        return ResponseHead(response.status_code, headers, length)

    def _checked(self, headers: list[Header]) -> list[Header]:
        if len(headers) > self._limits.headers:
            raise self._too_large()
        return headers

    def _too_large(self) -> HttpError:
        section = "TRAILER" if self._has_head else "HEADER"
        return HttpError(ErrorCode[f"HTTP_RESPONSE_{section}_SECTION_SIZE"], self._limits.head_bytes)

    def _failed(self, error: h11.RemoteProtocolError) -> HttpError:
        if self._message.trailing_data[1]:  # the peer has ended
            return self.broken_off()
        if error.error_status_hint == 431:
            return self._too_large()
        coding = re.findall(rb"(?im)^transfer-encoding:[ \t]*(.*?)[ \t]*\r?$", self._received)
        if error.error_status_hint == 501 and coding:
            return HttpError(ErrorCode.HTTP_RESPONSE_TRANSFER_CODING, b", ".join(coding).decode("latin-1"))
        return HttpError(ErrorCode.HTTP_PROTOCOL_ERROR)


def _length(headers: list[Header]) -> int | None:
    """What `content-length` says; None if nothing does. h11 has checked it."""
    if values(headers, "transfer-encoding"):
        return None
    return next((int(value) for value in values(headers, "content-length")), None)
