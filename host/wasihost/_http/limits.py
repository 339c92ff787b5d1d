"""How large messages may be, and how long a peer may take."""

from __future__ import annotations

from dataclasses import dataclass

from wasihost._base import bounds
from wasihost._base.bounds import fraction, whole


@dataclass(frozen=True, kw_only=True, repr=False)
class MessageLimits:
    """Limits of each message that comes in, and of the peer that reads. Errors: ConfigError, which names the limit."""

    head_bytes: int = whole("bytes of a message's head, and of its trailers", 1 << 16, least=1)
    headers: int = whole("headers of a message, and its trailers", 100)
    body_bytes: int | None = whole("bytes of a message's content")
    write_timeout_s: float | None = fraction("seconds in which a peer takes no byte that is sent to it")

    def __post_init__(self) -> None:
        bounds.settle(self)

    def __repr__(self) -> str:
        return bounds.described(self)


@dataclass(frozen=True, kw_only=True, repr=False)
class ServerLimits(MessageLimits):
    """Limits of a server's clients."""

    target_bytes: int = whole("bytes of the target of a request", 1 << 15, least=1)
    connections: int = whole("connections at a time, beyond which others wait", 1000, least=1)
    head_timeout_s: float = fraction("seconds for the head of a request, from its first byte or the connection", 30)
    idle_timeout_s: float = fraction("seconds in which a connection has no request", 75)
    body_timeout_s: float = fraction("seconds in which nothing comes of content that is waited for", 60)
    write_timeout_s: float | None = fraction("seconds in which a client takes no byte that is sent to it", 60)
