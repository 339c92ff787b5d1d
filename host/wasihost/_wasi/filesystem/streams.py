"""The contents of files and the entries of directories as sources and sinks; each holds the node that it reads or
writes.

An answer that takes time is a task meanwhile, and the next try gives its result. A write that takes time has
taken nothing yet: the same bytes are offered again, and then it gives how many it took.
"""

from __future__ import annotations

import asyncio
import errno
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Generic, NoReturn, TypeAlias, TypeVar

from wasihost._base import eager
from wasihost._base.streams import ByteSink, ByteSource, ValueSource
from wasihost._network.base import os_error
from wasihost._wasi.filesystem import paths
from wasihost._wasi.filesystem.answers import Answer, Later
from wasihost._wasi.filesystem.metadata import Kind
from wasihost._wasi.filesystem.nodes import Entries, FileNode

T = TypeVar("T")
OnClose: TypeAlias = Callable[[BaseException | None], None]
"""Called when a stream ends, with its error."""
Convert: TypeAlias = Callable[[Sequence[str], Sequence[Kind]], Sequence[T]]
"""Makes values of the names and kinds of some entries."""


def _would_wait() -> OSError:
    """The error of a device that has nothing yet; a file is always ready, so there is nothing to wait for."""
    return os_error(errno.EIO)


class _Waiting(Generic[T]):
    """A stream that waits for at most one answer."""

    def __init__(self, on_close: OnClose) -> None:
        self._on_close = on_close
        self._task: asyncio.Future[T] | None = None

    def _taken(self) -> T | None:
        """The answer that was waited for, None if none was. BlockingIOError: it is not there yet."""
        task = self._task
        if task is None:
            return None
        if not task.done():
            raise BlockingIOError
        self._task = None
        return task.result()

    def _wait_for(self, answer: Later[T]) -> NoReturn:
        self._task = eager.begin(answer)
        raise BlockingIOError

    def _wait(self, callback: Callable[[], None]) -> None:
        if self._task is None:
            asyncio.get_running_loop().call_soon(callback)
        else:
            self._task.add_done_callback(lambda task: callback() if self._task is task else None)

    def close(self, error: BaseException | None) -> None:
        """Releases the node."""
        task = self._task
        self._task = None
        if task is not None and not task.cancel() and _succeeded(task):
            self._discard(task.result())
        self._close()
        self._on_close(error)

    @abstractmethod
    def _close(self) -> None: ...

    def _discard(self, answer: T) -> None:
        """An answer came that no one waits for any more."""


def _succeeded(task: asyncio.Future[T]) -> bool:
    return not task.cancelled() and task.exception() is None  # asyncio reports an exception that no one asks for


class FileSource(_Waiting[bytes], ByteSource):
    """Reads a file from an offset on, which is its own."""

    def __init__(self, file: FileNode, offset: int, on_close: OnClose) -> None:
        super().__init__(on_close)
        self._file = file.hold()
        self._offset = offset
        self._left = b""

    def read_into(self, view: memoryview) -> int:
        """The number of bytes read; 0 at the end of the file as it is now."""
        if self._task is not None or self._left:
            return self._given(view)
        try:
            size = self._file.read_into(view, self._offset)
        except BlockingIOError:
            raise _would_wait() from None
        if isinstance(size, Later):
            self._wait_for(size)
        self._offset += size
        return size

    def _given(self, view: memoryview) -> int:
        """The result of an answer that took time, in as many parts as the guest wants."""
        found = self._left or self._taken() or b""
        size = min(len(found), len(view))
        view[:size] = found[:size]
        self._left = found[size:]
        self._offset += size
        return size

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """A file is always ready, unless its answers take time."""
        self._wait(callback)

    def _close(self) -> None:
        self._file.close()


class FileSink(_Waiting[int], ByteSink):
    """Writes a file from an offset on, which is its own; None is its end, at each write."""

    def __init__(self, file: FileNode, offset: int | None, on_close: OnClose) -> None:
        super().__init__(on_close)
        self._file = file.hold()
        self._offset = offset

    def write(self, view: memoryview) -> int:
        """The number of bytes written."""
        size = self._taken()
        if size is None:
            size = self._written(view)
        if self._offset is not None:
            self._offset += size
        return size

    def _written(self, view: memoryview) -> int:
        try:
            answer = self._file.append(view) if self._offset is None else self._file.write(view, self._offset)
        except BlockingIOError:
            raise _would_wait() from None
        if isinstance(answer, Later):
            self._wait_for(answer)
        return answer

    def wait_writable(self, callback: Callable[[], None]) -> None:
        """A file is always ready, unless its answers take time."""
        self._wait(callback)

    def _close(self) -> None:
        self._file.close()


class EntrySource(_Waiting[Entries], ValueSource[T]):
    """Reads a directory, as values that `convert` makes; ends with EILSEQ before a name that guests cannot have."""

    def __init__(self, entries: Answer[Entries], convert: Convert[T], on_close: OnClose) -> None:
        super().__init__(on_close)
        self._entries: Entries | None = None
        if isinstance(entries, Later):
            self._task = eager.begin(entries)
        else:
            self._entries = entries
        self._convert = convert
        self._error: OSError | None = None

    def read(self) -> Sequence[T]:
        """Some more entries, none at the end."""
        if self._error is not None:
            raise self._error
        if self._entries is None:
            self._entries = self._taken()
        assert self._entries is not None
        names, kinds = self._entries.read()
        if not paths.is_text("".join(names)):
            self._error = os_error(errno.EILSEQ)
            count = list(map(paths.is_text, names)).index(False)
            if not count:
                raise self._error
            names = names[:count]
            kinds = kinds[:count]
        return self._convert(names, kinds)

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """A directory is always ready, unless its answers take time."""
        self._wait(callback)

    def _close(self) -> None:
        if self._entries is not None:
            self._entries.close()

    def _discard(self, answer: Entries) -> None:
        answer.close()
