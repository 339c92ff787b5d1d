"""A tree of which a guest may use only so much: `QuotaFiles(Directory("out"), Quotas(file_bytes_stored=1 << 20))`.

Theory of operation. Storage is counted by growth: a file that grows takes from `file_bytes_stored`, one that is
cut off or removed gives back. So a guest never makes the trees larger than they were by more than the limit, and it
need not be known how large they were. A file that the guest removes while it has it open takes its room until it is
closed.

A write beyond a limit is a short one, up to the limit, and the next one fails with EDQUOT, as on a disk with quotas.
The amount that an operation may use is reserved while it takes its time, so several at once use no more than one after
the other.
"""

from __future__ import annotations

import contextlib
import errno
from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar, TypeVarTuple

from wasihost._network.base import os_error
from wasihost._network.quotas.metering import Reached
from wasihost._network.quotas.quotas import Quotas
from wasihost._wasi.filesystem.answers import Answer, Later, at_once_or_later, settled, then
from wasihost._wasi.filesystem.directory import MAX_OFFSET
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.metadata import Identity, Kind, Stat
from wasihost._wasi.filesystem.nodes import DirectoryNode, FileNode, FileSystem, Node
from wasihost._wasi.filesystem.wrapping import DirectoryAround, FileAround

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
NAMES: Final = ("open_files", "files", "file_bytes_written", "file_bytes_stored")
"""The limits of `Quotas` that are of files."""


class Found(NamedTuple):
    """The inode at a path."""

    stat: Stat
    identity: Identity


class Reserved:
    """So many of a limit, meanwhile; `kept` of them are used in the end."""

    def __init__(self, used: Counter[str], name: str, count: int) -> None:
        self.kept = 0
        self._used = used
        self._name = name
        self._count = count

    def __enter__(self) -> Reserved:
        self._used[self._name] += self._count
        return self

    def __exit__(self, *_: object) -> None:
        self._used[self._name] -= self._count - self.kept


class FileBudget(Reached):
    """The use of files by all that share some quotas."""

    def __init__(self, quotas: Quotas) -> None:
        super().__init__(quotas)
        self.used: Counter[str] = Counter()
        self._open: Counter[Identity] = Counter()
        self._removed: Counter[Identity] = Counter()  # the bytes of removed files that are open still

    @property
    def is_of_files(self) -> bool:
        """Whether any limit is of files."""
        return any(map(self.limits, NAMES))

    def limits(self, name: str) -> bool:
        """Whether there is such a limit."""
        return getattr(self.quotas, name) is not None

    def reserved(self, name: str, count: int) -> Reserved:
        """Reserves so many, for `with`."""
        return Reserved(self.used, name, count)

    def require(self, name: str, count: int, what: str) -> int:
        """As many of `count` as there is room for. Errors: EDQUOT, if there is none."""
        limit: int | None = getattr(self.quotas, name)
        if limit is None or count <= 0:
            return count
        room = min(count, limit - self.used[name])
        if room <= 0:
            self.report(name, what)
            raise os_error(errno.EDQUOT)
        return room

    def opened(self, identity: Identity) -> None:
        """A file was opened."""
        self.used["open_files"] += 1
        self._open[identity] += 1

    def closed(self, identity: Identity) -> None:
        """A file was closed."""
        self.used["open_files"] -= 1
        self._open[identity] -= 1
        if not self._open[identity]:
            del self._open[identity]
            self.used["file_bytes_stored"] -= self._removed.pop(identity, 0)

    def grew(self, identity: Identity, size: int) -> None:
        """A file has so many bytes more."""
        self.used["file_bytes_stored"] += size
        if identity in self._removed:
            self._removed[identity] += size

    def removed(self, found: Found | None) -> None:
        """A name was removed, of this file, or of a directory."""
        self.used["files"] -= 1
        if found is None or found.stat.kind is not Kind.REGULAR_FILE or found.stat.links > 1:
            return
        if found.identity in self._open:
            self._removed[found.identity] = found.stat.size
        else:
            self.used["file_bytes_stored"] -= found.stat.size


class QuotaFiles(FileSystem):
    """A tree of limited use, by all together that have this object."""

    def __init__(self, inner: FileSystem, quotas: Quotas | FileBudget) -> None:
        if not isinstance(quotas, Quotas | FileBudget):
            raise TypeError(f"quotas: expected Quotas, got {quotas!r}")
        self.inner = inner
        self.read_only = inner.read_only
        self.may_wait = inner.may_wait
        self._budget = FileBudget(quotas) if isinstance(quotas, Quotas) else quotas

    @property
    def reached(self) -> Counter[str]:
        """How often something was refused or cut short, by the name of the limit."""
        return self._budget.reached

    def open_root(self, handles: Handles) -> DirectoryNode:
        return _QuotaDirectory(self.inner.open_root(handles), self._budget)


class _QuotaFile(FileAround):
    def __init__(self, inner: FileNode, budget: FileBudget) -> None:
        super().__init__(inner)
        self._budget = budget
        budget.opened(inner.identity)

    def _close(self) -> None:
        self._budget.closed(self.identity)
        super()._close()

    def write(self, view: memoryview, offset: int) -> Answer[int]:
        return self._write(view, offset)

    def append(self, view: memoryview) -> Answer[int]:
        return self._write(view, None)

    @at_once_or_later
    async def _write(self, view: memoryview, offset: int | None) -> int:
        if not view or (offset or 0) > MAX_OFFSET:  # which is another error
            return await settled(self._pass_on(view, offset))
        room = self._budget.require("file_bytes_written", len(view), f"write of {len(view)} bytes")
        stores = self._budget.limits("file_bytes_stored")
        with self._budget.reserved("file_bytes_written", room) as reserved:
            written = self._store(view[:room], offset) if stores else self._pass_on(view[:room], offset)
            reserved.kept = await settled(written)
        return reserved.kept

    def _pass_on(self, view: memoryview, offset: int | None) -> Answer[int]:
        return self.inner.append(view) if offset is None else self.inner.write(view, offset)

    @at_once_or_later
    async def _store(self, view: memoryview, offset: int | None) -> int:
        answer = self.inner.stat()
        if isinstance(answer, Later):
            view = memoryview(bytes(view))  # which the guest may change meanwhile
        found = await settled(answer)
        if found.kind is not Kind.REGULAR_FILE:
            return await settled(self._pass_on(view, offset))
        end = found.size
        start = end if offset is None else offset
        growth = start + len(view) - end
        room = self._budget.require("file_bytes_stored", growth, f"growth by {growth} bytes")
        lacking = growth - room
        if lacking >= len(view):  # all that there is room for is a gap before it
            self._budget.report("file_bytes_stored", f"growth by {growth} bytes")
            raise os_error(errno.EDQUOT)
        with self._budget.reserved("file_bytes_stored", max(0, room)):
            written = await settled(self._pass_on(view[: len(view) - lacking], offset))
        self._budget.grew(self.identity, max(0, start + written - end))
        return written

    def set_size(self, size: int) -> Answer[None]:
        is_limited = self._budget.limits("file_bytes_stored") and size <= MAX_OFFSET
        return self._resize(size) if is_limited else self.inner.set_size(size)

    @at_once_or_later
    async def _resize(self, size: int) -> None:
        growth = size - (await settled(self.inner.stat())).size
        if self._budget.require("file_bytes_stored", growth, f"growth by {growth} bytes") < growth:
            self._budget.report("file_bytes_stored", f"growth by {growth} bytes")
            raise os_error(errno.EDQUOT)
        with self._budget.reserved("file_bytes_stored", max(0, growth)):
            await settled(self.inner.set_size(size))
        self._budget.grew(self.identity, growth)


class _QuotaDirectory(DirectoryAround):
    def __init__(self, inner: DirectoryNode, budget: FileBudget, is_root: bool = True) -> None:
        super().__init__(inner)
        self._budget = budget
        self._is_root = is_root
        if not is_root:
            budget.opened(inner.identity)

    def _close(self) -> None:
        if not self._is_root:
            self._budget.closed(self.identity)
        super()._close()

    @at_once_or_later
    async def open(self, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags) -> Node:
        self._budget.require("open_files", 1, f"open of {path!r}")
        with self._budget.reserved("open_files", 1):
            before = await _found(self.inner, path, follow) if how & (OpenFlags.CREATE | OpenFlags.TRUNCATE) else None
            creates = OpenFlags.CREATE in how and before is None
            if creates:
                opened = await settled(self._made(path, self.inner.open, path, follow, how, use))
            else:
                opened = await settled(self.inner.open(path, follow, how, use))
        if OpenFlags.TRUNCATE in how and before is not None and before.stat.kind is Kind.REGULAR_FILE:
            self._budget.grew(opened.identity, -before.stat.size)
        if isinstance(opened, DirectoryNode):
            return _QuotaDirectory(opened, self._budget, is_root=False)
        return _QuotaFile(opened, self._budget) if isinstance(opened, FileNode) else opened

    @at_once_or_later
    async def _made(self, path: str, call: Callable[[*Ts], Answer[T]], *args: *Ts) -> T:
        """The result of a call that makes something at a path."""
        self._budget.require("files", 1, f"creation of {path!r}")
        with self._budget.reserved("files", 1) as reserved:
            made = await settled(call(*args))
            reserved.kept = 1
        return made

    def create_directory(self, path: str) -> Answer[None]:
        return self._made(path, self.inner.create_directory, path)

    def symlink(self, text: str, path: str) -> Answer[None]:
        return self._made(path, self.inner.symlink, text, path)

    def link(self, path: str, new_directory: DirectoryNode, new_path: str) -> Answer[None]:
        return self._made(new_path, self.inner.link, path, self._inner_of(new_directory), new_path)

    def remove_directory(self, path: str) -> Answer[None]:
        return then(super().remove_directory(path), lambda _: self._budget.removed(None))

    @at_once_or_later
    async def remove_file(self, path: str) -> None:
        before = await _found(self.inner, path)
        await settled(self.inner.remove_file(path))
        self._budget.removed(before)

    @at_once_or_later
    async def rename(self, path: str, new_directory: DirectoryNode, new_path: str) -> None:
        inner = self._inner_of(new_directory)
        old = await _found(self.inner, path)
        replaced = await _found(inner, new_path)
        await settled(self.inner.rename(path, inner, new_path))
        if replaced is not None and old is not None and replaced.identity != old.identity:
            self._budget.removed(replaced)


async def _found(directory: DirectoryNode, path: str, follow: bool = False) -> Found | None:
    """The inode that is there; if there is none, the next operation reports it."""
    with contextlib.suppress(OSError):
        stat = await settled(directory.stat_at(path, follow))
        return Found(stat, await settled(directory.identity_at(path, follow)))
    return None
