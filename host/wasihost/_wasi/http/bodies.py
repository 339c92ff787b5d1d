"""Bodies between a guest and whatever is on the other side.

Theory of operation. A `Body` is read by one reader, which pulls. The body of a guest's message pulls at the guest:
a stream (`StreamBody`, 0.3), or the bytes that it writes (`WrittenBody`, 0.2). A body that came in feeds the guest as a
`BodySource`, which pulls at the body when the guest asks. So nothing is taken without demand, and at most one part
is kept.

Trailers are asked for when the content has ended, though they may be ready before. A body ends in `close`; the error
that it gets is the outcome for the sender. A guest that dies in the middle breaks the content off: a body only ends
cleanly if the guest ended it.

`content-length` binds a guest: too many bytes break the body off before the excess is given away, too few at its end.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Generic, TypeAlias, TypeVar

from wasihost._base import eager
from wasihost._base.streams import ByteSink, ByteSource, GuestFuture, GuestStream, PromptFuture
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import READ_BYTES, Body, Header, ReadyBody, write_all

T = TypeVar("T")
U = TypeVar("U")
_PASSES = 8
"""Of the event loop, in which a guest says whether there is content: also if it passes that on."""
OnClose: TypeAlias = Callable[[HttpError | None], None]
"""Called with the error that a body ended with, or None."""


class BrokenOff(OSError):
    """The content of a body broke off, as an error of the stream that it was read from or written to."""

    def __init__(self, error: HttpError) -> None:
        super().__init__(str(error))
        self.error = error


class Length:
    """How many bytes of content there are to be, None: any number, and how many there were."""

    __slots__ = ("_code", "expected", "seen")

    def __init__(self, expected: int | None, code: ErrorCode) -> None:
        self.expected = expected
        self._code = code
        self.seen = 0

    def check(self, size: int) -> None:
        """Errors: HttpError, if so many more are too many."""
        if self.expected is not None and self.seen + size > self.expected:
            raise HttpError(self._code, self.seen + size)

    def add(self, size: int) -> None:
        """Errors: HttpError, if there are too many."""
        self.check(size)
        self.seen += size

    def end(self) -> None:
        """Errors: HttpError, if there were too few."""
        if self.expected is not None and self.seen < self.expected:
            raise HttpError(self._code, self.seen)


class GoneBody(Body):
    """The rest of a body that came in when its sender has gone."""

    async def read(self, n: int = READ_BYTES) -> bytes:
        raise HttpError(ErrorCode.CONNECTION_TERMINATED)

    async def trailers(self) -> list[Header]:
        raise HttpError(ErrorCode.CONNECTION_TERMINATED)

    def close(self, error: HttpError | None = None) -> None:
        """It is."""


class GuestBody(Body):
    """The body of a guest's message, as long as `content-length` says, if it does."""

    def __init__(self, length: Length) -> None:
        self._length = length
        self._is_waived = False
        self._has_place_for_trailers = True

    @property
    def length(self) -> int | None:  # type: ignore[override]
        """The value of `content-length`; without it 0, if it is known that there are neither content nor trailers."""
        if self._is_waived:
            return None
        if self._length.expected is not None:
            return self._length.expected
        is_empty = not self._may_have_content and not (self._has_place_for_trailers and self._may_have_trailers)
        return 0 if is_empty else None

    def check(self) -> None:
        """Errors: HttpError, if it is known beforehand that the content is not as long as it is to be."""
        if not self._may_have_content:
            self._length.end()

    def waive_length(self) -> None:
        """The headers speak of other content than this, as in an answer to HEAD."""
        self._length.expected = None
        self._is_waived = True

    def waive_trailers(self) -> None:
        """Without content there is no place for trailers, and so no need to know beforehand whether there are any."""
        self._has_place_for_trailers = False

    @property
    @abstractmethod
    def _may_have_content(self) -> bool: ...

    @property
    @abstractmethod
    def _may_have_trailers(self) -> bool: ...


class StreamBody(GuestBody, Generic[T]):
    """The body of a message of a guest of 0.3: the bytes of a stream, if there is one, and then trailers."""

    def __init__(
        self,
        contents: GuestStream[int] | None,
        trailers: GuestFuture[T],
        to_headers: Callable[[T], list[Header]],
        length: Length,
        on_close: OnClose,
    ) -> None:
        """`to_headers` converts the guest's trailers. It raises HttpError if those are an error."""
        super().__init__(length)
        self._contents = contents
        self._trailers = trailers.begin()  # at once: the guest may have written them already
        self._to_headers = to_headers
        self._on_close = on_close
        self._first: asyncio.Future[bytes] | None = None  # the content that was asked for beforehand
        self._left = b""  # of that, once it is there

    async def settle(self) -> None:
        """Finds out whether there is content, as far as the guest says so at once."""
        if self._contents is None:
            return
        self._first = eager.begin(_from_guest(self._contents.read(READ_BYTES)))
        for _ in range(_PASSES):
            if self._first.done():
                break
            await asyncio.sleep(0)
        if self._first.done() and self._first.exception() is None and not self._first.result():
            self._contents = None

    @property
    def _may_have_content(self) -> bool:
        return self._contents is not None

    @property
    def _may_have_trailers(self) -> bool:
        found = self._trailers
        if not found.done() or found.cancelled() or found.exception() is not None:
            return True
        try:
            return bool(self._to_headers(found.result()))
        except HttpError:
            return True

    async def _take_first(self, n: int) -> bytes:
        first = self._first
        self._first = None
        if first is not None:
            self._left = await first
        data = self._left[:n]
        self._left = self._left[n:]
        return data

    async def read(self, n: int = READ_BYTES) -> bytes:
        data = await self._take_first(n)
        if not data and self._contents is not None:
            data = bytes(await _from_guest(self._contents.read(n)))
        if data:
            self._length.add(len(data))
        else:
            self._length.end()
        return data

    async def forward(self, sink: ByteSink) -> None:
        """Without a pass of the event loop for each part."""
        if data := await self._take_first(READ_BYTES):
            self._length.add(len(data))
            await write_all(sink, data)
        if self._contents is None:
            self._length.end()
            return
        forwarding = _Forwarding(sink, self._length)
        try:
            self._contents.forward(forwarding)
        except Exception as error:
            raise HttpError(ErrorCode.INTERNAL_ERROR, "the guest ended") from error
        await forwarding.end

    async def trailers(self) -> list[Header]:
        found = self._trailers
        return self._to_headers(await _from_guest(found if found.done() else asyncio.shield(found)))

    def close(self, error: HttpError | None = None) -> None:
        if self._first is not None:
            self._first.cancel()
        if self._contents is not None:
            self._contents.close()
        self._trailers.cancel()
        self._on_close(error)


class _Forwarding(ByteSink):
    """The content of a guest on its way to a sink, which stays open; `end` is when it has ended, and how."""

    def __init__(self, sink: ByteSink, length: Length) -> None:
        self._sink = sink
        self._length = length
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def write(self, view: memoryview) -> int:
        if self.end.done():
            raise BrokenPipeError
        try:
            self._length.check(len(view))
            size = self._sink.write(view)
        except BlockingIOError:
            raise
        except Exception as error:  # which is the reader's affair, not the guest's
            self._fail(error)
            raise BrokenPipeError from error
        self._length.add(size)
        return size

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self._sink.wait_writable(callback)

    def close(self, error: BaseException | None) -> None:
        try:
            self._length.end()
        except HttpError as too_short:
            self._fail(too_short)
        if not self.end.done():
            self.end.set_result(None)

    def guest_ended(self) -> None:
        self._fail(HttpError(ErrorCode.INTERNAL_ERROR, "the guest ended"))

    def _fail(self, error: Exception) -> None:
        if not self.end.done():
            self.end.set_exception(error)


async def _from_guest(given: Awaitable[T]) -> T:
    """The result of a guest; its death is an error of the message, and does not cancel the reader."""
    try:
        return await given
    except HttpError:
        raise
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise HttpError(ErrorCode.INTERNAL_ERROR, "the instance was closed") from None
    except Exception as error:
        raise HttpError(ErrorCode.INTERNAL_ERROR, "the guest ended") from error


class BodySource(ByteSource):
    """Feeds a guest from a body, which it leaves open.

    `error` is the failure that broke the content off; the guest's stream just ends then.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        self._data = memoryview(b"")
        self._reading: asyncio.Future[bytes] | None = None
        self.is_at_end = False
        self.error: HttpError | None = None

    def read_into(self, view: memoryview) -> int:
        """The next bytes; 0 at the end of the content, or where it breaks off."""
        if isinstance(self._body, ReadyBody):
            return self._read_ready(self._body, view)
        if not self._data and not self.is_at_end:
            self._data = memoryview(self._next(max(len(view), READ_BYTES)))  # guests of 0.2 read a little at a time
            self.is_at_end = not self._data
        size = min(len(view), len(self._data))
        view[:size] = self._data[:size]
        self._data = self._data[size:]
        return size

    def _read_ready(self, body: ReadyBody, view: memoryview) -> int:
        try:
            size = 0 if self.is_at_end else body.read_into(view)
        except HttpError as error:
            self.error = error
            size = 0
        self.is_at_end = not size
        return size

    def _next(self, n: int) -> bytes:
        if self._reading is None:
            self._reading = eager.begin(self._read(n))
        if not self._reading.done():
            raise BlockingIOError
        data = b"" if self._reading.cancelled() else self._reading.result()
        self._reading = None
        return data

    async def _read(self, n: int) -> bytes:
        try:
            return await self._body.read(n)
        except HttpError as error:
            self.error = error
            return b""

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """Calls back when the body has more, or ends."""
        if self._reading is None:
            assert isinstance(self._body, ReadyBody)
            self._body.wait_readable(callback)
            return
        self._reading.add_done_callback(lambda _: callback())

    async def discard(self) -> None:
        """Reads the rest. Errors: HttpError, if the content breaks off or did so before."""
        data = b"" if self.is_at_end else b"-"
        while data:
            self._reading = self._reading or eager.begin(self._read(READ_BYTES))
            data = await self._reading
            self._reading = None
        if self.error is not None:
            raise self.error

    def cancel(self) -> None:
        """Nothing of the body is wanted any more."""
        if self._reading is not None:
            self._reading.cancel()

    def close(self, error: BaseException | None) -> None:
        """The guest has all, or wants no more of the stream."""


class Consumption(Generic[T, U]):
    """A body on its way into a guest of 0.3: `source` of its content, then `trailers`, for which the guest waits.

    The guest gives its verdict on the body by a future, which `to_error` converts; an error gives the body up.
    `to_trailers` converts the trailers, none if the guest dropped the content before its end, or the error with which
    the body broke off. The body is closed as soon as the guest drops the content before its end, else when the guest
    has the trailers and has given its verdict.
    """

    def __init__(
        self,
        body: Body,
        verdict: GuestFuture[T],
        to_error: Callable[[T], HttpError | None],
        to_trailers: Callable[[list[Header] | HttpError], U],
    ) -> None:
        self.source = _ConsumedSource(body, self._ended)
        self.trailers: PromptFuture[U] = PromptFuture()
        self._body = body
        self._to_error = to_error
        self._to_trailers = to_trailers
        self._reading: asyncio.Future[list[Header]] | None = None
        self._is_closed = False
        self.trailers.add_done_callback(self._given)
        self._verdict = verdict.begin()
        self._verdict.add_done_callback(self._judged)

    def _error(self) -> HttpError | None:
        """The guest's verdict; None if it ended before it gave one."""
        verdict = self._verdict
        is_given = not verdict.cancelled() and verdict.exception() is None
        return self._to_error(verdict.result()) if is_given else None

    def _judged(self, _verdict: asyncio.Future[T]) -> None:
        error = self._error()
        if error is not None:
            self.source.error = self.source.error or error
            self._close(error)
        elif self.trailers.done():
            self._close(None)

    def _ended(self, is_complete: bool) -> None:
        """The guest needs the stream no more."""
        error = self.source.error
        if error is not None or not is_complete:
            self._close(error)
            self._give(error or [])
            return
        found = self._body.ready_trailers if isinstance(self._body, ReadyBody) else None
        if found is not None:
            self._give(found)
            return
        self._reading = eager.begin(self._body.trailers())
        self._reading.add_done_callback(self._were_read)

    def _were_read(self, reading: asyncio.Future[list[Header]]) -> None:
        if reading.cancelled():
            self.trailers.cancel()
        elif (error := reading.exception()) is None:
            self._give(reading.result())
        elif isinstance(error, HttpError):
            self._close(error)
            self._give(error)
        elif not self.trailers.done():
            self.trailers.set_exception(error)

    def _give(self, found: list[Header] | HttpError) -> None:
        if not self.trailers.done():  # else the guest has ended
            self.trailers.set_result(self._to_trailers(found))

    def _given(self, trailers: asyncio.Future[U]) -> None:
        if trailers.cancelled():
            if self._reading is not None:
                self._reading.cancel()
            self._close(None)
        elif self._verdict.done():
            self._close(self._error())

    def _close(self, error: HttpError | None) -> None:
        if not self._is_closed:
            self._is_closed = True
            self.source.cancel()
            self._body.close(error)


class _ConsumedSource(BodySource):
    """Calls `on_end` when the guest needs the stream no more, with whether it was read to its end."""

    def __init__(self, body: Body, on_end: Callable[[bool], None]) -> None:
        super().__init__(body)
        self._on_end = on_end

    def close(self, error: BaseException | None) -> None:
        on_end = self._on_end
        del self._on_end  # which refers to this
        on_end(self.is_at_end)
