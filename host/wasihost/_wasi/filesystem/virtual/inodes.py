"""`InodeOperations`: the methods of a file system in Python. They get single names, and never a path.

Theory of operation. A file system consists of inodes: objects of the implementation's own, each a file, a directory or
a symbolic link. Directories have names for them. A guest opens inodes; `walk` resolves its paths, `nodes` checks its
requests and calls these methods. So `..`, symbolic links, loops and slashes at the end mean the same in all file
systems, and no path leads out of one.
"""

from __future__ import annotations

import errno
import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterable
from functools import cached_property
from typing import Generic, Protocol, TypeAlias, TypeVar

from wasihost._network.base import os_error
from wasihost._wasi.filesystem.answers import at_once_or_later, settled
from wasihost._wasi.filesystem.metadata import Kind, Stat

T = TypeVar("T")
Given: TypeAlias = "T | Awaitable[T]"
"""The result of a method."""

_devices = itertools.count(1 << 63)  # the operating system numbers its own from 0 on


class Inode(Protocol):
    """A file, a directory or a symbolic link: an object with these two attributes, which never change."""

    @property
    def kind(self) -> Kind:
        """Its kind."""

    @property
    def number(self) -> int:
        """A number that no other inode of the file system has, of at most 64 bits; C programs see a hash of it."""


I = TypeVar("I", bound=Inode)  # noqa: E741 - the usual letter of an inode


class InodeOperations(ABC, Generic[I]):
    """The methods of a file system in Python; those that change something raise EROFS unless they are overridden."""

    may_wait: bool = True
    """Whether a method may be `async`; if not, calls of WASI 0.2 take a little less time."""
    root: I
    """The inode of the directory at the top."""

    # ---- reading

    @abstractmethod
    def lookup(self, directory: I, name: str) -> Given[I]:
        """The inode of that name; of a symbolic link, the link. Errors: FileNotFoundError."""

    @abstractmethod
    def stat(self, inode: I) -> Given[Stat]:
        """Size, number of names and times; the number of names is 0 if it has been removed."""

    @abstractmethod
    def entries(self, directory: I) -> Given[Iterable[tuple[str, Kind]]]:
        """All names in it, without `.` and `..`."""

    @abstractmethod
    def read(self, file: I, size: int, offset: int) -> Given[bytes | memoryview]:
        """At most `size` bytes from `offset` on; none at the end of the file. A view is not kept."""

    def readlink(self, link: I) -> Given[str]:
        """The text of a symbolic link."""
        raise os_error(errno.EINVAL)

    # ---- changing

    def write(self, file: I, data: bytes | memoryview, offset: int) -> Given[int]:
        """Writes at `offset`, after zeros if the file is shorter; how many bytes were written.

        `data` is bytes if `may_wait` is True, else a view that must not be kept.
        """
        raise _no_change()

    def append(self, file: I, data: bytes | memoryview) -> Given[int]:
        """Writes at the end. Override it in a file system that waits: this asks for the size, and then writes."""
        return _append(self, file, data)

    def set_size(self, file: I, size: int) -> Given[None]:
        """Cuts the file off, or adds zeros."""
        raise _no_change()

    def set_times(self, inode: I, accessed_ns: int | None, modified_ns: int | None) -> Given[None]:
        """Sets the times in nanoseconds since 1970, other than those that are None."""
        raise _no_change()

    def create_file(self, directory: I, name: str) -> Given[I]:
        """The inode of a new file. Errors: FileNotFoundError if the directory was removed, as for the next four."""
        raise _no_change()

    def create_directory(self, directory: I, name: str) -> Given[I]:
        """The inode of a new directory."""
        raise _no_change()

    def symlink(self, directory: I, name: str, text: str) -> Given[I]:
        """The inode of a new symbolic link."""
        raise _no_change()

    def link(self, inode: I, directory: I, name: str) -> Given[None]:
        """Gives a file or symbolic link one more name."""
        raise _no_change()

    def rename(self, directory: I, name: str, new_directory: I, new_name: str) -> Given[None]:
        """Moves an inode. If the new name is taken, then by another inode, which is replaced: one directory by another,
        anything else by anything else.

        Errors: ENOTEMPTY if the replaced directory has entries, EINVAL if a directory would be moved into itself.
        """
        raise _no_change()

    def remove_file(self, directory: I, name: str) -> Given[None]:
        """Removes the name of a file or symbolic link. Guests that have the file open go on using it."""
        raise _no_change()

    def remove_directory(self, directory: I, name: str) -> Given[None]:
        """Removes a directory. Errors: ENOTEMPTY."""
        raise _no_change()

    # ---- for those that need it

    def is_within(self, directory: I, other: I) -> Given[bool]:
        """Whether a directory is the other one or below it, if the file system knows.

        It is asked before a rename about directories that guests have open. Where it says False wrongly, a rename that
        would move a directory into itself, or replace one by its own entry, may have another errno.
        """
        return False

    def sync(self, inode: I) -> Given[None]:
        """Returns when all that was written will last."""

    def opened(self, inode: I) -> None:
        """A guest has opened it; each call is followed by one of `closed`."""

    def closed(self, inode: I) -> None:
        """A guest has closed it."""

    def now_ns(self) -> int:
        """The time for a guest that sets a time to "now"."""
        return time.time_ns()

    @cached_property
    def device(self) -> int:
        """A number that no other file system has."""
        return next(_devices)


def _no_change() -> OSError:
    return os_error(errno.EROFS)


@at_once_or_later
async def _append(files: InodeOperations[I], file: I, data: bytes | memoryview) -> int:
    return await settled(files.write(file, data, (await settled(files.stat(file))).size))
