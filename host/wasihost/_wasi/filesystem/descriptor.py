"""`Descriptor`: a guest's hold of a file or directory, and the permissions of its mount.

The order of checks: the kind of the descriptor, the permissions of the mount, then the operation. A mount that is
read-only refuses every change with EPERM. All methods fail with OSError, at once or later.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar, TypeVarTuple

from wasihost._network.base import os_error
from wasihost._wasi.filesystem import paths
from wasihost._wasi.filesystem.answers import Answer, Later, then
from wasihost._wasi.filesystem.flags import (
    Advice,
    DescriptorFlags,
    OpenFlags,
    Opening,
    directory_flags,
    opening,
)
from wasihost._wasi.filesystem.metadata import Identity, NewTime, Stat
from wasihost._wasi.filesystem.mounts import Mount, Mounts
from wasihost._wasi.filesystem.nodes import DirectoryNode, Entries, FileNode, Node
from wasihost._wasi.filesystem.paths import EscapeError
from wasihost._wasi.filesystem.streams import Convert, EntrySource, FileSink, FileSource, OnClose

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MOST_READ: Final = 1 << 16
"""Bytes of one `read`, as in Wasmtime."""


class Descriptor:
    """One open file or directory of a guest."""

    __slots__ = ("_mount", "_node", "flags")

    def __init__(self, mount: Mount, node: Node, flags: DescriptorFlags) -> None:
        self._mount = mount
        self._node = node
        self.flags = flags

    def close(self) -> None:
        """The guest's handle is gone; streams go on."""
        self._node.close()

    # ---- of files

    def source(self, offset: int, on_close: OnClose) -> FileSource:
        """Reads from `offset` on; EISDIR of a directory."""
        return FileSource(self._file(errno.EISDIR), offset, on_close)

    def sink(self, offset: int | None, on_close: OnClose) -> FileSink:
        """Writes from `offset` on, or at the end of the file; EBADF of a directory."""
        file = self._file()
        self._require_writable()
        return FileSink(file, offset, on_close)

    def read(self, length: int, offset: int) -> Answer[bytes]:
        """At most 64 KiB from `offset` on; EBADF of a directory."""
        return self._file().read(min(length, MOST_READ), offset)

    def write(self, content: bytes, offset: int) -> Answer[int]:
        """How many bytes were written at `offset`; EBADF of a directory."""
        file = self._file()
        self._require_writable()
        return file.write(memoryview(content), offset)

    def advise(self, offset: int, length: int, advice: Advice) -> None:
        """How the guest is going to use a part of the file; EBADF of a directory."""
        self._file().advise(offset, length, advice)

    def set_size(self, size: int) -> Answer[None]:
        """Cuts the file off or adds zeros; EBADF of a directory."""
        file = self._file()
        self._require_writable()
        return file.set_size(size)

    # ---- of both

    def sync(self, with_metadata: bool) -> Answer[None]:
        """Returns when all that was written is on the disk."""
        return self._node.sync(with_metadata)

    def stat(self) -> Answer[Stat]:
        """Its metadata now."""
        return self._node.stat()

    def set_times(self, accessed: NewTime, modified: NewTime) -> Answer[None]:
        """Sets one time or both."""
        self._require_writable()
        return self._node.set_times(accessed, modified)

    @property
    def identity(self) -> Identity:
        """A value that no other file has while this one exists."""
        return self._node.identity

    def identity_hash(self) -> tuple[int, int]:
        """128 bits that no other file has while this one is there."""
        return self._mount.identity_hash(self._node.identity)

    # ---- of directories; every other kind is ENOTDIR

    def entries(self) -> Answer[Entries]:
        """Its entries, from the first on."""
        return self._directory().entries()

    def entry_source(self, convert: Convert[T], on_close: OnClose) -> EntrySource[T]:
        """Reads its entries, as values that `convert` makes of names and kinds."""
        return EntrySource(self._directory().entries(), convert, on_close)

    def open(self, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags) -> Answer[Descriptor]:
        """Opens the file that is there, or creates one. EINVAL if a directory is to be created or cut off."""
        directory = self._directory()
        asked = opening(how, use)
        if asked.is_contradiction:
            raise os_error(errno.EINVAL)
        if asked.may_change:
            self._require_writable(path)
        node = self._at(path, directory.open, path, follow, how, use)
        if isinstance(node, Later):
            return node.then(partial(self._opened, asked, use))
        return self._opened(asked, use, node)

    def _opened(self, asked: Opening, use: DescriptorFlags, node: Node) -> Descriptor:
        is_directory = isinstance(node, DirectoryNode)
        flags = directory_flags(use, self._mount.read_only) if is_directory else asked.flags
        return Descriptor(self._mount, node, flags)

    def stat_at(self, path: str, follow: bool) -> Answer[Stat]:
        """The metadata of the file that is there."""
        return self._at(path, self._directory().stat_at, path, follow)

    def identity_hash_at(self, path: str, follow: bool) -> Answer[tuple[int, int]]:
        """The `identity_hash` of the file that is there."""
        identity = self._at(path, self._directory().identity_at, path, follow)
        return then(identity, self._mount.identity_hash)

    def set_times_at(self, path: str, follow: bool, accessed: NewTime, modified: NewTime) -> Answer[None]:
        """Sets one time or both of the file that is there."""
        return self._at(path, self._writable_directory(path).set_times_at, path, follow, accessed, modified)

    def create_directory(self, path: str) -> Answer[None]:
        """Makes a directory."""
        return self._at(path, self._writable_directory(path).create_directory, path)

    def remove_directory(self, path: str) -> Answer[None]:
        """Removes an empty directory."""
        return self._at(path, self._writable_directory(path).remove_directory, path)

    def remove_file(self, path: str) -> Answer[None]:
        """Removes a name of anything but a directory."""
        return self._at(path, self._writable_directory(path).remove_file, path)

    def rename(self, path: str, new_directory: Descriptor, new_path: str) -> Answer[None]:
        """Moves the file that is there, within this mount or to another one."""
        directory = self._writable_directory(path)
        other = new_directory._writable_directory(new_path)
        return self._at(path, directory.rename, path, other, new_path)

    def link(self, path: str, follow: bool, new_directory: Descriptor, new_path: str) -> Answer[None]:
        """Gives the file that is there another name, a symbolic link too. EINVAL to follow one."""
        directory = self._writable_directory(path)
        other = new_directory._writable_directory(new_path)
        if follow:
            raise os_error(errno.EINVAL)
        return self._at(path, directory.link, path, other, new_path)

    def symlink(self, text: str, path: str) -> Answer[None]:
        """Makes a symbolic link; EPERM if it were an absolute one."""
        return self._at(path, self._writable_directory(path).symlink, text, path)

    def readlink(self, path: str) -> Answer[str]:
        """The content of a symbolic link; EPERM if that is absolute, EILSEQ if it is not UTF-8."""
        return then(self._at(path, self._directory().readlink, path), paths.text)

    # ----

    def _file(self, otherwise: int = errno.EBADF) -> FileNode:
        if isinstance(self._node, FileNode):
            return self._node
        raise os_error(otherwise)

    def _directory(self) -> DirectoryNode:
        if isinstance(self._node, DirectoryNode):
            return self._node
        raise os_error(errno.ENOTDIR)

    def _writable_directory(self, path: str) -> DirectoryNode:
        directory = self._directory()
        self._require_writable(path)
        return directory

    def _require_writable(self, path: str = "") -> None:
        if self._mount.read_only:
            self._mount.refused_change(path)
            raise os_error(errno.EPERM)

    def _at(self, path: str, call: Callable[[*Ts], Answer[T]], *args: *Ts) -> Answer[T]:
        """The answer of a call for a path; the first one that leads out is logged."""
        try:
            answer = call(*args)
        except EscapeError as error:
            raise self._escaped(path, error) from error
        return answer.failing(EscapeError, partial(self._escaped, path)) if isinstance(answer, Later) else answer

    def _escaped(self, path: str, _error: EscapeError) -> EscapeError:
        self._mount.refused_escape(path)
        return EscapeError()


def preopened(mounts: Mounts) -> list[tuple[Descriptor, str]]:
    """A new descriptor of each mount, with the mount's name. Errors: OSError, EMFILE."""
    found = []
    for mount, root in mounts.opened():
        flags = directory_flags(DescriptorFlags.MUTATE_DIRECTORY, mount.read_only)
        found.append((Descriptor(mount, root, flags), mount.name))
    return found
