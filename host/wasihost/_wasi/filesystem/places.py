"""Where a guest's path leads, found step by step: the names on the way, the last directory, and a name in it.

Later operations use the result: a directory that is held open, and a name in it that is not followed. So,
whoever changes the tree meanwhile, the names are those of the file that is used.
"""

from __future__ import annotations

import errno
from typing import Final

from wasihost._network.base import os_error
from wasihost._wasi.filesystem import paths
from wasihost._wasi.filesystem.answers import settled
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.nodes import DirectoryNode
from wasihost._wasi.filesystem.paths import EscapeError
from wasihost._wasi.filesystem.sandbox import MOST_LINKS

_NO_DIRECTORY: Final = (errno.ELOOP, errno.ENOTDIR)  # opened as a directory and not followed
_NO_LINK: Final = (errno.EINVAL, errno.ENOENT)


class Place:
    """A name in a directory at or below a base; `with` closes the directories on the way."""

    def __init__(self, base: DirectoryNode, base_names: tuple[str, ...]) -> None:
        self.name = "."
        """The name in `directory`; `.` for that itself."""
        self._names = list(base_names)
        self._fewest = len(base_names)
        self._way = [base]
        self._missing: OSError | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the path, after those of the base."""
        return tuple(self._names)

    @property
    def is_missing(self) -> bool:
        """Whether a directory on the way is not there; the names after it are as the path has them."""
        return self._missing is not None

    def check(self) -> None:
        """Errors: OSError, if a directory on the way is missing."""
        if self._missing is not None:
            raise self._missing

    @property
    def directory(self) -> DirectoryNode:
        """The last directory. Errors: as `check`."""
        self.check()
        return self._way[-1]

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        while len(self._way) > 1:
            self._way.pop().close()

    async def find(self, path: str, follow: bool) -> None:
        """Follows a path, and a link at its end if `follow`. Errors: those of `paths.checked`, ELOOP, EscapeError."""
        pending = paths.components(paths.checked(path))[::-1]
        links = 0
        while pending:
            name = paths.text(pending.pop())
            target = await self._step(name, bool(pending), follow)
            if target is None:
                continue
            links += 1
            if links > MOST_LINKS:
                raise os_error(errno.ELOOP)
            pending += paths.components(target)[::-1]

    async def _step(self, name: str, goes_on: bool, follow: bool) -> bytes | None:
        """Takes a step, or returns the content of the link that it meets."""
        if name == ".":
            return None
        if name == "..":
            self._leave()
            return None
        if self._missing is None:
            target = await self._enter(name) if goes_on else await self._link(name) if follow else None
            if target is not None:
                return target
        self._names.append(name)
        if not goes_on:
            self.name = name
        return None

    def _leave(self) -> None:
        if len(self._names) == self._fewest:
            raise EscapeError
        self._names.pop()
        if self._missing is None:
            self._way.pop().close()

    async def _enter(self, name: str) -> bytes | None:
        """Opens a directory; the content of the link if the name is one."""
        try:
            opened = await settled(self._way[-1].open(name, False, OpenFlags.DIRECTORY, DescriptorFlags.READ))
        except OSError as error:
            target = await self._link(name) if error.errno in _NO_DIRECTORY else None
            if target is None:
                self._missing = error
            return target
        if not isinstance(opened, DirectoryNode):
            opened.close()
            raise os_error(errno.ENOTDIR)
        self._way.append(opened)
        return None

    async def _link(self, name: str) -> bytes | None:
        try:
            return await settled(self._way[-1].readlink(name))
        except OSError as error:
            if error.errno in _NO_LINK:
                return None
            raise
