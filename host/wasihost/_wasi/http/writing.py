"""The content of a guest of 0.2, which it writes to a sink.

Theory of operation. The sink takes parts until 64 KiB are unread, so that a guest that writes a little at a time does
not wait for the reader each time. The content has ended when the guest has finished the body and the sink is closed:
the guest's last bytes may still be on their way into the sink when it finishes. A body that is dropped unfinished, or
of a guest that dies, breaks off. So does one that a guest has begun and left behind when it returned; one that it left
without content is empty (StarlingMonkey, after an exception).

`content-length` is checked where the guest writes, so that it hears of it at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from wasihost._base.streams import ByteSink
from wasihost._base.waiting import Called
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import READ_BYTES, Header
from wasihost._wasi.http.bodies import BrokenOff, GuestBody, Length
from wasihost._wasi.http.fields import Room


class WrittenBody(GuestBody):
    """A body that a guest writes and finishes."""

    def __init__(self, length: Length, room: Room) -> None:
        super().__init__(length)
        self._room = room
        self._unread = bytearray()
        self._sink: _Sink | None = None
        self._trailers: list[Header] | None = None  # once it is finished
        self._error: HttpError | None = None
        self._is_closed = False
        self._readable: Called | None = None

    # ---- for the guest

    def sink(self) -> ByteSink:
        """For all of the content; to be asked for once."""
        self._sink = _Sink(self)
        return self._sink

    def count(self, size: int) -> None:
        """The guest writes so many bytes. Errors: BrokenOff, if they are too many."""
        try:
            self._length.add(size)
        except HttpError as error:
            self.fail(error)
            raise BrokenOff(error) from error

    def finish(self, trailers: list[Header]) -> None:
        """That was all. Errors: HttpError, if it is too little, or the body broke off before."""
        if self._error is None:
            try:
                self._length.end()
            except HttpError as error:
                self.fail(error)
        if self._error is not None:
            raise self._error
        self._trailers = trailers
        self.changed()

    def finish_empty(self) -> None:
        """There is neither content nor trailers; whether that may be is for `check`."""
        self._trailers = []

    def leave(self) -> None:
        """The guest has returned, and writes no more."""
        if self._trailers is not None or self._error is not None:
            return
        if self._length.seen:
            self.fail(HttpError(ErrorCode.INTERNAL_ERROR, "the guest did not finish the body"))
            return
        self._sink = None
        with contextlib.suppress(HttpError):  # content-length says more: the body has broken off
            self.finish([])

    def fail(self, error: HttpError) -> None:
        """The body breaks off here, unless it is finished."""
        if self._trailers is None and self._error is None:
            self._error = error
            self.changed()

    # ---- for the sink

    def put(self, view: memoryview) -> int:
        """Takes a part. Errors: BlockingIOError; BrokenOff, also if there is no room; BrokenPipeError after `close`."""
        if self._error is not None:
            raise BrokenOff(self._error)
        if self._is_closed:
            raise BrokenPipeError
        if len(self._unread) >= READ_BYTES:
            raise BlockingIOError
        if len(view) > self._room.left:
            error = HttpError(ErrorCode.INTERNAL_ERROR, "the guest has written too much that is not sent")
            self.fail(error)
            raise BrokenOff(error)
        self._room.left -= len(view)
        self._unread += view
        self.changed()
        return len(view)

    def changed(self) -> None:
        """There may be something for the reader."""
        if self._readable is not None:
            self._readable()

    # ---- the body

    @property
    def _may_have_content(self) -> bool:
        return self._sink is not None or self._trailers is None

    @property
    def _may_have_trailers(self) -> bool:
        return self._trailers != []

    async def read(self, n: int = READ_BYTES) -> bytes:
        while not self._unread:
            if self._error is not None:
                raise self._error
            if self._trailers is not None and (self._sink is None or self._sink.is_closed):
                return b""
            self._readable = Called()
            await self._readable
        data = bytes(self._unread[:n])
        self._take(len(data))
        self._wake_writer()
        return data

    async def trailers(self) -> list[Header]:
        return self._trailers or []

    def close(self, error: HttpError | None = None) -> None:
        self._is_closed = True
        self._take(len(self._unread))
        if error is not None:
            self.fail(error)
        self._wake_writer()
        self._sink = None  # which refers to this body

    def __del__(self) -> None:
        self._take(len(self._unread))

    def _take(self, size: int) -> None:
        self._room.left += size
        del self._unread[:size]

    def _wake_writer(self) -> None:
        if self._sink is not None:
            self._sink.wake()


class _Sink(ByteSink):
    """Of the content of a body."""

    def __init__(self, body: WrittenBody) -> None:
        self._body = body
        self._callback: Callable[[], None] | None = None
        self.is_closed = False

    def write(self, view: memoryview) -> int:
        return self._body.put(view)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self._callback = callback

    def wake(self) -> None:
        """Another write is worth a try."""
        callback = self._callback
        self._callback = None
        if callback is not None:
            callback()

    def close(self, error: BaseException | None) -> None:
        """The guest has written all that it writes."""
        self.is_closed = True
        self._body.changed()
