"""A tree whose paths a policy is asked about, before anything is done or looked at.

Theory of operation. The policy judges paths as they are once `..` and links are resolved, so a path is followed here,
step by step (`places`), and the node around a directory knows the names that led to it. Then the policy is asked, and
at last the operation is done on a single name, which nothing resolves again. If a directory on the way is not there,
the policy is asked about the path as it is written, so that a guest does not learn the content of a directory refused
to it.

| operation | uses |
|---|---|
| open | READ, WRITE, as it is opened for |
| stat, readlink, the entries of a directory | READ |
| create, remove, symlink, set times | WRITE |
| link, rename | READ and WRITE of the old path, WRITE of the new one; MOVE of both for a directory |

An open file is not asked about again, except for the times of one opened to read. Since READ and WRITE of the old
path are asked for, no other name of a file gives more than its own did. Where operations take time, a guest makes its
changes one after the other: it cannot put a directory in the place of the file that it renames.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from wasihost._base.globs import parts
from wasihost._network.base import os_error
from wasihost._policy import FileUse, Verdict
from wasihost._policy.asking import Asker
from wasihost._wasi.filesystem import paths
from wasihost._wasi.filesystem.answers import Answer, answer_of, at_once_or_later, settled
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags, Opening, opening
from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.metadata import Identity, Kind, NewTime, Stat
from wasihost._wasi.filesystem.nodes import DirectoryNode, Entries, FileNode, FileSystem, Node
from wasihost._wasi.filesystem.paths import EscapeError
from wasihost._wasi.filesystem.places import Place
from wasihost._wasi.filesystem.wrapping import FileAround

T = TypeVar("T")
Asked: TypeAlias = tuple[tuple[str, ...], FileUse]
"""The names of a path, and a use of it."""


class GuardedFiles(FileSystem):
    """A tree under a name for the guest, whose policy an `Asker` asks."""

    may_wait = True

    def __init__(self, inner: FileSystem, name: str, asker: Asker, turns: Turns) -> None:
        self.read_only = inner.read_only
        self._inner = inner
        self._guard = _Guard(parts(name), asker, turns)

    def open_root(self, handles: Handles) -> DirectoryNode:
        return GuardedDirectory(self._inner.open_root(handles), self._guard)


class Turns:
    """The changes of a guest, one after the other: `async with turns`. Without a need for that, it does nothing."""

    def __init__(self, are_needed: bool) -> None:
        self._lock = asyncio.Lock() if are_needed else None

    async def __aenter__(self) -> None:
        if self._lock is not None:
            turn: Answer[bool] = answer_of(self._lock.acquire())
            await settled(turn)

    async def __aexit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.release()


class _Guard:
    """Asks about the file at these names."""

    def __init__(self, names: tuple[str, ...], asker: Asker, turns: Turns) -> None:
        self.names = names
        self.turns = turns
        self._asker = asker

    def of(self, names: tuple[str, ...]) -> _Guard:
        """The same for other names."""
        return _Guard(names, self._asker, self.turns)

    async def require(self, *asked: Asked) -> None:
        """Errors: EACCES, if the policy refuses one of these; any exception of the policy."""
        try:
            answer = self._asker.ask_about_files([(_path(names), use) for names, use in asked])
            while not isinstance(answer, Verdict):
                answer = answer.settle(await settled(answer.answer))
        except OSError as error:  # which is none of the guest's
            raise RuntimeError(f"the policy raised {error!r}") from error
        if not answer.allowed:
            raise os_error(errno.EACCES)

    async def set_times(self, node: Node, accessed: NewTime, modified: NewTime) -> None:
        """Sets times of an open file."""
        await self.require((self.names, FileUse.WRITE))
        await settled(node.set_times(accessed, modified))


class GuardedFile(FileAround):
    """A file that was not opened to write."""

    def __init__(self, inner: FileNode, guard: _Guard) -> None:
        super().__init__(inner)
        self._guard = guard

    @at_once_or_later
    async def set_times(self, accessed: NewTime, modified: NewTime) -> None:
        await self._guard.set_times(self.inner, accessed, modified)


class GuardedDirectory(DirectoryNode):
    """A directory whose names the guest knows; `inner` does all but asking."""

    def __init__(self, inner: DirectoryNode, guard: _Guard) -> None:
        self.identity = inner.identity
        self._inner = inner
        self._guard = guard

    def _close(self) -> None:
        self._inner.close()

    # ---- of the directory itself

    def stat(self) -> Answer[Stat]:
        return self._inner.stat()

    def sync(self, with_metadata: bool) -> Answer[None]:
        return self._inner.sync(with_metadata)

    @at_once_or_later
    async def set_times(self, accessed: NewTime, modified: NewTime) -> None:
        await self._guard.set_times(self._inner, accessed, modified)

    @at_once_or_later
    async def entries(self) -> Entries:
        await self._guard.require((self._guard.names, FileUse.READ))
        return await settled(self._inner.entries())

    # ---- of its entries

    @at_once_or_later
    async def open(self, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags) -> Node:
        asked = opening(how, use)
        uses = _uses(asked)
        # As of open(2): a path that ends with a slash creates nothing, O_EXCL follows nothing.
        if asked.creates and paths.checked(path).endswith(b"/"):
            raise os_error(errno.EISDIR)
        follow = follow and not asked.is_exclusive
        with self._place() as place:
            await place.find(path, follow)
            await self._guard.require(*((place.names, each) for each in uses))
            opened = await settled(place.directory.open(place.name, False, how, use))
        if isinstance(opened, DirectoryNode):
            return GuardedDirectory(opened, self._guard.of(place.names))
        if isinstance(opened, FileNode) and FileUse.WRITE not in uses:
            return GuardedFile(opened, self._guard.of(place.names))
        return opened

    def stat_at(self, path: str, follow: bool) -> Answer[Stat]:
        return self._on(path, follow, FileUse.READ, lambda place: place.directory.stat_at(place.name, False))

    def identity_at(self, path: str, follow: bool) -> Answer[Identity]:
        return self._on(path, follow, FileUse.READ, lambda place: place.directory.identity_at(place.name, False))

    def readlink(self, path: str) -> Answer[bytes]:
        return self._on(path, False, FileUse.READ, lambda place: place.directory.readlink(place.name))

    def set_times_at(self, path: str, follow: bool, accessed: NewTime, modified: NewTime) -> Answer[None]:
        def set_times(place: Place) -> Answer[None]:
            return place.directory.set_times_at(place.name, False, accessed, modified)

        return self._on(path, follow, FileUse.WRITE, set_times)

    def create_directory(self, path: str) -> Answer[None]:
        return self._change(_without_slashes(path), lambda place: place.directory.create_directory(place.name))

    def remove_directory(self, path: str) -> Answer[None]:
        return self._change(_without_slashes(path), lambda place: place.directory.remove_directory(place.name))

    def remove_file(self, path: str) -> Answer[None]:
        return self._change(path, lambda place: place.directory.remove_file(place.name))

    def symlink(self, text: str, path: str) -> Answer[None]:
        if text.startswith("/"):
            raise EscapeError
        paths.link_text(text)
        return self._change(path, lambda place: place.directory.symlink(text, place.name))

    @at_once_or_later
    async def link(self, path: str, new_directory: DirectoryNode, new_path: str) -> None:
        with self._place() as old, _guarded(new_directory)._place() as new:
            await old.find(path, False)
            await self._find_new(old, new, new_path)
            async with self._guard.turns:
                await settled(old.directory.link(old.name, new.directory, new.name))

    @at_once_or_later
    async def rename(self, path: str, new_directory: DirectoryNode, new_path: str) -> None:
        with self._place() as old, _guarded(new_directory)._place() as new:
            await old.find(_without_slashes(path), False)
            await self._find_new(old, new, _without_slashes(new_path))
            names = _ending(old, path), _ending(new, new_path)
            if not await self._renamed(old, new, names, may_be_directory=False):
                await self._guard.require((old.names, FileUse.MOVE), (new.names, FileUse.MOVE))
                await self._renamed(old, new, names, may_be_directory=True)

    async def _renamed(self, old: Place, new: Place, names: tuple[str, str], may_be_directory: bool) -> bool:
        """Whether it was renamed, and was no directory that may not be."""
        async with self._guard.turns:
            if not may_be_directory and await _is_directory(old):
                return False
            await settled(old.directory.rename(names[0], new.directory, names[1]))
            return True

    # ----

    def _place(self) -> Place:
        return Place(self._inner, self._guard.names)

    async def _find_new(self, old: Place, new: Place, path: str) -> None:
        """Finds the new path, if there is an old one, and asks about both. Errors: OSError, as `Place.check`."""
        asked = [(old.names, FileUse.READ), (old.names, FileUse.WRITE)]
        if not old.is_missing:
            await new.find(path, False)
            asked.append((new.names, FileUse.WRITE))
        await self._guard.require(*asked)
        old.check()
        new.check()

    @at_once_or_later
    async def _change(self, path: str, call: Callable[[Place], Answer[None]]) -> None:
        with self._place() as place:
            await place.find(path, False)
            await self._guard.require((place.names, FileUse.WRITE))
            async with self._guard.turns:
                await settled(call(place))

    @at_once_or_later
    async def _on(self, path: str, follow: bool, use: FileUse, call: Callable[[Place], Answer[T]]) -> T:
        with self._place() as place:
            await place.find(path, follow)
            await self._guard.require((place.names, use))
            return await settled(call(place))


async def _is_directory(place: Place) -> bool:
    try:
        found = await settled(place.directory.stat_at(place.name, False))
    except FileNotFoundError:  # the rename says so, unless it has another error
        return False
    return found.kind is Kind.DIRECTORY


def _uses(asked: Opening) -> list[FileUse]:
    return [FileUse.READ] * asked.reads + [FileUse.WRITE] * asked.writes


def _path(names: tuple[str, ...]) -> str:
    """A path as rules have it."""
    return "/" if names == ("",) else "/".join(names) or "."


def _without_slashes(path: str) -> str:
    return path.rstrip("/") or path


def _ending(place: Place, path: str) -> str:
    """The name, with a slash if the path ends with one: only directories have such names."""
    return place.name + "/" * (path.endswith("/") and place.name != ".")


def _guarded(directory: DirectoryNode) -> GuardedDirectory:
    """A directory of the same guest, all of whose trees are guarded."""
    if not isinstance(directory, GuardedDirectory):
        raise os_error(errno.EXDEV)
    return directory
