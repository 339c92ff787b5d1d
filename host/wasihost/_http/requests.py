"""The part of a request before its content: its head, and the framing of the content."""

from __future__ import annotations

from typing import TypeAlias

from wasihost._http import outgoing
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Header, Request
from wasihost._http.outgoing import HOP_BY_HOP, Framing, is_token
from wasihost._http.targets import target_of

Place: TypeAlias = tuple[str, str, int]
"""Scheme, host and port, which requests on one connection share."""

_OWN = HOP_BY_HOP | {"host"}
_REPEATABLE = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE")


class Prepared:
    """A request that can be sent, in any version of HTTP. Errors: HttpError."""

    def __init__(self, request: Request) -> None:
        if not is_token(request.method) or request.method == "CONNECT":
            raise HttpError(ErrorCode.HTTP_REQUEST_METHOD_INVALID)
        self.method = request.method
        self.authority = request.authority or ""
        self.target = target_of(request)
        self.headers, length = _described(request)
        self.framing = Framing(length=length, is_chunked=length is None)
        """In HTTP/1.1; in any other version its length is that of the content."""
        self.head = self._head()
        """In HTTP/1.1."""
        self.is_repeatable = request.method in _REPEATABLE and request.body.length == 0
        """Whether it has no content, and may be carried out twice."""

    @property
    def place(self) -> Place:
        """Where it goes."""
        return self.target.scheme, self.target.host, self.target.port

    def _head(self) -> bytes:
        headers = [("host", self.authority.encode()), *self.headers]
        if self.framing.is_chunked:
            headers.append(("transfer-encoding", b"chunked"))
        return outgoing.head(f"{self.method} {self.target.path} HTTP/1.1", headers)


def _described(request: Request) -> tuple[list[Header], int | None]:
    """The headers that are sent, and the length of the content. Errors: HttpError."""
    headers = [header for header in request.headers if header[0].lower() not in _OWN]
    declared = outgoing.declared_length(headers)
    length = request.body.length if declared is None else declared
    if request.body.length not in (None, length):
        raise HttpError(ErrorCode.HTTP_REQUEST_BODY_SIZE, request.body.length)
    if declared is None and length is not None and (length or request.method not in ("GET", "HEAD")):
        headers.append(("content-length", b"%d" % length))
    return headers, length
