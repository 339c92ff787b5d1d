"""Files around other files; each method does what the inner one does."""

from __future__ import annotations

from wasihost._wasi.filesystem.answers import Answer, Later
from wasihost._wasi.filesystem.flags import Advice
from wasihost._wasi.filesystem.metadata import NewTime, Stat
from wasihost._wasi.filesystem.nodes import FileNode


class FileAround(FileNode):
    """A file around another one."""

    def __init__(self, inner: FileNode) -> None:
        self.inner = inner
        self.identity = inner.identity

    def _close(self) -> None:
        self.inner.close()

    def stat(self) -> Answer[Stat]:
        return self.inner.stat()

    def set_times(self, accessed: NewTime, modified: NewTime) -> Answer[None]:
        return self.inner.set_times(accessed, modified)

    def sync(self, with_metadata: bool) -> Answer[None]:
        return self.inner.sync(with_metadata)

    def read(self, size: int, offset: int) -> Answer[bytes]:
        return self.inner.read(size, offset)

    def read_into(self, view: memoryview, offset: int) -> int | Later[bytes]:
        return self.inner.read_into(view, offset)

    def write(self, view: memoryview, offset: int) -> Answer[int]:
        return self.inner.write(view, offset)

    def append(self, view: memoryview) -> Answer[int]:
        return self.inner.append(view)

    def set_size(self, size: int) -> Answer[None]:
        return self.inner.set_size(size)

    def advise(self, offset: int, length: int, advice: Advice) -> None:
        self.inner.advise(offset, length, advice)
