"""The part of a response before its content: its head, and the framing of the content."""

from __future__ import annotations

import functools
from typing import Final

from wasihost._http import outgoing
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.heads import RequestHead
from wasihost._http.messages import PHRASES, Header, Response, failure
from wasihost._http.outgoing import HOP_BY_HOP, Framing

_OPEN: Final = Framing()
_CHUNKED: Final = Framing(is_chunked=True)
_WITHOUT_TRAILERS: Final = Framing(is_chunked=True, has_trailers=False)
_UNSENT: Final = Framing(is_sent=False)


def refusal(status: int, date: bytes) -> bytes:
    """The whole of such a response, after which the connection ends."""
    response = failure(status)
    headers = [*response.headers, ("content-length", b"%d" % (response.body.length or 0)), ("connection", b"close")]
    text = f"{status} {PHRASES[status]}\n".encode()
    return outgoing.head(_status_line(status), [*headers, ("date", date)]) + text


def head(request: RequestHead, response: Response, *, date: bytes, keeps_alive: bool) -> tuple[bytes, Framing]:
    """The head of a response, and the framing of its body. Errors: HttpError, if it cannot be sent."""
    headers, framing = described(request, response, date=date)
    if framing.is_open and request.version != "1.0":
        headers.append(("transfer-encoding", b"chunked"))
        framing = _CHUNKED if request.takes_trailers else _WITHOUT_TRAILERS
    if not keeps_alive or (framing.is_open and not framing.is_chunked):
        headers.append(("connection", b"close"))
    return outgoing.head(_status_line(response.status), headers), framing


def described(request: RequestHead, response: Response, *, date: bytes) -> tuple[list[Header], Framing]:
    """The headers of a response in any version of HTTP, and its length. Errors: HttpError, if it cannot be sent."""
    if not 200 <= response.status <= 999:
        raise HttpError(ErrorCode.INTERNAL_ERROR, f"{response.status} is not the status of a response")
    names = {name.lower() for name, _ in response.headers}
    headers = [*response.headers]
    if not HOP_BY_HOP.isdisjoint(names):
        headers = [header for header in headers if header[0].lower() not in HOP_BY_HOP]
    framing = _framing(request, response, headers, "content-length" in names)
    if "date" not in names:
        headers.append(("date", date))
    return headers, framing


@functools.cache
def _status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {PHRASES.get(status, '')}"


def _framing(request: RequestHead, response: Response, headers: list[Header], is_declared: bool) -> Framing:
    """How long the content is; adds the header that says so."""
    status = response.status
    declared = outgoing.declared_length(headers) if is_declared else None
    if request.method == "HEAD" or status == 304:
        return _UNSENT
    if status == 204 or (request.method == "CONNECT" and status < 300):
        headers[:] = [header for header in headers if header[0].lower() != "content-length"]  # RFC 9110, section 8.6
        return _UNSENT
    of_body = response.body.length
    length = of_body if declared is None else declared
    if of_body not in (None, length):
        raise HttpError(ErrorCode.HTTP_RESPONSE_BODY_SIZE, of_body)
    if length is not None and declared is None:
        headers.append(("content-length", b"%d" % length))
    return _OPEN if length is None else Framing(length)
