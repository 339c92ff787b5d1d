"""`MemoryFiles`: files in the memory of this process, filled and read from Python."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, MutableMapping
from operator import itemgetter
from typing import Final

from wasihost._network.base import os_error
from wasihost._wasi.filesystem.metadata import Kind
from wasihost._wasi.filesystem.virtual.memory_tree import MemoryInode, MemoryTree, directories_below
from wasihost._wasi.filesystem.virtual.snapshots import Changes, Saved, Snapshot

MAX_BYTES: Final = 256 << 20
MAX_FILES: Final = 100_000


class MemoryFiles(MemoryTree, MutableMapping[str, bytes]):
    """A file system in memory: `files = MemoryFiles({"/in.txt": b"…"})`, and after the run `files["/out.txt"]`.

    It is a mapping of the paths of its files, which begin with `/`, to their bytes; a new file gets the directories
    that it needs. `max_bytes` bounds the bytes of all files, `max_files` the number of names: beyond them guests get
    the error-code `insufficient-space`, and Python OSError. With `read_only`, guests get `not-permitted` for every
    change.
    """

    def __init__(
        self,
        content: Mapping[str, bytes] | None = None,
        *,
        read_only: bool = False,
        max_bytes: int = MAX_BYTES,
        max_files: int = MAX_FILES,
    ) -> None:
        super().__init__(max_bytes, max_files)
        self.read_only = read_only
        self.update(content or {})

    def __repr__(self) -> str:
        return f"MemoryFiles({self.used_files} names, {self.used_bytes} bytes)"

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
        """Makes a symbolic link. Guests can follow it if it is relative and does not lead out of this file system."""
        self.symlink(*self._place_for(path), text)

    def snapshot(self) -> Snapshot:
        """A copy of all that is there, for `restore` and `diff`; it can be pickled."""
        return Snapshot({path: _saved(inode) for path, inode in self._walk()})

    def restore(self, snapshot: Snapshot) -> None:
        """Brings back the content of a snapshot, and nothing else. Guests keep the files that they have open."""
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
        """The differences from a snapshot: the paths of files and links, and of directories with `/` at the end."""
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
        for directory in [self.root, *directories_below(self.root)]:
            for name, inode in list(directory.names.items()):
                self.remove_name(directory, name, inode)

    def _walk(self) -> list[tuple[str, MemoryInode]]:
        """Every path with its inode, sorted: a directory is before its entries."""
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


def _paths(top: MemoryInode) -> Iterator[tuple[str, MemoryInode]]:
    pending = [("", top)]
    while pending:
        path, directory = pending.pop()
        for name, inode in directory.names.items():
            yield f"{path}/{name}", inode
            if inode.kind is Kind.DIRECTORY:
                pending.append((f"{path}/{name}", inode))


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
