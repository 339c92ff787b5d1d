"""The words of ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, TypeAlias

from wasihost._http.messages import Header

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

VERSION: Final = {"version": "3.0", "spec_version": "2.5"}
TRAILERS: Final = "http.response.trailers"
"""The extension, and its message."""


def headers_of(found: Iterable[tuple[bytes, bytes]]) -> list[Header]:
    """The headers of a scope or a message."""
    return [(bytes(name).decode("latin-1"), bytes(value)) for name, value in found]


def lowered(headers: Iterable[Header]) -> list[tuple[bytes, bytes]]:
    """Headers as a scope or a message has them."""
    return [(name.lower().encode(), value) for name, value in headers]
