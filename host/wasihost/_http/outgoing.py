"""Messages that go out on a connection: heads, framing (RFC 9112, section 6) and content.

Each side decides its framing, `client` and `server`; here are bytes, lengths and last chunks.
"""

from __future__ import annotations

import functools
import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from wasihost._base.streams import ByteSink
from wasihost._http.connection import Connection
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Body, Header, values

HOP_BY_HOP = frozenset("connection keep-alive proxy-connection transfer-encoding upgrade http2-settings".split())
"""Headers of one connection (RFC 9110, section 7.6.1), which a message that is passed on may still have."""

_TOKEN = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_MOST_BYTES = 1 << 18
"""Of one chunk, as transports read at a time."""


def is_token(text: str) -> bool:
    """Whether it can be a method or the name of a header (RFC 9110, section 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def head(first_line: str, headers: Iterable[Header]) -> bytes:
    """The head of a message. Errors: as `lines`."""
    return first_line.encode("ascii") + b"\r\n" + lines(headers)


def lines(headers: Iterable[Header]) -> bytes:
    """Headers or trailers, and the empty line behind them. Errors: HttpError, for a pair that is not a header."""
    parts: list[bytes] = []
    for name, value in headers:
        before = _before_value(name)
        if before is None or _CONTROLS.search(value):
            raise _unsendable(name, value)
        parts += (before, value.strip(b" \t"), b"\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


@functools.lru_cache(maxsize=256)
def _before_value(name: str) -> bytes | None:
    """The part of a line before the value; None for a name that is none."""
    return f"{name}: ".encode() if is_token(name) else None


def sendable(headers: Iterable[Header]) -> Iterator[Header]:
    """Headers without blanks around their values. Errors: HttpError, for a pair that is not a header."""
    for name, value in headers:
        if not is_token(name) or _CONTROLS.search(value):
            raise _unsendable(name, value)
        yield name, value.strip(b" \t")


def _unsendable(name: str, value: bytes) -> HttpError:
    return HttpError(ErrorCode.INTERNAL_ERROR, f"header {name!r}: {value!r} cannot be sent")


def declared_length(headers: list[Header]) -> int | None:
    """The value of content-length; None if there is none. Errors: HttpError, if it is no number, or not one."""
    found = set(values(headers, "content-length"))
    if not found:
        return None
    value = found.pop()
    if found or not re.fullmatch(b"[0-9]{1,20}", value):
        raise HttpError(ErrorCode.INTERNAL_ERROR, "content-length is not one number")
    return int(value)


class Framing(NamedTuple):
    """How the end of the content is marked: by its length, by chunks, or by the end of the connection.

    A body that is not sent at all, as that of an answer to HEAD, is still read; and so are trailers without a place.
    """

    length: int | None = None
    is_chunked: bool = False
    is_sent: bool = True
    has_trailers: bool = True

    @property
    def is_open(self) -> bool:
        """Whether the content has no length that is known beforehand."""
        return self.is_sent and self.length is None


class Wire(Protocol):
    """The carrier of content, such as a `Connection`."""

    @property
    def error(self) -> HttpError | None:
        """The error that ended it early."""

    def check_writable(self) -> None:
        """BlockingIOError: wait first. HttpError: it has ended."""

    def wait_writable(self, callback: Callable[[], None]) -> None:
        """Calls back once, when more can be written or it has ended."""

    def flush(self) -> None:
        """Sends the parts that wait to go out together."""


class Outgoing(ByteSink):
    """Takes the content of one message. `wrong_size` is the code if it is not as long as it has to be."""

    def __init__(self, wire: Wire, framing: Framing, wrong_size: ErrorCode) -> None:
        self._wire = wire
        self._framing = framing
        self._wrong_size = wrong_size
        self.sent_bytes = 0

    def write(self, view: memoryview) -> int:
        self._wire.check_writable()
        framing = self._framing
        if not framing.is_sent:
            return len(view)
        if framing.length is not None and self.sent_bytes + len(view) > framing.length:
            raise HttpError(self._wrong_size, self.sent_bytes + len(view))
        size = self._put(view[:_MOST_BYTES])
        self.sent_bytes += size
        return size

    @abstractmethod
    def _put(self, view: memoryview) -> int:
        """Sends the beginning of some content; the number of bytes."""

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self._wire.wait_writable(callback)

    def close(self, error: BaseException | None) -> None:
        """The connection is its owner's."""

    @property
    def error(self) -> HttpError | None:
        """The error that ended the connection."""
        return self._wire.error

    @property
    def ends_with_connection(self) -> bool:
        """Whether the end of the connection is that of the content."""
        return self.takes_trailers and not self._framing.is_chunked

    @property
    def takes_trailers(self) -> bool:
        """Whether the message goes on after its content, which may still fail."""
        return self._framing.is_open

    def end(self, trailers: list[Header]) -> None:
        """The content has ended. Errors: HttpError, if it is too short."""
        if self._framing.is_sent and self._framing.length not in (None, self.sent_bytes):
            raise HttpError(self._wrong_size, self.sent_bytes)
        self._put_end(trailers)
        self._wire.flush()

    @abstractmethod
    def _put_end(self, trailers: list[Header]) -> None:
        """Sends the trailers, and the mark of the end. Errors: HttpError."""


class ConnectionContent(Outgoing):
    """Takes the content of a message on a connection of HTTP/1.1."""

    def __init__(self, connection: Connection, framing: Framing, wrong_size: ErrorCode) -> None:
        super().__init__(connection, framing, wrong_size)
        self._connection = connection

    def _put(self, view: memoryview) -> int:
        if self._framing.is_chunked:
            self._connection.write(b"%x\r\n" % len(view), view, b"\r\n")
        else:
            self._connection.write(view)
        return len(view)

    def _put_end(self, trailers: list[Header]) -> None:
        if self._framing.is_chunked:
            self._connection.write(b"0\r\n" + lines(trailers if self._framing.has_trailers else []))


async def send(body: Body, out: Outgoing) -> None:
    """Sends a body to its end, which closes it with the outcome. Errors: HttpError."""
    try:
        await body.forward(out)
        # A message with a length has ended: the trailers, and whether they come, change nothing.
        out.end(await body.trailers() if out.takes_trailers else [])
    except HttpError as error:
        body.close(error)
        raise
    except BaseException:  # cancelled, as when the connection has ended
        body.close(out.error or HttpError(ErrorCode.CONNECTION_TERMINATED))
        raise
    body.close()
