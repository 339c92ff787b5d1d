"""`Overlay`: a file system that is only read, with all changes in another one above it.

Theory of operation. An inode of the overlay has one in the lower layer, in the upper layer, or in both. A name is
looked up in the upper layer first; directories in both are merged. Before something of the lower layer is changed it is
copied up: a file with its content, a directory with its times alone, after the directories that it is in. Open files
of guests follow the copy, since they hold inodes of the overlay. A name of the lower layer that was removed, moved or
replaced is hidden; a directory that was moved keeps its lower part. Hidden names, and the origins of copied inodes,
are known to this object only: a new one on the same layers finds the lower names again.

Numbers stay the same: twice that of the lower inode, also after it was copied, or twice that of the upper one and
one more. Names of the lower layer that are hard links of each other are files of their own once one has been changed.
"""

from __future__ import annotations

import asyncio
import errno
import weakref
from typing import Any, Final

from wasihost._base.errors import ConfigError
from wasihost._network.base import os_error
from wasihost._wasi.filesystem.answers import A_TASK, at_once_or_later, settled
from wasihost._wasi.filesystem.directory import Directory
from wasihost._wasi.filesystem.metadata import Kind, Stat
from wasihost._wasi.filesystem.nodes import FileSystem
from wasihost._wasi.filesystem.virtual.files import VirtualFiles
from wasihost._wasi.filesystem.virtual.host_tree import HostTree
from wasihost._wasi.filesystem.virtual.inodes import InodeOperations

BLOCK: Final = 1 << 20
"""Bytes that are copied up at a time; after each, others have a turn."""


class OverlayInode:
    """One that has a lower or an upper inode, or both; `parent` and `name` are where it was found."""

    __slots__ = ("__weakref__", "copying", "is_removed", "kind", "lower", "name", "number", "opens", "parent", "upper")

    def __init__(self, lower: Any, upper: Any, parent: OverlayInode | None, name: str) -> None:
        self.kind: Kind = (lower if upper is None else upper).kind
        self.number: int = 2 * upper.number + 1 if lower is None else 2 * lower.number
        self.lower = lower
        self.upper = upper
        self.parent = parent
        self.name = name
        self.opens = 0
        self.is_removed = False
        self.copying: asyncio.Lock | None = None


class Overlay(VirtualFiles[OverlayInode]):
    """`lower` as it is, with all that guests change in `upper`: `Overlay(lower=Directory("app"), upper=MemoryFiles())`.

    `lower` is never written. Each is a file system in Python, `lower` may be a `Directory` too. Earlier content of
    `upper` is found as well, and hides the same names in `lower`. Deletions last as long as this object, which any
    number of runs may use: another overlay on the same layers has the removed names of `lower` again. Errors:
    ConfigError for other file systems.
    """

    def __init__(self, *, lower: FileSystem, upper: FileSystem, read_only: bool = False) -> None:
        if not isinstance(lower, Directory | VirtualFiles):
            raise ConfigError(f"Overlay: lower is a Directory or a VirtualFiles, not {lower!r}")
        if not isinstance(upper, VirtualFiles):
            raise ConfigError(f"Overlay: upper is a VirtualFiles, such as MemoryFiles(), not {upper!r}")
        self.read_only = read_only
        self.lower = lower
        self.upper = upper
        self._below: InodeOperations[Any] = HostTree(lower) if isinstance(lower, Directory) else lower
        self.root = OverlayInode(self._below.root, upper.root, None, "")
        self._hidden: dict[int, set[str]] = {}
        """Names of the lower layer, by the number of their directory."""
        self._copied_from: dict[int, Any] = {}
        """The lower inode of an upper one, by the number of that."""
        self._alive: weakref.WeakValueDictionary[object, OverlayInode] = weakref.WeakValueDictionary()
        """Inodes that someone holds, by the number of the upper one, else by the number of the directory and a name."""

    def __repr__(self) -> str:
        return f"Overlay(lower={self.lower!r}, upper={self.upper!r}{', read_only=True' if self.read_only else ''})"

    # ---- reading

    @at_once_or_later
    async def lookup(self, directory: OverlayInode, name: str) -> OverlayInode:
        upper = await self._in_upper(directory, name)
        if upper is not None:
            return await self._of_upper(upper, directory, name)
        lower = await self._in_lower(directory, name)
        if lower is None:
            raise os_error(errno.ENOENT)
        return self._alive.setdefault((directory.number, name), OverlayInode(lower, None, directory, name))

    @at_once_or_later
    async def stat(self, inode: OverlayInode) -> Stat:
        if inode.upper is not None:
            return await settled(self.upper.stat(inode.upper))
        found: Stat = await settled(self._below.stat(inode.lower))
        links = 0 if inode.is_removed else found.links
        return Stat(found.kind, found.size, links, found.accessed_ns, found.modified_ns, found.changed_ns)

    @at_once_or_later
    async def entries(self, directory: OverlayInode) -> list[tuple[str, Kind]]:
        found: dict[str, Kind] = {}
        if directory.lower is not None and not directory.is_removed:
            found.update(await settled(self._below.entries(directory.lower)))
            for name in self._hidden.get(directory.number, ()):
                found.pop(name, None)
        if directory.upper is not None:
            found.update(await settled(self.upper.entries(directory.upper)))
        return list(found.items())

    @at_once_or_later
    async def read(self, file: OverlayInode, size: int, offset: int) -> bytes | memoryview:
        if file.upper is not None:
            return await settled(self.upper.read(file.upper, size, offset))
        return await settled(self._below.read(file.lower, size, offset))

    @at_once_or_later
    async def readlink(self, link: OverlayInode) -> str:
        if link.upper is not None:
            return await settled(self.upper.readlink(link.upper))
        return await settled(self._below.readlink(link.lower))

    # ---- changing

    @at_once_or_later
    async def write(self, file: OverlayInode, data: bytes | memoryview, offset: int) -> int:
        return await settled(self.upper.write(await self._copied(file), data, offset))

    @at_once_or_later
    async def append(self, file: OverlayInode, data: bytes | memoryview) -> int:
        return await settled(self.upper.append(await self._copied(file), data))

    @at_once_or_later
    async def set_size(self, file: OverlayInode, size: int) -> None:
        await settled(self.upper.set_size(await self._copied(file, size), size))

    @at_once_or_later
    async def set_times(self, inode: OverlayInode, accessed_ns: int | None, modified_ns: int | None) -> None:
        await settled(self.upper.set_times(await self._copied(inode), accessed_ns, modified_ns))

    @at_once_or_later
    async def create_file(self, directory: OverlayInode, name: str) -> OverlayInode:
        made = await settled(self.upper.create_file(await self._copied(directory), name))
        return await self._of_upper(made, directory, name)

    @at_once_or_later
    async def create_directory(self, directory: OverlayInode, name: str) -> OverlayInode:
        made = await settled(self.upper.create_directory(await self._copied(directory), name))
        return await self._of_upper(made, directory, name)

    @at_once_or_later
    async def symlink(self, directory: OverlayInode, name: str, text: str) -> OverlayInode:
        made = await settled(self.upper.symlink(await self._copied(directory), name, text))
        return await self._of_upper(made, directory, name)

    @at_once_or_later
    async def link(self, inode: OverlayInode, directory: OverlayInode, name: str) -> None:
        parent = await self._copied(directory)
        await settled(self.upper.link(await self._copied(inode), parent, name))

    @at_once_or_later
    async def rename(self, directory: OverlayInode, name: str, new_directory: OverlayInode, new_name: str) -> None:
        inode = await settled(self.lookup(directory, name))
        if self.is_within(new_directory, inode):
            raise os_error(errno.EINVAL)
        replaced = await self._found(new_directory, new_name)
        if replaced is not None:
            await self._require_empty(replaced)
        source = await self._copied(directory)
        target = await self._copied(new_directory)
        await self._copied(inode)
        is_last = replaced is not None and await self._is_last_name(replaced)
        await settled(self.upper.rename(source, name, target, new_name))
        if replaced is not None:
            await self._forget(new_directory, new_name, replaced, is_last)
        await self._hide(directory, name)
        inode.parent = new_directory
        inode.name = new_name

    @at_once_or_later
    async def remove_file(self, directory: OverlayInode, name: str) -> None:
        inode = await settled(self.lookup(directory, name))
        is_last = await self._is_last_name(inode)
        if inode.upper is None:
            await self._touch(directory)
        else:
            await settled(self.upper.remove_file(directory.upper, name))
        await self._forget(directory, name, inode, is_last)

    @at_once_or_later
    async def remove_directory(self, directory: OverlayInode, name: str) -> None:
        inode = await settled(self.lookup(directory, name))
        await self._require_empty(inode)
        if inode.upper is None:
            await self._touch(directory)
        else:
            await settled(self.upper.remove_directory(directory.upper, name))
        await self._forget(directory, name, inode, True)

    # ----

    @at_once_or_later
    async def sync(self, inode: OverlayInode) -> None:
        if inode.upper is not None:
            await settled(self.upper.sync(inode.upper))

    def is_within(self, directory: OverlayInode, other: OverlayInode) -> bool:
        at: OverlayInode | None = directory
        while at is not None and at is not other:
            at = at.parent
        return at is other

    def opened(self, inode: OverlayInode) -> None:
        inode.opens += 1
        if inode.upper is not None:
            self.upper.opened(inode.upper)
        else:
            self._below.opened(inode.lower)

    def closed(self, inode: OverlayInode) -> None:
        inode.opens -= 1
        if inode.upper is not None:
            self.upper.closed(inode.upper)
        else:
            self._below.closed(inode.lower)

    # ---- looking up

    async def _in_upper(self, directory: OverlayInode, name: str) -> Any:
        return None if directory.upper is None else await _named(self.upper, directory.upper, name)

    async def _in_lower(self, directory: OverlayInode, name: str) -> Any:
        is_seen = directory.lower is not None and not directory.is_removed
        if not is_seen or name in self._hidden.get(directory.number, ()):
            return None
        return await _named(self._below, directory.lower, name)

    async def _found(self, directory: OverlayInode, name: str) -> OverlayInode | None:
        try:
            return await settled(self.lookup(directory, name))
        except FileNotFoundError:
            return None

    async def _of_upper(self, upper: Any, directory: OverlayInode, name: str) -> OverlayInode:
        """The inode of an upper one that was found by this name; directories of both layers are merged."""
        found = self._alive.get(upper.number)
        if found is not None:
            return found
        lower = self._copied_from.get(upper.number)
        if lower is None and upper.kind is Kind.DIRECTORY:
            lower = await self._in_lower(directory, name)
            if lower is not None and lower.kind is Kind.DIRECTORY:
                self._copied_from[upper.number] = lower
            else:
                lower = None
        return self._alive.setdefault(upper.number, OverlayInode(lower, upper, directory, name))

    # ---- copying

    async def _copied(self, inode: OverlayInode, size: int | None = None) -> Any:
        """The upper inode of one, made if need be; of a file at most `size` bytes are copied."""
        if inode.upper is None:
            lock = inode.copying = inode.copying or asyncio.Lock()
            if lock.locked():
                await A_TASK
            async with lock:
                if inode.upper is None:
                    await self._copy(inode, size)
        return inode.upper

    async def _copy(self, inode: OverlayInode, size: int | None) -> None:
        found: Stat = await settled(self._below.stat(inode.lower))
        directory, name = await self._place_above(inode)
        made = await self._made(inode, directory, name, found.size if size is None else min(size, found.size))
        await settled(self.upper.set_times(made, found.accessed_ns, found.modified_ns))
        for _ in range(inode.opens):
            self._below.closed(inode.lower)
            self.upper.opened(made)
        if inode.is_removed:
            await settled(self.upper.remove_file(directory, name))
        inode.upper = made
        self._alive[made.number] = inode
        if inode.kind is Kind.DIRECTORY or found.links == 1:
            self._copied_from[made.number] = inode.lower
        else:
            inode.number = 2 * made.number + 1

    async def _place_above(self, inode: OverlayInode) -> tuple[Any, str]:
        if not inode.is_removed:
            assert inode.parent is not None  # the root is in both layers
            return await self._copied(inode.parent), inode.name
        if inode.kind is Kind.DIRECTORY:
            raise os_error(errno.ENOENT)
        return self.upper.root, f".removed-{inode.number}"  # only until it is there and open

    async def _made(self, inode: OverlayInode, directory: Any, name: str, size: int) -> Any:
        if inode.kind is Kind.DIRECTORY:
            return await settled(self.upper.create_directory(directory, name))
        if inode.kind is Kind.SYMBOLIC_LINK:
            return await settled(self.upper.symlink(directory, name, await settled(self.readlink(inode))))
        if inode.kind is not Kind.REGULAR_FILE:
            raise os_error(errno.EOPNOTSUPP)
        made = await settled(self.upper.create_file(directory, name))
        try:
            await self._copy_content(inode.lower, made, size)
        except BaseException:
            await settled(self.upper.remove_file(directory, name))
            raise
        return made

    async def _copy_content(self, lower: Any, made: Any, size: int) -> None:
        self._below.opened(lower)
        try:
            offset = 0
            while data := bytes(await settled(self._below.read(lower, min(BLOCK, size - offset), offset))):
                written = 0
                while written < len(data):
                    written += await settled(self.upper.write(made, data[written:], offset + written))
                offset += written
                if offset < size:
                    await A_TASK
        finally:
            self._below.closed(lower)

    # ---- removing

    async def _require_empty(self, inode: OverlayInode) -> None:
        if inode.kind is not Kind.DIRECTORY:
            return
        found: list[tuple[str, Kind]] = await settled(self.entries(inode))
        if found:
            raise os_error(errno.ENOTEMPTY)

    async def _is_last_name(self, inode: OverlayInode) -> bool:
        return inode.upper is None or (await settled(self.upper.stat(inode.upper))).links <= 1

    async def _touch(self, directory: OverlayInode) -> None:
        await settled(self.upper.set_times(await self._copied(directory), None, self.now_ns()))

    async def _forget(self, directory: OverlayInode, name: str, inode: OverlayInode, is_last: bool) -> None:
        """The rest of the work for a name that has been removed."""
        await self._hide(directory, name)
        if is_last:
            inode.is_removed = True
            self._hidden.pop(inode.number, None)
            if inode.upper is not None:
                self._copied_from.pop(inode.upper.number, None)

    async def _hide(self, directory: OverlayInode, name: str) -> None:
        if await self._in_lower(directory, name) is not None:
            self._hidden.setdefault(directory.number, set()).add(name)


async def _named(layer: InodeOperations[Any], directory: Any, name: str) -> Any:
    try:
        return await settled(layer.lookup(directory, name))
    except FileNotFoundError:
        return None
