"""Files and directories around others: each method calls that of the inner one, by way of `_do`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, TypeVar, TypeVarTuple

from wasihost._wasi.filesystem.answers import Answer, Later
from wasihost._wasi.filesystem.flags import Advice, DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.metadata import Identity, NewTime, Stat
from wasihost._wasi.filesystem.nodes import DirectoryNode, Entries, FileNode, Node

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
What: TypeAlias = Literal["open", "list", "stat", "change", "sync"]
"""The kinds of operations."""


class FileAround(FileNode):
    """A file around another one."""

    def __init__(self, inner: FileNode) -> None:
        self.inner = inner
        self.identity = inner.identity

    def _do(self, what: What, call: Callable[[*Ts], Answer[T]], *args: *Ts) -> Answer[T]:
        return call(*args)

    def _close(self) -> None:
        self.inner.close()

    def stat(self) -> Answer[Stat]:
        return self._do("stat", self.inner.stat)

    def set_times(self, accessed: NewTime, modified: NewTime) -> Answer[None]:
        return self._do("change", self.inner.set_times, accessed, modified)

    def sync(self, with_metadata: bool) -> Answer[None]:
        return self._do("sync", self.inner.sync, with_metadata)

    def read(self, size: int, offset: int) -> Answer[bytes]:
        return self.inner.read(size, offset)

    def read_into(self, view: memoryview, offset: int) -> int | Later[bytes]:
        return self.inner.read_into(view, offset)

    def write(self, view: memoryview, offset: int) -> Answer[int]:
        return self.inner.write(view, offset)

    def append(self, view: memoryview) -> Answer[int]:
        return self.inner.append(view)

    def set_size(self, size: int) -> Answer[None]:
        return self._do("change", self.inner.set_size, size)

    def advise(self, offset: int, length: int, advice: Advice) -> None:
        self.inner.advise(offset, length, advice)


class DirectoryAround(DirectoryNode):
    """A directory around another one; files opened there are the inner one's."""

    def __init__(self, inner: DirectoryNode) -> None:
        self.inner = inner
        self.identity = inner.identity

    def _do(self, what: What, path: str, call: Callable[[*Ts], Answer[T]], *args: *Ts) -> Answer[T]:
        return call(*args)

    def _inner_of(self, other: DirectoryNode) -> DirectoryNode:
        """The directory that a directory of the same kind is around."""
        return other.inner if isinstance(other, type(self)) else other

    def _close(self) -> None:
        self.inner.close()

    def stat(self) -> Answer[Stat]:
        return self._do("stat", ".", self.inner.stat)

    def set_times(self, accessed: NewTime, modified: NewTime) -> Answer[None]:
        return self._do("change", ".", self.inner.set_times, accessed, modified)

    def sync(self, with_metadata: bool) -> Answer[None]:
        return self._do("sync", ".", self.inner.sync, with_metadata)

    def open(self, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags) -> Answer[Node]:
        return self._do("open", path, self.inner.open, path, follow, how, use)

    def entries(self) -> Answer[Entries]:
        return self._do("list", ".", self.inner.entries)

    def stat_at(self, path: str, follow: bool) -> Answer[Stat]:
        return self._do("stat", path, self.inner.stat_at, path, follow)

    def identity_at(self, path: str, follow: bool) -> Answer[Identity]:
        return self._do("stat", path, self.inner.identity_at, path, follow)

    def set_times_at(self, path: str, follow: bool, accessed: NewTime, modified: NewTime) -> Answer[None]:
        return self._do("change", path, self.inner.set_times_at, path, follow, accessed, modified)

    def create_directory(self, path: str) -> Answer[None]:
        return self._do("change", path, self.inner.create_directory, path)

    def remove_directory(self, path: str) -> Answer[None]:
        return self._do("change", path, self.inner.remove_directory, path)

    def remove_file(self, path: str) -> Answer[None]:
        return self._do("change", path, self.inner.remove_file, path)

    def rename(self, path: str, new_directory: DirectoryNode, new_path: str) -> Answer[None]:
        return self._do("change", path, self.inner.rename, path, self._inner_of(new_directory), new_path)

    def link(self, path: str, new_directory: DirectoryNode, new_path: str) -> Answer[None]:
        return self._do("change", path, self.inner.link, path, self._inner_of(new_directory), new_path)

    def symlink(self, text: str, path: str) -> Answer[None]:
        return self._do("change", path, self.inner.symlink, text, path)

    def readlink(self, path: str) -> Answer[bytes]:
        return self._do("stat", path, self.inner.readlink, path)
