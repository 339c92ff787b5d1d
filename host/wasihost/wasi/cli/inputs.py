"""Where stdin comes from, and the source that feeds it to a stream of the guest."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, Any, TypeAlias

from wasihost.component.streams import ByteSource
from wasihost.wasi.cli.readiness import Readiness, descriptor
from wasihost.wasi.cli.types import Done, settle

InputTarget: TypeAlias = int | bytes | bytearray | memoryview | IO[bytes] | IO[str]
ReadInto: TypeAlias = Callable[[memoryview], int | None]


class Input:
    """One stdin, shared by the streams that the guest opens on it; nothing is read ahead."""

    def __init__(self, target: InputTarget) -> None:
        self._target = target  # a file object that nobody holds closes its descriptor
        self.fd = descriptor(target)
        self.read_into = _reader(target, self.fd)


def _reader(target: Any, fd: int | None) -> ReadInto:
    """What fills a view with one read of `target`; it gives 0 at the end and None for "nothing yet"."""
    if fd is not None:
        # Below Python's buffer, which would read ahead, and poll knows nothing of what is in it.
        return io.FileIO(fd, closefd=False).readinto
    if isinstance(target, int):
        return io.FileIO(target, closefd=False).readinto
    if isinstance(target, bytes | bytearray | memoryview):
        return io.BytesIO(target).readinto
    file = getattr(target, "buffer", target)
    for method in ("readinto1", "readinto"):
        if hasattr(file, method):
            read_into: ReadInto = getattr(file, method)
            return read_into
    return _ReadInto(file)


class _ReadInto:
    """`readinto` for an object that has only `read`; text is encoded as UTF-8."""

    def __init__(self, file: IO[Any]) -> None:
        self._file = file
        self._rest = b""

    def __call__(self, view: memoryview) -> int:
        if not self._rest:
            data = self._file.read(len(view))
            self._rest = data.encode() if isinstance(data, str) else bytes(data)
        n = min(len(view), len(self._rest))
        view[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n


class InputSource(ByteSource):
    """Feeds one `stream<u8>` from stdin, and resolves `done` at its end."""

    def __init__(self, target: Input, done: Done) -> None:
        self._input = target
        self._done = done
        self._readiness = Readiness(target.fd)

    def read_into(self, view: memoryview) -> int:
        n = self._input.read_into(view) if self._readiness.now() else None
        if n is None:
            raise BlockingIOError
        return n

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self._readiness.wait(callback)

    def close(self, error: BaseException | None) -> None:
        self._readiness.cancel()
        settle(self._done, error)
