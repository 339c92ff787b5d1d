"""A `Directory` as inodes that can be read: the lower layer of an `Overlay`.

An inode is a path, which the sandbox opens at each call. Changes by other programs meanwhile may be found or not, but
nothing outside is. A file that guests have open is kept open.
"""

from __future__ import annotations

from wasihost._wasi.filesystem import paths
from wasihost._wasi.filesystem.directory import Directory, OsDirectory, OsFile, OsRoot, identity_of, stat_of
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.metadata import Kind, Stat, kind_of
from wasihost._wasi.filesystem.nodes import Node
from wasihost._wasi.filesystem.virtual.inodes import InodeOperations


class HostInode:
    """A path below the directory."""

    __slots__ = ("file", "kind", "number", "opens", "path")

    def __init__(self, path: str, kind: Kind, number: int) -> None:
        self.path = path
        self.kind = kind
        self.number = number
        self.opens = 0
        self.file: OsFile | None = None


class HostTree(InodeOperations[HostInode]):
    """The content of a directory of the host."""

    may_wait = False

    def __init__(self, directory: Directory) -> None:
        self._top = OsRoot(directory, Handles())
        self.root = HostInode(".", Kind.DIRECTORY, hash(self._top.identity))

    def lookup(self, directory: HostInode, name: str) -> HostInode:
        path = f"{directory.path}/{name}"
        found = self._top.stat_result(path, False)
        return HostInode(path, kind_of(found.st_mode), hash(identity_of(found)))

    def stat(self, inode: HostInode) -> Stat:
        return stat_of(self._top.stat_result(inode.path, False))

    def entries(self, directory: HostInode) -> list[tuple[str, Kind]]:
        node = self._open(directory)
        assert isinstance(node, OsDirectory)
        found = node.entries()
        try:
            return list(found)
        finally:
            found.close()
            node.close()

    def read(self, file: HostInode, size: int, offset: int) -> bytes:
        if file.file is not None:
            return file.file.read(size, offset)
        opened = self._open(file)
        assert isinstance(opened, OsFile)
        if file.opens:
            file.file = opened
            return opened.read(size, offset)
        try:
            return opened.read(size, offset)
        finally:
            opened.close()

    def readlink(self, link: HostInode) -> str:
        return paths.to_python(self._top.readlink(link.path))

    def opened(self, inode: HostInode) -> None:
        inode.opens += 1

    def closed(self, inode: HostInode) -> None:
        inode.opens -= 1
        if not inode.opens and inode.file is not None:
            inode.file.close()
            inode.file = None

    def _open(self, inode: HostInode) -> Node:
        return self._top.open(inode.path, False, OpenFlags(0), DescriptorFlags.READ)
