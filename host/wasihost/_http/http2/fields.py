"""Heads as HTTP/2 has them: pseudo-header fields, and names in lower case (RFC 9113, section 8).

h2 has checked incoming fields: each pseudo-header field once, before the others, and those that have to be there; no
upper case, no `connection` and the like; content as long as content-length says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from wasihost._http import outgoing
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.heads import BadRequest, RequestHead
from wasihost._http.messages import Header, values
from wasihost._http.parsing import ResponseHead

Fields: TypeAlias = "list[tuple[bytes, bytes]]"
"""As h2 takes and gives them."""

_VISIBLE = re.compile(r"[\x21-\x7e]+")


def split(fields: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, str], list[Header]]:
    """The pseudo-header fields, without their colons, and the headers."""
    pseudo: dict[str, str] = {}
    headers: list[Header] = []
    for name, value in fields:
        if name.startswith(b":"):
            pseudo[name[1:].decode("ascii")] = value.decode("latin-1")
        else:
            headers.append((name.decode("ascii"), bytes(value)))
    return pseudo, headers


def request_head(fields: Iterable[tuple[bytes, bytes]], *, has_ended: bool) -> RequestHead:
    """The head of a request; `has_ended`: without content and trailers. Errors: BadRequest."""
    pseudo, headers = split(fields)
    method = pseudo["method"]
    host = pseudo.get("authority") or _host(headers)
    target = host if method == "CONNECT" else pseudo["path"]
    scheme = pseudo.get("scheme")
    if not (outgoing.is_token(method) and target and _VISIBLE.fullmatch(target)):
        raise BadRequest(400)
    if scheme not in ("http", "https", None) or host is None:
        raise BadRequest(400)
    try:
        length = _length(headers)
    except ValueError:
        raise BadRequest(400) from None
    if has_ended and length:
        raise BadRequest(400)
    expected = b",".join(values(headers, "expect")).lower()
    if expected not in (b"", b"100-continue"):
        raise BadRequest(417)
    return RequestHead(
        method=method,
        target=target,
        version="2",
        headers=headers,
        length=0 if has_ended else length,
        host=host,
        keeps_alive=True,
        expects_continue=bool(expected),
        scheme=scheme,
    )


def _host(headers: list[Header]) -> str | None:
    return next((value.decode("latin-1") for value in values(headers, "host")), None)


def _length(headers: list[Header]) -> int | None:
    """The value of content-length. Errors: ValueError, if that is not one number."""
    try:
        return outgoing.declared_length(headers)
    except HttpError:
        raise ValueError("content-length") from None


def response_head(fields: Iterable[tuple[bytes, bytes]], method: str) -> ResponseHead:
    """The head of the response to a request of that method. Errors: HttpError."""
    pseudo, headers = split(fields)
    try:
        status = int(pseudo["status"])
        length = _length(headers)
    except ValueError:
        raise HttpError(ErrorCode.HTTP_PROTOCOL_ERROR) from None
    if not 200 <= status <= 999:
        raise HttpError(ErrorCode.HTTP_PROTOCOL_ERROR)
    return ResponseHead(status, headers, 0 if method == "HEAD" or status in (204, 304) else length)


def written(pseudo: dict[str, str], headers: Iterable[Header]) -> Fields:
    """The fields to send. Errors: HttpError, for a pair that is not a header."""
    fields = [(f":{name}".encode(), value.encode("latin-1")) for name, value in pseudo.items()]
    return fields + [(name.lower().encode(), value) for name, value in outgoing.sendable(headers)]
