"""`MemoryFiles`: a file system in the memory of this process, filled and read from Python.

Theory of operation. An inode counts its names and how often guests have it open; when both are 0 its bytes are free
again. All bytes of files and of symbolic links count against `max_bytes`, all names against `max_files`: beyond them is
ENOSPC. A write that fits in part is cut, as on a disk that is full. A path from the top has at most 4095 bytes, else
ENAMETOOLONG: names in very deep directories take no space in the tree, but very much in a list of paths. Reading
changes no time.
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from operator import itemgetter
from typing import Final

from wasihost._network.base import os_error
from wasihost._wasi.filesystem import paths
from wasihost._wasi.filesystem.metadata import Kind, Stat
from wasihost._wasi.filesystem.virtual.files import VirtualFiles
from wasihost._wasi.filesystem.virtual.snapshots import Changes, Saved, Snapshot

MAX_BYTES: Final = 256 << 20
MAX_FILES: Final = 100_000
_ZEROS: Final = memoryview(bytes(1 << 16))


class MemoryInode:
    """A file with `content`, a symbolic link with `text`, or a directory with `names`."""

    __slots__ = (
        *("accessed_ns", "changed_ns", "content", "kind", "links", "modified_ns", "names", "number", "opens", "parent"),
        *("path_bytes", "text"),
    )
    content: bytearray
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
        if self.kind is Kind.REGULAR_FILE:
            return len(self.content)
        return len(paths.from_python(self.text)) if self.kind is Kind.SYMBOLIC_LINK else 0


class MemoryFiles(VirtualFiles[MemoryInode], MutableMapping[str, bytes]):
    """A file system in memory: `files = MemoryFiles({"/in.txt": b"…"})`, and after the run `files["/out.txt"]`.

    It is a mapping of the paths of its files, which begin with `/`, to their bytes; a new file gets the directories
    that it needs. `max_bytes` bounds the bytes of all files, `max_files` the number of names: beyond them guests get
    the error-code `insufficient-space`, and Python OSError. With `read_only`, guests get `not-permitted` for every
    change.
    """

    may_wait = False

    def __init__(
        self,
        content: Mapping[str, bytes] | None = None,
        *,
        read_only: bool = False,
        max_bytes: int = MAX_BYTES,
        max_files: int = MAX_FILES,
    ) -> None:
        self.read_only = read_only
        self.max_bytes = max_bytes
        self.max_files = max_files
        self.used_bytes = 0
        self.used_files = 0
        self._numbers = itertools.count(1)
        self.root = self._inode(Kind.DIRECTORY)
        self.root.names = {}
        self.root.parent = self.root
        self.root.path_bytes = 0
        self.update(content or {})

    def __repr__(self) -> str:
        return f"MemoryFiles({self.used_files} names, {self.used_bytes} bytes)"

    # ---- for Python

    def __getitem__(self, path: str) -> bytes:
        return bytes(self._file(path).content)

    def __setitem__(self, path: str, content: bytes) -> None:
        directory, name = self._place_for(path)
        inode = directory.names.get(name) or self.create_file(directory, name)
        if inode.kind is not Kind.REGULAR_FILE:
            raise os_error(errno.EISDIR if inode.kind is Kind.DIRECTORY else errno.EEXIST)
        self.set_size(inode, 0)
        if self.write(inode, content, 0) < len(content):
            raise os_error(errno.ENOSPC)

    def __delitem__(self, path: str) -> None:
        self._file(path)
        self.remove_file(*self._place_for(path))

    def __contains__(self, path: object) -> bool:
        """Whether there is a file of that path."""
        try:
            self._file(path)
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        """The paths of all files, sorted."""
        return iter([path for path, inode in self._walk() if inode.kind is Kind.REGULAR_FILE])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def add_directory(self, path: str) -> None:
        """Makes a directory, with those that it needs; one may be there."""
        directory, name = self._place_for(path)
        inode = directory.names.get(name) or self.create_directory(directory, name)
        if inode.kind is not Kind.DIRECTORY:
            raise os_error(errno.EEXIST)

    def add_link(self, path: str, text: str) -> None:
        """Makes a symbolic link. Guests can follow it if it is relative and does not lead out of what they have."""
        self.symlink(*self._place_for(path), text)

    def snapshot(self) -> Snapshot:
        """A copy of all that is there, for `restore` and `diff`; it can be pickled."""
        return Snapshot({path: _saved(inode) for path, inode in self._walk()})

    def restore(self, snapshot: Snapshot) -> None:
        """Brings back what was there, and nothing else. Guests that have a file open keep the one they have."""
        self._clear()
        made: dict[int, MemoryInode] = {}
        for path, saved in snapshot.entries.items():
            directory, name = self._place_for(path)
            if saved.number in made:
                self.link(made[saved.number], directory, name)
            else:
                made[saved.number] = self._restored(directory, name, saved)
        for path, inode in self._walk():
            inode.accessed_ns, inode.modified_ns = snapshot.entries[path].times

    def diff(self, snapshot: Snapshot) -> Changes:
        """What is different from a snapshot: the paths of files and links, and of directories with `/` at the end."""
        return snapshot.changes_to(self.snapshot())

    def _restored(self, directory: MemoryInode, name: str, saved: Saved) -> MemoryInode:
        if isinstance(saved.content, str):
            return self.symlink(directory, name, saved.content)
        if saved.content is None:
            return self.create_directory(directory, name)
        file = self.create_file(directory, name)
        self.write(file, saved.content, 0)
        return file

    def _clear(self) -> None:
        for directory in [self.root, *_directories_below(self.root)]:
            for name, inode in list(directory.names.items()):
                self._remove(directory, name, inode)

    def _walk(self) -> list[tuple[str, MemoryInode]]:
        """Every path with what is there, sorted: a directory is before what is in it."""
        return sorted(_paths(self.root), key=itemgetter(0))

    def _file(self, path: object) -> MemoryInode:
        """The file of a path. Errors: KeyError."""
        inode: MemoryInode | None = self.root
        if not isinstance(path, str):
            raise KeyError(path)
        first, *names = path.split("/")
        for name in names:
            inode = inode.names.get(name) if inode is not None and inode.kind is Kind.DIRECTORY else None
        if first or inode is None or inode.kind is not Kind.REGULAR_FILE:
            raise KeyError(path)
        return inode

    def _place_for(self, path: str) -> tuple[MemoryInode, str]:
        """The directory and the name of a path; makes the directories that are missing."""
        *way, name = _names(path)
        directory = self.root
        for each in way:
            directory = directory.names.get(each) or self.create_directory(directory, each)
            if directory.kind is not Kind.DIRECTORY:
                raise os_error(errno.ENOTDIR)
        return directory, name

    # ---- for guests: reading

    def lookup(self, directory: MemoryInode, name: str) -> MemoryInode:
        inode = directory.names.get(name)
        if inode is None:
            raise os_error(errno.ENOENT)
        return inode

    def stat(self, inode: MemoryInode) -> Stat:
        return Stat(inode.kind, inode.size, inode.links, inode.accessed_ns, inode.modified_ns, inode.changed_ns)

    def entries(self, directory: MemoryInode) -> Iterable[tuple[str, Kind]]:
        return [(name, inode.kind) for name, inode in directory.names.items()]

    def read(self, file: MemoryInode, size: int, offset: int) -> memoryview:
        return memoryview(file.content)[offset : offset + size]

    def readlink(self, link: MemoryInode) -> str:
        return link.text

    # ---- for guests: changing

    def write(self, file: MemoryInode, data: bytes | memoryview, offset: int) -> int:
        content = file.content
        end = offset + len(data)
        if end > len(content):
            end = min(end, len(content) + self.max_bytes - self.used_bytes)
            if end <= offset < offset + len(data):
                raise os_error(errno.ENOSPC)
            data = data[: end - offset]
            self.used_bytes += end - len(content)
            _lengthen_to(content, offset)
        if offset == len(content):
            content += data
        else:
            _lengthen_to(content, end)
            memoryview(content)[offset:end] = data  # a slice of `content` itself would take a copy first
        self._touch(file)
        return len(data)

    def append(self, file: MemoryInode, data: bytes | memoryview) -> int:
        return self.write(file, data, len(file.content))

    def set_size(self, file: MemoryInode, size: int) -> None:
        more = size - len(file.content)
        if more > self.max_bytes - self.used_bytes:
            raise os_error(errno.ENOSPC)
        self.used_bytes += more
        _lengthen_to(file.content, size)
        del file.content[size:]
        self._touch(file)

    def set_times(self, inode: MemoryInode, accessed_ns: int | None, modified_ns: int | None) -> None:
        if accessed_ns is not None:
            inode.accessed_ns = accessed_ns
        if modified_ns is not None:
            inode.modified_ns = modified_ns
        inode.changed_ns = self.now_ns()

    def create_file(self, directory: MemoryInode, name: str) -> MemoryInode:
        self._require_room(directory, name)
        inode = self._inode(Kind.REGULAR_FILE)
        inode.content = bytearray()
        return self._added(directory, name, inode)

    def create_directory(self, directory: MemoryInode, name: str) -> MemoryInode:
        length = self._require_room(directory, name)
        inode = self._inode(Kind.DIRECTORY)
        inode.names = {}
        inode.parent = directory
        inode.path_bytes = length
        return self._added(directory, name, inode)

    def symlink(self, directory: MemoryInode, name: str, text: str) -> MemoryInode:
        self._require_room(directory, name)
        inode = self._inode(Kind.SYMBOLIC_LINK)
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
        if inode.kind is Kind.DIRECTORY and _is_within(new_directory, inode):
            raise os_error(errno.EINVAL)
        if replaced is not None:
            self._require_empty(replaced)
        length = _path_bytes(new_directory, new_name)
        if inode.kind is Kind.DIRECTORY:
            _lengthen(inode, length - inode.path_bytes)
            inode.parent = new_directory
        if replaced is not None:
            self._remove(new_directory, new_name, replaced)
        del directory.names[name]
        self.used_files -= 1
        inode.changed_ns = self.now_ns()
        self._touch(directory)
        self._added(new_directory, new_name, inode)

    def remove_file(self, directory: MemoryInode, name: str) -> None:
        self._remove(directory, name, self.lookup(directory, name))

    def remove_directory(self, directory: MemoryInode, name: str) -> None:
        inode = self.lookup(directory, name)
        self._require_empty(inode)
        self._remove(directory, name, inode)

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
        if inode.kind is Kind.DIRECTORY and inode.names:
            raise os_error(errno.ENOTEMPTY)

    def _added(self, directory: MemoryInode, name: str, inode: MemoryInode) -> MemoryInode:
        directory.names[name] = inode
        self.used_files += 1
        self._touch(directory)
        return inode

    def _remove(self, directory: MemoryInode, name: str, inode: MemoryInode) -> None:
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


def _lengthen_to(content: bytearray, size: int) -> None:
    """Adds zeros, but not all at once, which would take as much again for a moment."""
    while len(content) < size:
        content += _ZEROS[: size - len(content)]


def _is_within(directory: MemoryInode, other: MemoryInode) -> bool:
    """Whether a directory is the other one, or below it."""
    while directory is not other and directory.parent is not directory:
        directory = directory.parent
    return directory is other


def _directories_below(directory: MemoryInode) -> list[MemoryInode]:
    found = [directory]
    for each in found:
        found += [inode for inode in each.names.values() if inode.kind is Kind.DIRECTORY]
    return found[1:]


def _paths(top: MemoryInode) -> Iterator[tuple[str, MemoryInode]]:
    pending = [("", top)]
    while pending:
        path, directory = pending.pop()
        for name, inode in directory.names.items():
            yield f"{path}/{name}", inode
            if inode.kind is Kind.DIRECTORY:
                pending.append((f"{path}/{name}", inode))


def _path_bytes(directory: MemoryInode, name: str) -> int:
    """The length of the path of a name. Errors: ENAMETOOLONG."""
    length = directory.path_bytes + 1 + len(paths.from_python(name))
    if length > paths.LONGEST:
        raise os_error(errno.ENAMETOOLONG)
    return length


def _lengthen(directory: MemoryInode, more: int) -> None:
    """Changes the length of the paths of a directory and of those below it. Errors: ENAMETOOLONG."""
    moved = [directory, *_directories_below(directory)]
    if max(each.path_bytes for each in moved) + more > paths.LONGEST:
        raise os_error(errno.ENAMETOOLONG)
    for each in moved:
        each.path_bytes += more


def _saved(inode: MemoryInode) -> Saved:
    content: bytes | str | None = None
    if inode.kind is Kind.REGULAR_FILE:
        content = bytes(inode.content)
    elif inode.kind is Kind.SYMBOLIC_LINK:
        content = inode.text
    return Saved(inode.number, content, (inode.accessed_ns, inode.modified_ns))


def _names(path: str) -> list[str]:
    """The components of a path from Python. Errors: ValueError."""
    first, *names = path.split("/")
    if first or not names or any(name in ("", ".", "..") or "\0" in name for name in names):
        raise ValueError(f"{path!r} is no path of a file: it begins with '/' and has no '.', '..' or empty name")
    return names
