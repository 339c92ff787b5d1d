"""Where stdin comes from, and the source that feeds it to a stream of the guest.

Theory of operation. All streams that the guest opens on its stdin share one `Input`, which reads nothing before a guest
reads. A block is read for the stream that asked; the part that the guest did not take before it dropped that stream
goes back, and the next read gives it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import IO, Any, TypeAlias

from wasihost._base.streams import ByteSource, byte_view
from wasihost._wasi.cli.readiness import Readiness, pollable

InputTarget: TypeAlias = int | bytes | bytearray | memoryview | IO[bytes] | IO[str] | Callable[[int], bytes]
ReadInto: TypeAlias = Callable[[memoryview], int | None]


class Input:
    """One stdin.

    `target` is a file descriptor, a binary or text file object (text is given as UTF-8), bytes, or a callable that gets
    the number of bytes wanted and returns at most that many, b"" at the end. It is never closed. From a pipe, terminal
    or socket the guest gets nothing that Python's own file object had read ahead before. Any other file object and a
    callable should answer at once: the event loop waits for them.
    """

    def __init__(self, target: InputTarget) -> None:
        self.target = target  # a file object without references closes its descriptor
        self.fd = pollable(target)
        self._read_into = _reader(target, self.fd)
        self._returned = b""
        self.parked: dict[InputSource, None] = {}  # the sources that wait for bytes, in their order

    def read_into(self, view: memoryview, is_ready: Callable[[], bool]) -> int:
        """Fills the beginning of `view`; the number of bytes, 0 at the end. BlockingIOError: nothing yet."""
        if self._returned:
            size = min(len(view), len(self._returned))
            view[:size] = self._returned[:size]
            self._returned = self._returned[size:]
            return size
        n = self._read_into(view) if is_ready() else None
        if n is None:
            raise BlockingIOError
        return n

    def unread(self, view: memoryview) -> None:
        """Takes back the bytes that were read last."""
        self._returned = bytes(view) + self._returned
        for source in list(self.parked):
            source.wake()


def _reader(target: Any, fd: int | None) -> ReadInto:
    """A callable that fills a view with one read of `target`; it gives 0 at the end and None for "nothing yet"."""
    if fd is None and isinstance(target, int):
        fd = target
    if fd is not None:
        # Below Python's buffer, which would read ahead, and poll knows nothing of its content.
        return lambda view: os.readv(fd, [view])
    if isinstance(target, bytes | bytearray | memoryview):
        return io.BytesIO(target).readinto
    file = getattr(target, "buffer", target)
    for method in ("readinto1", "readinto"):
        if hasattr(file, method):
            read_into: ReadInto = getattr(file, method)
            return read_into
    return _ReadInto(getattr(file, "read", file))


class _ReadInto:
    """`readinto` where there is only `read`; text is encoded as UTF-8."""

    def __init__(self, read: Callable[[int], bytes | str]) -> None:
        self._read = read
        self._rest = memoryview(b"")

    def __call__(self, view: memoryview) -> int:
        if not self._rest:
            data = self._read(len(view))
            self._rest = byte_view(data.encode() if isinstance(data, str) else data)
        n = min(len(view), len(self._rest))
        view[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n


class InputSource(ByteSource):
    """Feeds one stream from stdin; `on_close` is called at its end, with the error of a read that failed."""

    def __init__(self, target: Input, on_close: Callable[[BaseException | None], object]) -> None:
        self._input = target
        self._on_close = on_close
        self._readiness = Readiness(target.fd)

    def read_into(self, view: memoryview) -> int:
        self._input.parked.pop(self, None)
        return self._input.read_into(view, self._readiness.now)

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self._input.parked[self] = None
        self._readiness.wait(callback)

    def wake(self) -> None:
        """There may be bytes now."""
        self._readiness.wake()

    def unread(self, view: memoryview) -> None:
        self._input.unread(view)

    def close(self, error: BaseException | None) -> None:
        self._input.parked.pop(self, None)
        self._readiness.cancel()
        self._on_close(error)
