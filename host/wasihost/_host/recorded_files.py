"""A tree around another one, which notes in a recording the operations of guests and their results."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, TypeVarTuple

from wasihost._host import file_words
from wasihost._recording import Recorder, events
from wasihost._recording.transcript import error_name
from wasihost._wasi.filesystem.answers import Answer, Later, at_once_or_later, put, settled
from wasihost._wasi.filesystem.flags import Advice, DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.nodes import DirectoryNode, Entries, FileNode, FileSystem, Node
from wasihost._wasi.filesystem.virtual.nodes import VirtualEntries
from wasihost._wasi.filesystem.wrapping import DirectoryAround, FileAround, What

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class RecordedFiles(FileSystem):
    """A tree under its name for one guest."""

    def __init__(self, inner: FileSystem, name: str, recorder: Recorder) -> None:
        self.read_only = inner.read_only
        self.may_wait = inner.may_wait
        self.is_recorded = inner.is_recorded
        self._inner = inner
        self._name = name
        self._recorder = recorder

    def open_root(self, handles: Handles) -> DirectoryNode:
        root = self._inner.open_root(handles)
        log = _Log(self._recorder)
        identity = file_words.identity(root.identity)
        log.add(events.DirectoryGiven, self._name, self.read_only, identity)
        return _RecordedDirectory(root, log)


class _Log:
    """The events of a file that is open, under the next number."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.number = recorder.recording.new_file()

    def add(self, kind: type[events.FileEvent], *fields: object) -> None:
        self.recorder.add(kind(*self.recorder.now(), self.number, *fields))

    def kept(self, data: bytes) -> bytes:
        """The data as the recording keeps them."""
        return self.recorder.recording.kept(data)

    def called(self, call: str, args: Sequence[object], answers: file_words.Words) -> None:
        self.add(events.FileCalled, call, file_words.arguments(args), answers, None)

    @contextlib.contextmanager
    def noting_failure(self, call: str, args: Sequence[object]) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.add(events.FileCalled, call, file_words.arguments(args), (), error_name(error))
            raise

    @at_once_or_later
    async def noted(self, name: str, words: Sequence[object], call: Callable[[*Ts], Answer[T]], *args: *Ts) -> T:
        """The result of a call, which is noted with these words."""
        with self.noting_failure(name, words):
            answer = await settled(call(*args))
        self.called(name, words, file_words.answers(answer))
        return answer


class _RecordedFile(FileAround):
    def __init__(self, inner: FileNode, log: _Log) -> None:
        super().__init__(inner)
        self._log = log

    def _close(self) -> None:
        self._log.add(events.FileClosed)
        super()._close()

    def _do(self, what: What, call: Callable[[*Ts], Answer[T]], *args: *Ts) -> Answer[T]:
        return self._log.noted(call.__name__, args, call, *args)

    @at_once_or_later
    async def read(self, size: int, offset: int) -> bytes:
        with self._log.noting_failure("read", [offset]):
            found = await settled(self.inner.read(size, offset))
        self._log.add(events.FileRead, offset, self._log.kept(found))
        return found

    def read_into(self, view: memoryview, offset: int) -> int | Later[bytes]:
        return put(self.read(len(view), offset), view)

    @at_once_or_later
    async def write(self, view: memoryview, offset: int) -> int:
        content = bytes(view)  # which the guest may change while the call takes time
        with self._log.noting_failure("write", [offset]):
            written = await settled(self.inner.write(memoryview(content), offset))
        self._log.add(events.FileWritten, offset, self._log.kept(content[:written]))
        return written

    @at_once_or_later
    async def append(self, view: memoryview) -> int:
        content = bytes(view)
        with self._log.noting_failure("append", []):
            written = await settled(self.inner.append(memoryview(content)))
        self._log.add(events.FileWritten, None, self._log.kept(content[:written]))
        return written

    def advise(self, offset: int, length: int, advice: Advice) -> None:
        self._log.noted("advise", (offset, length, advice), self.inner.advise, offset, length, advice)


class _RecordedDirectory(DirectoryAround):
    def __init__(self, inner: DirectoryNode, log: _Log) -> None:
        super().__init__(inner)
        self.log = log

    def _close(self) -> None:
        self.log.add(events.FileClosed)
        super()._close()

    def _do(self, what: What, path: str, call: Callable[[*Ts], Answer[T]], *args: *Ts) -> Answer[T]:
        return self.log.noted(call.__name__, args, call, *args)

    @at_once_or_later
    async def open(self, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags) -> Node:
        words = (path, follow, how, use)
        with self.log.noting_failure("open", words):
            opened = await settled(self.inner.open(path, follow, how, use))
        log = _Log(self.log.recorder)
        kind = "directory" if isinstance(opened, DirectoryNode) else "file"
        self.log.called("open", words, (kind, str(log.number), file_words.identity(opened.identity)))
        if isinstance(opened, DirectoryNode):
            return _RecordedDirectory(opened, log)
        return _RecordedFile(opened, log) if isinstance(opened, FileNode) else opened

    @at_once_or_later
    async def entries(self) -> Entries:
        """All of them at once, so that they are one event."""
        with self.log.noting_failure("entries", []):
            found = await settled(self.inner.entries())
            try:
                entries = list(found)
            finally:
                found.close()
        self.log.called("entries", (), file_words.answers(entries))
        return VirtualEntries(entries)

    def rename(self, path: str, new_directory: DirectoryNode, new_path: str) -> Answer[None]:
        words = (path, _number(new_directory), new_path)
        return self.log.noted("rename", words, self.inner.rename, path, self._inner_of(new_directory), new_path)

    def link(self, path: str, new_directory: DirectoryNode, new_path: str) -> Answer[None]:
        words = (path, _number(new_directory), new_path)
        return self.log.noted("link", words, self.inner.link, path, self._inner_of(new_directory), new_path)


def _number(directory: DirectoryNode) -> int:
    """The number of another directory of the guest; all of them are recorded."""
    return directory.log.number if isinstance(directory, _RecordedDirectory) else 0
