"""`MemoryTree`: files in the memory of this process, as guests use them.

Theory of operation. An inode counts its names and how often guests have it open; when both are 0 its bytes are free
again. All bytes of files and of symbolic links count against `max_bytes`, all names against `max_files`: beyond them is
ENOSPC. A write that fits in part is cut, as on a disk that is full. A path from the top has at most 4095 bytes, else
ENAMETOOLONG: names in very deep directories take no space in the tree, but very much in a list of paths. Reading
changes no time.
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterable

from wasihost._network.base import os_error
from wasihost._wasi.filesystem import paths
from wasihost._wasi.filesystem.metadata import DIRECTORY, REGULAR_FILE, SYMBOLIC_LINK, Kind, Stat
from wasihost._wasi.filesystem.virtual.files import VirtualFiles
from wasihost._wasi.filesystem.virtual.memory_content import MemoryContent
from wasihost._wasi.filesystem.virtual.walk import LONGEST_NAME


class MemoryInode:
    """A file with `content`, a symbolic link with `text`, or a directory with `names`."""

    __slots__ = (
        *("accessed_ns", "changed_ns", "content", "kind", "links", "modified_ns", "names", "number", "opens", "parent"),
        *("path_bytes", "text"),
    )
    content: MemoryContent
    text: str
    names: dict[str, MemoryInode]
    parent: MemoryInode
    """The directory that a directory is in; the top is in itself."""
    path_bytes: int
    """The length of the path of a directory."""

    def __init__(self, kind: Kind, number: int, now_ns: int) -> None:
        self.kind = kind
        self.number = number
        self.links = 1
        self.opens = 0
        self.accessed_ns = now_ns
        self.modified_ns = now_ns
        self.changed_ns = now_ns

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        if self.kind is REGULAR_FILE:
            return self.content.size
        return len(paths.from_python(self.text)) if self.kind is SYMBOLIC_LINK else 0


class MemoryTree(VirtualFiles[MemoryInode]):
    """Files in memory, bounded by bytes and names."""

    may_wait = False

    def __init__(self, max_bytes: int, max_files: int) -> None:
        self.max_bytes = max_bytes
        self.max_files = max_files
        self.used_bytes = 0
        self.used_files = 0
        self._numbers = itertools.count(1)
        self.root = self._inode(DIRECTORY)
        self.root.names = {}
        self.root.parent = self.root
        self.root.path_bytes = 0

    # ---- reading

    def lookup(self, directory: MemoryInode, name: str) -> MemoryInode:
        inode = directory.names.get(name)
        if inode is None:
            raise os_error(errno.ENOENT)
        return inode

    def stat(self, inode: MemoryInode) -> Stat:
        return Stat(inode.kind, inode.size, inode.links, inode.accessed_ns, inode.modified_ns, inode.changed_ns)

    def entries(self, directory: MemoryInode) -> Iterable[tuple[str, Kind]]:
        return [(name, inode.kind) for name, inode in directory.names.items()]

    def read(self, file: MemoryInode, size: int, offset: int) -> bytes | memoryview:
        return file.content.read(size, offset)

    def readlink(self, link: MemoryInode) -> str:
        return link.text

    # ---- changing

    def write(self, file: MemoryInode, data: bytes | memoryview, offset: int) -> int:
        content = file.content
        end = offset + len(data)
        if end > content.size:
            end = min(end, content.size + self.max_bytes - self.used_bytes)
            if end <= offset < offset + len(data):
                raise os_error(errno.ENOSPC)
            data = data[: end - offset]
            self.used_bytes += end - content.size
        content.write(data, offset)
        self._touch(file)
        return len(data)

    def append(self, file: MemoryInode, data: bytes | memoryview) -> int:
        return self.write(file, data, file.content.size)

    def set_size(self, file: MemoryInode, size: int) -> None:
        more = size - file.content.size
        if more > self.max_bytes - self.used_bytes:
            raise os_error(errno.ENOSPC)
        self.used_bytes += more
        file.content.set_size(size)
        self._touch(file)

    def set_times(self, inode: MemoryInode, accessed_ns: int | None, modified_ns: int | None) -> None:
        if accessed_ns is not None:
            inode.accessed_ns = accessed_ns
        if modified_ns is not None:
            inode.modified_ns = modified_ns
        inode.changed_ns = self.now_ns()

    def create_file(self, directory: MemoryInode, name: str) -> MemoryInode:
        self._require_room(directory, name)
        inode = self._inode(REGULAR_FILE)
        inode.content = MemoryContent()
        return self._added(directory, name, inode)

    def create_directory(self, directory: MemoryInode, name: str) -> MemoryInode:
        length = self._require_room(directory, name)
        inode = self._inode(DIRECTORY)
        inode.names = {}
        inode.parent = directory
        inode.path_bytes = length
        return self._added(directory, name, inode)

    def symlink(self, directory: MemoryInode, name: str, text: str) -> MemoryInode:
        self._require_room(directory, name)
        inode = self._inode(SYMBOLIC_LINK)
        inode.text = text
        if inode.size > self.max_bytes - self.used_bytes:
            raise os_error(errno.ENOSPC)
        self.used_bytes += inode.size
        return self._added(directory, name, inode)

    def link(self, inode: MemoryInode, directory: MemoryInode, name: str) -> None:
        self._require_room(directory, name)
        inode.links += 1
        inode.changed_ns = self.now_ns()
        self._added(directory, name, inode)

    def rename(self, directory: MemoryInode, name: str, new_directory: MemoryInode, new_name: str) -> None:
        inode = self.lookup(directory, name)
        replaced = new_directory.names.get(new_name)
        if not new_directory.links:
            raise os_error(errno.ENOENT)
        if inode.kind is DIRECTORY and self.is_within(new_directory, inode):
            raise os_error(errno.EINVAL)
        if replaced is not None:
            self._require_empty(replaced)
        length = _path_bytes(new_directory, new_name)
        if inode.kind is DIRECTORY:
            _lengthen(inode, length - inode.path_bytes)
            inode.parent = new_directory
        if replaced is not None:
            self.remove_name(new_directory, new_name, replaced)
        del directory.names[name]
        self.used_files -= 1
        inode.changed_ns = self.now_ns()
        self._touch(directory)
        self._added(new_directory, new_name, inode)

    def remove_file(self, directory: MemoryInode, name: str) -> None:
        self.remove_name(directory, name, self.lookup(directory, name))

    def remove_directory(self, directory: MemoryInode, name: str) -> None:
        inode = self.lookup(directory, name)
        self._require_empty(inode)
        self.remove_name(directory, name, inode)

    def is_within(self, directory: MemoryInode, other: MemoryInode) -> bool:
        while directory is not other and directory.parent is not directory:
            directory = directory.parent
        return directory is other

    def opened(self, inode: MemoryInode) -> None:
        inode.opens += 1

    def closed(self, inode: MemoryInode) -> None:
        inode.opens -= 1
        self._free(inode)

    # ----

    def _inode(self, kind: Kind) -> MemoryInode:
        return MemoryInode(kind, next(self._numbers), self.now_ns())

    def _require_room(self, directory: MemoryInode, name: str) -> int:
        """The length of the path of a new name."""
        if not directory.links:
            raise os_error(errno.ENOENT)
        if name in directory.names:
            raise os_error(errno.EEXIST)
        if self.used_files >= self.max_files:
            raise os_error(errno.ENOSPC)
        return _path_bytes(directory, name)

    def _require_empty(self, inode: MemoryInode) -> None:
        if inode.kind is DIRECTORY and inode.names:
            raise os_error(errno.ENOTEMPTY)

    def _added(self, directory: MemoryInode, name: str, inode: MemoryInode) -> MemoryInode:
        directory.names[name] = inode
        self.used_files += 1
        self._touch(directory)
        return inode

    def remove_name(self, directory: MemoryInode, name: str, inode: MemoryInode) -> None:
        """Removes the name of an inode that may be a directory with entries."""
        del directory.names[name]
        self.used_files -= 1
        inode.links -= 1
        inode.changed_ns = self.now_ns()
        self._touch(directory)
        self._free(inode)

    def _free(self, inode: MemoryInode) -> None:
        if not inode.links and not inode.opens:
            self.used_bytes -= inode.size

    def _touch(self, inode: MemoryInode) -> None:
        inode.modified_ns = inode.changed_ns = self.now_ns()


def directories_below(directory: MemoryInode) -> list[MemoryInode]:
    """All directories below one."""
    found = [directory]
    for each in found:
        found += [inode for inode in each.names.values() if inode.kind is DIRECTORY]
    return found[1:]


def _path_bytes(directory: MemoryInode, name: str) -> int:
    """The length of the path of a name. Errors: ENAMETOOLONG."""
    size = len(paths.from_python(name))
    length = directory.path_bytes + 1 + size
    if size > LONGEST_NAME or length > paths.LONGEST:
        raise os_error(errno.ENAMETOOLONG)
    return length


def _lengthen(directory: MemoryInode, more: int) -> None:
    """Changes the length of the paths of a directory and of those below it. Errors: ENAMETOOLONG."""
    moved = [directory, *directories_below(directory)]
    if max(map(_longest_path_bytes, moved)) + more > paths.LONGEST:
        raise os_error(errno.ENAMETOOLONG)
    for each in moved:
        each.path_bytes += more


def _longest_path_bytes(directory: MemoryInode) -> int:
    """The length of the longest path of a directory and its entries."""
    return directory.path_bytes + max((1 + len(paths.from_python(name)) for name in directory.names), default=0)
