"""The contents of files and the entries of directories as sources and sinks; each holds what it reads or writes."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

from wasihost._base.streams import ByteSink, ByteSource, ValueSource
from wasihost._network.base import os_error
from wasihost._wasi.filesystem.nodes import Entries, Entry, FileNode

T = TypeVar("T")
OnClose: TypeAlias = Callable[[BaseException | None], None]
"""Told how a stream ended."""
MOST_ENTRIES: Final = 256
"""Entries of a directory that are read without a turn for others."""


def _would_wait() -> OSError:
    """What a device gives that has nothing yet; a file is always ready, so nothing is waited for."""
    return os_error(errno.EIO)


class FileSource(ByteSource):
    """Reads a file from an offset on, which is its own."""

    def __init__(self, file: FileNode, offset: int, on_close: OnClose) -> None:
        self._file = file.hold()
        self._offset = offset
        self._on_close = on_close

    def read_into(self, view: memoryview) -> int:
        """The number of bytes read; 0 at the end of the file as it is now."""
        try:
            size = self._file.read_into(view, self._offset)
        except BlockingIOError:
            raise _would_wait() from None
        self._offset += size
        return size

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """A file is always ready."""
        asyncio.get_running_loop().call_soon(callback)

    def close(self, error: BaseException | None) -> None:
        """Lets go of the file."""
        self._file.close()
        self._on_close(error)


class FileSink(ByteSink):
    """Writes a file from an offset on, which is its own; None is its end, at each write."""

    def __init__(self, file: FileNode, offset: int | None, on_close: OnClose) -> None:
        self._file = file.hold()
        self._offset = offset
        self._on_close = on_close

    def write(self, view: memoryview) -> int:
        """The number of bytes written."""
        try:
            if self._offset is None:
                return self._file.append(view)
            size = self._file.write(view, self._offset)
        except BlockingIOError:
            raise _would_wait() from None
        self._offset += size
        return size

    def wait_writable(self, callback: Callable[[], None]) -> None:
        """A file is always ready."""
        asyncio.get_running_loop().call_soon(callback)

    def close(self, error: BaseException | None) -> None:
        """Lets go of the file."""
        self._file.close()
        self._on_close(error)


class EntrySource(ValueSource[T]):
    """Reads a directory; `convert` makes a value of an entry, or fails, which is the end after those before it."""

    def __init__(self, entries: Entries, convert: Callable[[Entry], T], on_close: OnClose) -> None:
        self._entries = entries
        self._convert = convert
        self._on_close = on_close
        self._error: OSError | None = None

    def read(self) -> Sequence[T]:
        """Some more entries, none at the end."""
        if self._error is not None:
            raise self._error
        found: list[T] = []
        try:
            for entry in self._entries:
                found.append(self._convert(entry))
                if len(found) == MOST_ENTRIES:
                    break
        except OSError as error:
            if not found:
                raise
            self._error = error
        return found

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """A directory is always ready."""
        asyncio.get_running_loop().call_soon(callback)

    def close(self, error: BaseException | None) -> None:
        """Closes the directory."""
        self._entries.close()
        self._on_close(error)
