"""Requests, responses and bodies, as a `Handler` takes and gives them, in both directions.

Theory of operation. A handler is whatever answers requests: a guest's export, a client on a network, an application in
Python. A body is content and then trailers, which its one reader takes as fast as it can use them, while the sender
may still be making them: so a request and its response travel at the same time, in either direction. Its reader closes
it in the end, by which the sender learns the outcome.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from wasihost._base.frozen import Frozen
from wasihost._base.streams import ByteSink
from wasihost._base.waiting import Called
from wasihost._http.errors import HttpError

Header: TypeAlias = tuple[str, bytes]
"""A name in its original casing, and a value. Lists of them keep the order of the message."""

READ_BYTES: Final = 1 << 16


class Body(ABC):
    """The content of a message and its trailers, read once by one reader.

    `length` is how many bytes the content has if that is known beforehand, as by `content-length`, which leaves no
    place for trailers; None: it is not.
    """

    length: int | None = None

    @abstractmethod
    async def read(self, n: int = READ_BYTES) -> bytes:
        """The next bytes, at most `n`; b"" at the end of the content. Errors: HttpError, if the content breaks off."""

    @abstractmethod
    async def trailers(self) -> list[Header]:
        """The trailers, when the content has been read to its end. Errors: HttpError, if the sender gives one."""

    @abstractmethod
    def close(self, error: HttpError | None = None) -> None:
        """The reader has all that it wants, or gives the body up for `error`; the sender hears of it.

        The first call counts, and others do nothing. No read is under way, and none follows.
        """

    async def forward(self, sink: ByteSink) -> None:
        """Moves the content to `sink` and returns at its end; the sink stays open. Errors: those of both sides."""
        while data := await self.read():
            await write_all(sink, data)


class ReadyBody(Body):
    """A body whose reader need not await: it moves the bytes that are there, and is called when there are more."""

    ready_trailers: list[Header] | None = None
    """The trailers, once all of the body is there."""

    @abstractmethod
    def read_into(self, view: memoryview) -> int:
        """Fills the beginning of `view`; the number of bytes, 0 at the end. Errors: BlockingIOError: nothing yet;
        HttpError, if the content breaks off.
        """

    @abstractmethod
    def wait_readable(self, callback: Callable[[], None]) -> None:
        """Calls `callback` once when another read is worth a try. Errors: HttpError, if the content breaks off."""


async def write_all(sink: ByteSink, data: bytes | bytearray | memoryview) -> None:
    """Returns when a sink has taken the data. Errors: those of the sink."""
    view = memoryview(data)
    while view:
        try:
            view = view[sink.write(view) :]
        except BlockingIOError:
            writable = Called()
            sink.wait_writable(writable)
            await writable


class BytesBody(Body):
    """A body that is there already."""

    def __init__(self, content: bytes = b"", trailers: Iterable[Header] = ()) -> None:
        self._content = memoryview(content)
        self._trailers = list(trailers)
        self.length = None if self._trailers else len(content)

    def __repr__(self) -> str:
        return f"<BytesBody of {len(self._content)} bytes>"

    async def read(self, n: int = READ_BYTES) -> bytes:
        data = self._content[:n]
        self._content = self._content[n:]
        return bytes(data)

    async def forward(self, sink: ByteSink) -> None:
        data = self._content
        self._content = self._content[len(data) :]
        await write_all(sink, data)

    async def trailers(self) -> list[Header]:
        return self._trailers

    def close(self, error: HttpError | None = None) -> None:
        """Nothing waits for it."""


class BodyAround(Body):
    """A body that passes every call on to `inner`, for those that change or watch some of them."""

    def __init__(self, inner: Body) -> None:
        self.length = inner.length
        self.inner = inner

    def read(self, n: int = READ_BYTES) -> Coroutine[Any, Any, bytes]:
        return self.inner.read(n)

    def trailers(self) -> Coroutine[Any, Any, list[Header]]:
        return self.inner.trailers()

    def close(self, error: HttpError | None = None) -> None:
        self.inner.close(error)


EMPTY: Final = BytesBody()
"""No content and no trailers, for any number of messages."""


class RequestOptions(Frozen):
    """How long the client waits, in seconds; None leaves it to the client.

    The connect time-out is for the lookup, TCP and TLS; the first byte is that of the response's head, from when there
    is a connection; the last is for each gap in the response's body.
    """

    connect_timeout_s: float | None = None
    first_byte_timeout_s: float | None = None
    between_bytes_timeout_s: float | None = None


NO_OPTIONS: Final = RequestOptions()


@dataclass(kw_only=True, slots=True)
class Request:
    """A request. `path` is with the query; scheme, authority and path are None where they are not given."""

    method: str = "GET"
    scheme: str | None = None
    authority: str | None = None
    path: str | None = None
    headers: list[Header] = field(default_factory=list)
    body: Body = EMPTY
    options: RequestOptions = NO_OPTIONS


@dataclass(kw_only=True, slots=True)
class Response:
    """The answer to a request."""

    status: int = 200
    headers: list[Header] = field(default_factory=list)
    body: Body = EMPTY


PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


def failure(status: int) -> Response:
    """A response that says its status and no more."""
    text = f"{status} {PHRASES[status]}\n".encode()
    return Response(status=status, headers=[("content-type", b"text/plain")], body=BytesBody(text))


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
"""Answers a request, or raises HttpError. From then on it owns the request's body, which it may read on while the
response is under way, and closes it in every case; its caller owns the response's body in the same way.
"""


def values(headers: Sequence[Header], name: str) -> list[bytes]:
    """The values of the headers of that name, which is in lower case."""
    return [value for other, value in headers if other.lower() == name]
