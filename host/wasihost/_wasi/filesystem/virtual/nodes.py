"""The open files and directories of a file system in Python: they make the checks of Linux, and call its methods.

The order of checks is that of the system calls, as on a `Directory`. They include all that `VirtualFiles` promises to
its methods.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from itertools import islice
from typing import Final, Generic

from wasihost._network.base import os_error
from wasihost._wasi.filesystem import paths
from wasihost._wasi.filesystem.answers import Answer, Later, answer_of, at_once_or_later, settled, then
from wasihost._wasi.filesystem.flags import Advice, DescriptorFlags, OpenFlags, Opening, opening
from wasihost._wasi.filesystem.metadata import (
    DIRECTORY,
    REGULAR_FILE,
    SYMBOLIC_LINK,
    Identity,
    Kind,
    NewTime,
    Stat,
    When,
)
from wasihost._wasi.filesystem.nodes import MOST_ENTRIES, DirectoryNode, Entries, Entry, FileNode, Node
from wasihost._wasi.filesystem.paths import EscapeError
from wasihost._wasi.filesystem.virtual import walk
from wasihost._wasi.filesystem.virtual.inodes import I, Inode, InodeOperations

MAX_OFFSET: Final = (1 << 63) - 1
_MOST_TRIES = 4  # to create a file that others create and remove at the same time


class VirtualNode(Node, Generic[I]):
    """An inode that is open."""

    def __init__(self, files: InodeOperations[I], inode: I) -> None:
        self.identity = (files.device, inode.number)
        self._files = files
        self._inode = inode
        files.opened(inode)

    def _close(self) -> None:
        self._files.closed(self._inode)

    def stat(self) -> Answer[Stat]:
        return answer_of(self._files.stat(self._inode))

    def set_times(self, accessed: NewTime, modified: NewTime) -> Answer[None]:
        return _set_times(self._files, self._inode, accessed, modified)

    def sync(self, with_metadata: bool) -> Answer[None]:
        return answer_of(self._files.sync(self._inode))


class VirtualFile(VirtualNode[I], FileNode):
    """An open file."""

    def __init__(self, files: InodeOperations[I], inode: I, opening: Opening) -> None:
        super().__init__(files, inode)
        self._opening = opening

    def read(self, size: int, offset: int) -> Answer[bytes]:
        found = self._read(size, offset)
        return found.then(bytes) if isinstance(found, Later) else bytes(found)

    def read_into(self, view: memoryview, offset: int) -> int | Later[bytes]:
        found = self._read(len(view), offset)
        if isinstance(found, Later):
            return found.then(bytes)
        size = len(found)
        view[:size] = found
        return size

    def _read(self, size: int, offset: int) -> Answer[bytes | memoryview]:
        _check_range(offset, size)
        if not self._opening.reads:
            raise os_error(errno.EBADF)
        return answer_of(self._files.read(self._inode, size, offset))

    def write(self, view: memoryview, offset: int) -> Answer[int]:
        _check_range(offset, len(view))
        data = self._data(view)
        return answer_of(self._files.write(self._inode, data, offset)) if view else 0

    def append(self, view: memoryview) -> Answer[int]:
        data = self._data(view)
        return answer_of(self._files.append(self._inode, data)) if view else 0

    def _data(self, view: memoryview) -> bytes | memoryview:
        if not self._opening.writes:
            raise os_error(errno.EBADF)
        return bytes(view) if self._files.may_wait else view

    def set_size(self, size: int) -> Answer[None]:
        if size > MAX_OFFSET or not self._opening.writes:
            raise os_error(errno.EINVAL)
        return answer_of(self._files.set_size(self._inode, size))

    def advise(self, offset: int, length: int, advice: Advice) -> None:
        if length > MAX_OFFSET:
            raise os_error(errno.EINVAL)


class VirtualDirectory(VirtualNode[I], DirectoryNode):
    """An open directory."""

    @at_once_or_later
    async def open(self, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags) -> Node:
        asked = opening(how, use)
        for _ in range(_MOST_TRIES - 1):
            try:
                return await self._open(path, follow, asked)
            except FileExistsError:  # someone was faster, and their file is as good as a new one
                if asked.is_exclusive:
                    raise
        return await self._open(path, follow, asked)

    async def _open(self, path: str, follow: bool, opening: Opening) -> Node:
        checked = paths.checked(path)
        if opening.creates and checked.endswith(b"/"):
            raise os_error(errno.EISDIR)
        follow = follow and not opening.is_exclusive
        way, name, inode = await walk.locate(self._files, self._inode, checked, follow)
        if inode is None and opening.creates:
            inode = await settled(self._files.create_file(way[-1], paths.to_python(name)))
        else:
            inode = walk.there(inode)
            _check_open(inode, opening)
            if opening.truncates and inode.kind is REGULAR_FILE:
                await settled(self._files.set_size(inode, 0))
        if inode.kind is DIRECTORY:
            return VirtualDirectory(self._files, inode)
        return VirtualFile(self._files, inode, opening)

    def entries(self) -> Answer[Entries]:
        return then(answer_of(self._files.entries(self._inode)), VirtualEntries)

    @at_once_or_later
    async def stat_at(self, path: str, follow: bool) -> Stat:
        return await settled(self._files.stat(await self._find(path, follow)))

    @at_once_or_later
    async def identity_at(self, path: str, follow: bool) -> Identity:
        return self._files.device, (await self._find(path, follow)).number

    @at_once_or_later
    async def set_times_at(self, path: str, follow: bool, accessed: NewTime, modified: NewTime) -> None:
        await settled(_set_times(self._files, await self._find(path, follow), accessed, modified))

    @at_once_or_later
    async def create_directory(self, path: str) -> None:
        directory, name = await self._free_name(_without_slashes(path))
        await settled(self._files.create_directory(directory, name))

    @at_once_or_later
    async def remove_directory(self, path: str) -> None:
        directory, name, inode = await self._entry(_without_slashes(path))
        if name == b".":
            raise os_error(errno.EINVAL)
        _require_directory(inode)
        await settled(self._files.remove_directory(directory, paths.to_python(name)))

    @at_once_or_later
    async def remove_file(self, path: str) -> None:
        directory, name, inode = await self._entry(path)
        if inode.kind is DIRECTORY:
            raise os_error(errno.EISDIR)
        await settled(self._files.remove_file(directory, paths.to_python(name)))

    @at_once_or_later
    async def rename(self, path: str, new_directory: DirectoryNode, new_path: str) -> None:
        way, name = await self._name(_without_slashes(path))
        new_way, new_name = await self._sibling(new_directory)._name(_without_slashes(new_path))
        if path.endswith("/") or new_path.endswith("/"):
            _require_directory(walk.there(await walk.lookup(self._files, way[-1], name)))
        if b"." in (name, new_name):
            raise os_error(errno.EBUSY)
        moved = walk.there(await walk.lookup(self._files, way[-1], name))
        replaced = await walk.lookup(self._files, new_way[-1], new_name)
        if replaced is not None and replaced.number == moved.number:
            return
        await self._check_rename(moved, way, replaced, new_way)
        await settled(self._files.rename(way[-1], paths.to_python(name), new_way[-1], paths.to_python(new_name)))

    @at_once_or_later
    async def link(self, path: str, new_directory: DirectoryNode, new_path: str) -> None:
        way, name = await self._name(path)
        new_way, new_name = await self._sibling(new_directory)._name(new_path)
        inode = walk.there(await walk.lookup(self._files, way[-1], name))
        await self._require_free(new_way[-1], new_name)
        if inode.kind is DIRECTORY:
            raise os_error(errno.EPERM)
        await settled(self._files.link(inode, new_way[-1], paths.to_python(new_name)))

    @at_once_or_later
    async def symlink(self, text: str, path: str) -> None:
        if text.startswith("/"):
            raise EscapeError
        paths.checked(text)
        directory, name = await self._free_name(path)
        await settled(self._files.symlink(directory, name, text))

    @at_once_or_later
    async def readlink(self, path: str) -> bytes:
        _, _, inode = await self._entry(path)
        if inode.kind is not SYMBOLIC_LINK:
            raise os_error(errno.EINVAL)
        return await walk.link_text(self._files, inode)

    # ----

    async def _find(self, path: str, follow: bool) -> I:
        return await walk.find(self._files, self._inode, paths.checked(path), follow)

    async def _name(self, path: str) -> tuple[list[I], bytes]:
        return await walk.name_in(self._files, self._inode, paths.checked(path))

    async def _entry(self, path: str) -> tuple[I, bytes, I]:
        """A name that is there, its directory and its inode."""
        way, name = await self._name(path)
        return way[-1], name, walk.there(await walk.lookup(self._files, way[-1], name))

    async def _free_name(self, path: str) -> tuple[I, str]:
        """A name that is not there, and its directory."""
        way, name = await self._name(path)
        await self._require_free(way[-1], name)
        return way[-1], paths.to_python(name)

    async def _require_free(self, directory: I, name: bytes) -> None:
        if await walk.lookup(self._files, directory, name) is not None:
            raise os_error(errno.EEXIST)

    async def _check_rename(self, moved: I, way: list[I], replaced: I | None, new_way: list[I]) -> None:
        """The checks of rename(2), in its order."""
        if await self._is_within(new_way, moved):
            raise os_error(errno.EINVAL)
        if replaced is None:
            return
        if await self._is_within(way, replaced):
            raise os_error(errno.ENOTEMPTY)
        if moved.kind is DIRECTORY:
            _require_directory(replaced)
        elif replaced.kind is DIRECTORY:
            raise os_error(errno.EISDIR)

    async def _is_within(self, way: list[I], other: I) -> bool:
        """Whether the directory at the end of the way is the other inode, or below it."""
        is_on_the_way = any(each.number == other.number for each in way)
        return is_on_the_way or await settled(self._files.is_within(way[-1], other))

    def _sibling(self, directory: DirectoryNode) -> VirtualDirectory[I]:
        if not isinstance(directory, VirtualDirectory) or directory._files is not self._files:
            raise os_error(errno.EXDEV)
        return directory


class VirtualEntries(Entries):
    """The entries of a directory."""

    def __init__(self, found: Iterable[Entry]) -> None:
        self._found = iter(found)

    def read(self) -> tuple[list[str], list[Kind]]:
        found = list(islice(self._found, MOST_ENTRIES))
        return [name for name, _ in found], [kind for _, kind in found]

    def close(self) -> None:
        """Nothing is held."""


def _check_open(inode: Inode, opening: Opening) -> None:
    """The checks of open(2) on the inode that is there."""
    if opening.is_exclusive:
        raise os_error(errno.EEXIST)
    if inode.kind is DIRECTORY:
        if opening.creates or opening.writes:
            raise os_error(errno.EISDIR)
    elif opening.wants_directory:
        raise os_error(errno.ENOTDIR)
    elif inode.kind is SYMBOLIC_LINK:
        raise os_error(errno.ELOOP)


def _require_directory(inode: Inode) -> None:
    if inode.kind is not DIRECTORY:
        raise os_error(errno.ENOTDIR)


def _check_range(offset: int, size: int) -> None:
    if offset + size > MAX_OFFSET:
        raise os_error(errno.EINVAL)


def _set_times(files: InodeOperations[I], inode: I, accessed: NewTime, modified: NewTime) -> Answer[None]:
    times = _time(files, accessed), _time(files, modified)
    return None if times == (None, None) else answer_of(files.set_times(inode, *times))


def _time(files: InodeOperations[I], time: NewTime) -> int | None:
    if isinstance(time, When):
        return files.now_ns() if time is When.NOW else None
    return time


def _without_slashes(path: str) -> str:
    return path.rstrip("/") or path
