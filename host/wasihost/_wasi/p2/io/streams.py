"""`wasi:io/streams`: streams of bytes over the sources and sinks of the cores.

Theory of operation. An input stream looks ahead to learn whether it is ready: one read of at most 64 KiB, kept until
the guest takes it; bytes that the guest never took go back to the source. An output stream takes a write whole, hands
to the sink as much as that takes at once, and the rest whenever the sink calls back; until then `check-write` permits
nothing. Both report an error of theirs once, as `last-operation-failed`, and are closed from then on; one that a later
part of a write meets comes with the next call. A stream that is dropped with bytes on their way writes them to the end,
for as long as the guest lives, and a command only ends when they are written (`Unwritten`).

Where this differs from Wasmtime 50 (crates/wasi, p2), following the WIT:

| | Wasmtime | here |
|---|---|---|
| an error of an output | every time | once, then `closed` |
| `closed` while `blocking-write-and-flush` flushes | ok | `closed` |
| a TCP input without bytes | ready until a read says otherwise | not ready |
| bytes read ahead, when the stream is dropped | lost | given back |
| `flush` of queued bytes that are dropped | aborted | written |
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import ClassVar, Final, TypeAlias

from wasihost._base.errors import GuestTrap
from wasihost._base.frozen import Frozen
from wasihost._base.streams import ByteSink, ByteSource, Unwritten, Writer
from wasihost._component.values import WitError, may_wait
from wasihost._wasi.p2.io.error import Domain, Error
from wasihost._wasi.p2.io.poll import Parent, Pollable, Subject

MOST: Final = 1 << 16
"""The most that one read gives and one `check-write` permits, as in Wasmtime."""
MOST_BLOCKING: Final = 4096
"""The most that `blocking-write-and-flush` and its sibling take: WIT."""


class StreamError:
    """WIT: `variant stream-error`."""

    class LastOperationFailed(Frozen):
        """The stream is closed from now on."""

        case: ClassVar[str] = "last-operation-failed"
        value: Error

    class Closed(Frozen):
        """The stream is at its end, or failed before."""

        case: ClassVar[str] = "closed"


AnyStreamError: TypeAlias = StreamError.LastOperationFailed | StreamError.Closed


class _Ended:
    """How a stream ended, reported once in full."""

    __slots__ = ("_domain", "_unreported")

    def __init__(self, error: BaseException | None, domain: Domain) -> None:
        self._unreported = error
        self._domain = domain

    def report(self) -> WitError:
        """The error for the guest. Raises an exception other than OSError, which is for the embedder."""
        error = self._unreported
        self._unreported = None
        if error is None or isinstance(error, BrokenPipeError):
            return WitError(StreamError.Closed())
        if not isinstance(error, OSError):
            raise error
        return WitError(StreamError.LastOperationFailed(Error(error, self._domain)))


_buffers: list[memoryview] = []
"""Of MOST bytes, for a single read each: new ones, full of zeros, would take as long as the read."""


class InputStream(Subject):
    """WIT: `resource input-stream`."""

    def __init__(self, source: ByteSource, parent: Parent | None = None, domain: Domain = Domain.FILES) -> None:
        super().__init__(parent)
        self._source = source
        self._readable_fd = source.readable_fd
        self._domain = domain
        self._ahead = memoryview(b"")
        self._ended: _Ended | None = None

    def read(self, len: int) -> bytes:
        """WIT: `read: func(len: u64) -> result<list<u8>, stream-error>`.

        At most 64 KiB; none if there is nothing yet.
        """
        size = min(len, MOST)
        if self._ahead:
            taken = bytes(self._ahead[:size])
            self._ahead = self._ahead[size:]
        else:
            taken = self._look_ahead(size) if size else b""
            if not taken and self._ended is not None:
                raise self._ended.report()
        return taken

    @may_wait
    def blocking_read(self, len: int) -> bytes | Awaitable[bytes]:
        """WIT: `blocking-read: func(len: u64) -> result<list<u8>, stream-error>`."""
        if len and (data := self.read(len)):
            return data
        return self._when_ready(lambda: self.read(len))

    def skip(self, len: int) -> int:
        """WIT: `skip: func(len: u64) -> result<u64, stream-error>`; at most 64 KiB."""
        return _length(self.read(len))

    @may_wait
    def blocking_skip(self, len: int) -> int | Awaitable[int]:
        """WIT: `blocking-skip: func(len: u64) -> result<u64, stream-error>`."""
        return self._when_ready(lambda: self.skip(len))

    def subscribe(self) -> Pollable:
        """WIT: `subscribe: func() -> pollable`; ready when there are bytes, the end or an error."""
        return Pollable(self)

    def drop(self) -> None:
        """Gives back the bytes read ahead."""
        self._leave()
        self.end()
        self._source.close(None)

    # ---- below the WIT

    def end(self) -> None:
        """The guest reads no more; bytes read ahead go back."""
        if self._ahead:
            self._source.unread(self._ahead)
            self._ahead = memoryview(b"")
        self._ended = _Ended(None, self._domain)
        self._changed()

    def _is_ready(self) -> bool:
        if not self._ahead:
            self._ahead = memoryview(self._look_ahead(MOST))
        return bool(self._ahead) or self._ended is not None

    def _polled(self) -> int | None:
        return None if self._ahead or self._ended is not None else self._readable_fd

    def _watch(self) -> None:
        self._source.wait_readable(self._changed)

    def _look_ahead(self, size: int) -> bytes:
        """The source's bytes, unless it is known to have ended."""
        if self._ended is not None:
            return b""
        self._is_watched = False
        try:
            buffer = _buffers.pop()
        except IndexError:
            buffer = memoryview(bytearray(MOST))
        try:
            count = self._source.read_into(buffer[:size])
            data = bytes(buffer[:count])
        except BlockingIOError:
            return b""
        except OSError as error:
            self._ended = _Ended(error, self._domain)
            return b""
        finally:
            _buffers.append(buffer)
        if not data:
            self._ended = _Ended(None, self._domain)
        return data


class OutputStream(Subject, Writer):
    """WIT: `resource output-stream`.

    `asks_first`: whether each write needs a `check-write` before, as the WIT says. Guests write to stdout and stderr
    without, and Wasmtime lets them.
    """

    def __init__(
        self,
        sink: ByteSink,
        parent: Parent | None = None,
        domain: Domain = Domain.FILES,
        *,
        asks_first: bool = True,
        unwritten: Unwritten | None = None,
    ) -> None:
        super().__init__(parent)
        self._sink = sink
        self._domain = domain
        self._asks_first = asks_first
        self._unwritten = Unwritten() if unwritten is None else unwritten
        self._permit = 0
        self._queue = memoryview(b"")  # written bytes that the sink has not taken
        self._ended: _Ended | None = None
        self._has_ended = False

    def check_write(self) -> int:
        """WIT: `check-write: func() -> result<u64, stream-error>`.

        How many bytes the next `write` may have: 64 KiB, or none while earlier ones are on their way.
        """
        self._check()
        self._permit = 0 if self._queue else MOST
        return self._permit

    def write(self, contents: bytes) -> None:
        """WIT: `write: func(contents: list<u8>) -> result<_, stream-error>`.

        More than `check-write` permitted is a trap.
        """
        permit = self._permit if self._asks_first else MOST - len(self._queue)
        if len(contents) > permit:
            raise GuestTrap(f"write: {len(contents)} bytes, but check-write permitted {permit}")
        self._count(len(contents))
        self._check()
        if contents:
            self._permit = 0
            is_waiting = bool(self._queue)
            self._queue = memoryview(bytes(self._queue) + contents) if is_waiting else memoryview(contents)
            if not is_waiting:
                self._write_on()
                self._check()

    @may_wait
    def blocking_write_and_flush(self, contents: bytes) -> Awaitable[None] | None:
        """WIT: `blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>`.

        More than 4096 bytes are a trap.
        """
        if len(contents) > MOST_BLOCKING:
            raise GuestTrap(f"blocking-write-and-flush: {len(contents)} bytes, but it takes at most {MOST_BLOCKING}")

        def write_and_flush() -> Awaitable[None] | None:
            self.check_write()
            self.write(contents)
            return self.blocking_flush()

        return self._when_ready(write_and_flush)

    def flush(self) -> None:
        """WIT: `flush: func() -> result<_, stream-error>`; nothing is held back, so it only reports an error."""
        self._check()

    @may_wait
    def blocking_flush(self) -> Awaitable[None] | None:
        """WIT: `blocking-flush: func() -> result<_, stream-error>`; the sink has every byte then."""
        return self._when_ready(self._check)

    def subscribe(self) -> Pollable:
        """WIT: `subscribe: func() -> pollable`; ready when `check-write` gives more than 0, or an error."""
        return Pollable(self)

    def write_zeroes(self, len: int) -> None:
        """WIT: `write-zeroes: func(len: u64) -> result<_, stream-error>`; asks `check-write` by itself."""
        permit = self.check_write()
        if len > permit:
            raise GuestTrap(f"write-zeroes: {len} bytes, but check-write permits {permit}")
        self.write(bytes(len))

    @may_wait
    def blocking_write_zeroes_and_flush(self, len: int) -> Awaitable[None] | None:
        """WIT: `blocking-write-zeroes-and-flush: func(len: u64) -> result<_, stream-error>`; at most 4096."""
        if len > MOST_BLOCKING:
            raise GuestTrap(f"blocking-write-zeroes-and-flush: {len} bytes, but it takes at most {MOST_BLOCKING}")
        return self.blocking_write_and_flush(bytes(len))

    def splice(self, src: InputStream, len: int) -> int:
        """WIT: `splice: func(src: borrow<input-stream>, len: u64) -> result<u64, stream-error>`.

        At most 64 KiB. The end and an error of `src` are given as its own.
        """
        size = min(len, self.check_write())
        data = src.read(size) if size else b""
        self.write(data)
        return _length(data)

    @may_wait
    def blocking_splice(self, src: InputStream, len: int) -> int | Awaitable[int]:
        """WIT: `blocking-splice: func(src: borrow<input-stream>, len: u64) -> result<u64, stream-error>`."""

        def splice() -> int | Awaitable[int]:
            is_due = len and self.check_write()
            return src._when_ready(lambda: self.splice(src, len)) if is_due else 0

        return self._when_ready(splice)

    def drop(self) -> None:
        """Bytes that are on their way are written, and then the sink is closed."""
        self._leave()
        self.end()

    # ---- below the WIT

    def _count(self, size: int) -> None:
        """The guest writes so many bytes. A stream with a limit calls `break_off` for too many."""

    def end(self) -> None:
        """The guest writes no more; its earlier bytes are written."""
        if self._has_ended:
            return
        self._has_ended = True
        self._ended = self._ended or _Ended(None, self._domain)
        if not self._queue:
            self._sink.close(None)
        self._changed()

    def break_off(self, error: OSError) -> None:
        """The stream ends with this error."""
        self._ended = self._ended or _Ended(error, self._domain)

    def abandon(self) -> None:
        """The guest is gone; bytes that the sink has not taken by now are lost."""
        self._forget_queue(None)

    def _is_ready(self) -> bool:
        return not self._queue or self._has_ended

    def _watch(self) -> None:
        """`_write_on` calls `_changed`: the queue is not empty."""

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended.report()

    def _write_on(self) -> None:
        error: BaseException | None = None
        try:
            while self._queue:
                self._queue = self._queue[self._sink.write(self._queue) :]
        except BlockingIOError:
            self._unwritten.add(self)
            self._sink.wait_writable(self._write_on)
            return
        except BaseException as failure:
            error = failure
            self._ended = _Ended(failure, self._domain)
        self._forget_queue(error)

    def _forget_queue(self, error: BaseException | None) -> None:
        self._queue = memoryview(b"")
        self._unwritten.remove(self, error)
        if self._has_ended:
            self._sink.close(error)
        self._changed()


def _length(data: bytes) -> int:
    return len(data)


class Streams:
    """`wasi:io/streams`."""

    wit_types: ClassVar[dict[str, type]] = {"stream-error": StreamError}

    InputStream = InputStream
    OutputStream = OutputStream
