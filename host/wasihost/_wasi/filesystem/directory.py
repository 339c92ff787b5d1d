"""`Directory`: a directory of the host, as a tree for guests.

Each operation opens its files by `sandbox`, and asks the operating system each time: nothing is remembered.
Opening never waits (O_NONBLOCK): not for the other end of a FIFO, nor for a device.

Where this differs from Wasmtime 50, following the WIT or POSIX:

| | Wasmtime | here |
|---|---|---|
| the flags for synchronized writes | `unsupported` | as O_SYNC, O_DSYNC and O_RSYNC |
| opening a FIFO | waits for its other end | at once |
| `remove-directory-at` of `dir/` | `invalid` | as of `dir` |
| `now` as a time of a file | only for its owner | for all that may write the file, as touch(1) |
| `set-times-at` of a FIFO or a socket | waits, or `io` | done without opening it |
| the type of a FIFO or a socket | `other`, `unknown` | `fifo`, `socket` |
| `status-change-timestamp` | the time of birth | st_ctime |
| `metadata-hash` | can be computed from device and inode | under a key of the run |
| EROFS, EDQUOT, ETXTBSY, EXDEV of a rename or link, … | `io` | as the WIT names them |
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
import weakref
from collections.abc import Iterator
from itertools import islice
from typing import ClassVar, Final

from wasihost._base.clock import NS_PER_S
from wasihost._base.errors import ConfigError
from wasihost._base.pickling import OfOneProcess
from wasihost._network.base import os_error
from wasihost._wasi.filesystem import paths, sandbox, system
from wasihost._wasi.filesystem.flags import Advice, DescriptorFlags, OpenFlags, opening
from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.metadata import (
    DIRECTORY,
    REGULAR_FILE,
    SYMBOLIC_LINK,
    Identity,
    Kind,
    NewTime,
    Stat,
    When,
    kind_of,
)
from wasihost._wasi.filesystem.nodes import MOST_ENTRIES, DirectoryNode, Entries, FileNode, FileSystem, Node
from wasihost._wasi.filesystem.paths import EscapeError
from wasihost._wasi.filesystem.sandbox import open_beneath, open_parent

MAX_OFFSET: Final = (1 << 63) - 1

_SYNC_FLAGS = {
    DescriptorFlags.FILE_INTEGRITY_SYNC: getattr(os, "O_SYNC", 0),
    DescriptorFlags.DATA_INTEGRITY_SYNC: getattr(os, "O_DSYNC", 0),
    DescriptorFlags.REQUESTED_WRITE_SYNC: getattr(os, "O_RSYNC", 0),
}
_OPEN_FLAGS = {
    OpenFlags.CREATE: os.O_CREAT,
    OpenFlags.DIRECTORY: os.O_DIRECTORY,
    OpenFlags.TRUNCATE: os.O_TRUNC,
}
_ADVICE = {
    advice: getattr(os, name)
    for advice, name in zip(
        Advice,
        "POSIX_FADV_NORMAL POSIX_FADV_SEQUENTIAL POSIX_FADV_RANDOM POSIX_FADV_WILLNEED POSIX_FADV_DONTNEED "
        "POSIX_FADV_NOREUSE".split(),
        strict=True,
    )
    if hasattr(os, name)
}


class Directory(FileSystem, OfOneProcess):
    """A directory of the host with all that is in it: `Directory("data", read_only=True)`.

    `path` is resolved once, here. With `read_only`, guests get the error-code `not-permitted` for every change; else
    they can change all that this process can. With `threads`, each operation is done in a thread, up to 16 at a time
    for a guest: for file systems that may be slow, which would hold up the event loop. Errors: ConfigError if it is no
    directory that can be opened.
    """

    how_to_change: ClassVar[str] = "--dir HOST::{}, without ::ro"
    _instead: ClassVar[str] = "make one in each process"

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False, threads: bool = False) -> None:
        self.read_only = read_only
        self.may_wait = threads
        try:
            self.path = os.fspath(path)
            self._root = os.open(self.path, sandbox.DIRECTORY)
        except (OSError, TypeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(f"Directory({path!r}) cannot be opened: {reason}") from None
        weakref.finalize(self, os.close, self._root)

    def __repr__(self) -> str:
        options = f"{', read_only=True' if self.read_only else ''}{', threads=True' if self.may_wait else ''}"
        return f"Directory({self.path!r}{options})"

    def open_root(self, handles: Handles) -> DirectoryNode:
        root = OsRoot(self, handles)
        if not self.may_wait:
            return root
        from wasihost._base.threads import Threads  # not for those without
        from wasihost._wasi.filesystem.threaded import ThreadedDirectory

        return ThreadedDirectory(root, Threads("wasihost-files"))


class OsNode(Node):
    """A descriptor of the operating system, which the guest's handles count."""

    def __init__(self, fd: int, handles: Handles, identity: Identity) -> None:
        self.identity = identity
        self._fd = fd
        self._handles = handles
        handles.add(fd)

    def _close(self) -> None:
        self._handles.discard(self._fd)
        os.close(self._fd)

    def stat(self) -> Stat:
        return stat_of(os.fstat(self._fd))

    def set_times(self, accessed: NewTime, modified: NewTime) -> None:
        system.set_times(self._fd, _timespec(accessed), _timespec(modified))

    def sync(self, with_metadata: bool) -> None:
        _sync(self._fd, with_metadata)


class OsFile(OsNode, FileNode):
    """An open file of the host."""

    def read(self, size: int, offset: int) -> bytes:
        return os.pread(self._fd, size, _checked_offset(offset))

    def read_into(self, view: memoryview, offset: int) -> int:
        return os.preadv(self._fd, [view], _checked_offset(offset))

    def write(self, view: memoryview, offset: int) -> int:
        return os.pwrite(self._fd, view, _checked_offset(offset))

    def append(self, view: memoryview) -> int:
        if hasattr(os, "RWF_APPEND"):
            try:
                return os.pwritev(self._fd, [view], 0, os.RWF_APPEND)
            except OSError as error:
                if error.errno != errno.EOPNOTSUPP:  # a device, which has no end
                    raise
        return os.pwrite(self._fd, view, os.fstat(self._fd).st_size)

    def set_size(self, size: int) -> None:
        os.ftruncate(self._fd, _checked_offset(size))

    def advise(self, offset: int, length: int, advice: Advice) -> None:
        if length > MAX_OFFSET:
            raise os_error(errno.EINVAL)
        if advice in _ADVICE:
            signed = offset - (1 << 64) if offset > MAX_OFFSET else offset
            os.posix_fadvise(self._fd, signed, length, _ADVICE[advice])


class OsDirectory(OsNode, DirectoryNode):
    """An open directory of the host."""

    def open(self, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags) -> Node:
        self._handles.require_room()
        fd = open_beneath(self._fd, path, _os_flags(how, use, follow), 0o666)
        try:
            found = os.fstat(fd)
        except BaseException:
            os.close(fd)
            raise
        cls = OsDirectory if stat.S_ISDIR(found.st_mode) else OsFile
        return cls(fd, self._handles, identity_of(found))

    def entries(self) -> Entries:
        self._handles.require_room()
        return OsEntries(self._reopened(), self._handles)

    def sync(self, with_metadata: bool) -> None:
        with _closing(self._reopened()) as fd:
            _sync(fd, with_metadata)

    def _reopened(self) -> int:
        """The directory opened to read: this one may be only a place, and others move its position."""
        return os.open(b".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._fd)

    def stat_at(self, path: str, follow: bool) -> Stat:
        return stat_of(self.stat_result(path, follow))

    def identity_at(self, path: str, follow: bool) -> Identity:
        return identity_of(self.stat_result(path, follow))

    def stat_result(self, path: str, follow: bool) -> os.stat_result:
        """The result of stat(2) for the file that is there."""
        if not follow and not path.endswith("/"):
            with open_parent(self._fd, path) as (parent, name):
                return os.stat(name, dir_fd=parent, follow_symlinks=False)
        with _closing(open_beneath(self._fd, path, sandbox.PLACE)) as fd:
            return os.fstat(fd)

    def set_times_at(self, path: str, follow: bool, accessed: NewTime, modified: NewTime) -> None:
        if not follow:
            with open_parent(self._fd, path) as (parent, name):
                system.set_times_at(parent, name, _timespec(accessed), _timespec(modified))
            return
        with _closing(open_beneath(self._fd, path, sandbox.PLACE)) as fd:
            system.set_times(fd, _timespec(accessed), _timespec(modified))

    def create_directory(self, path: str) -> None:
        with open_parent(self._fd, _without_slashes(path)) as (parent, name):
            os.mkdir(name, 0o777, dir_fd=parent)

    def remove_directory(self, path: str) -> None:
        with open_parent(self._fd, _without_slashes(path)) as (parent, name):
            os.rmdir(name, dir_fd=parent)

    def remove_file(self, path: str) -> None:
        with open_parent(self._fd, path) as (parent, name):
            os.unlink(name, dir_fd=parent)

    def rename(self, path: str, new_directory: DirectoryNode, new_path: str) -> None:
        with (
            open_parent(self._fd, _without_slashes(path)) as (parent, name),
            open_parent(_fd_of(new_directory), _without_slashes(new_path)) as (new_parent, new_name),
        ):
            if path.endswith("/") or new_path.endswith("/"):
                found = os.stat(name, dir_fd=parent, follow_symlinks=False)
                if not stat.S_ISDIR(found.st_mode):
                    raise os_error(errno.ENOTDIR)
            os.rename(name, new_name, src_dir_fd=parent, dst_dir_fd=new_parent)

    def link(self, path: str, new_directory: DirectoryNode, new_path: str) -> None:
        with (
            open_parent(self._fd, path) as (parent, name),
            open_parent(_fd_of(new_directory), new_path) as (new_parent, new_name),
        ):
            # By default `os.link` follows a link, wherever that leads.
            os.link(name, new_name, src_dir_fd=parent, dst_dir_fd=new_parent, follow_symlinks=False)

    def symlink(self, text: str, path: str) -> None:
        if text.startswith("/"):
            raise EscapeError
        content = paths.link_text(text)
        with open_parent(self._fd, path) as (parent, name):
            os.symlink(content, name, dir_fd=parent)

    def readlink(self, path: str) -> bytes:
        with open_parent(self._fd, path) as (parent, name):
            content = os.readlink(name, dir_fd=parent)
        if content.startswith(b"/"):
            raise EscapeError
        return content


class OsRoot(OsDirectory):
    """The root of a `Directory`, which keeps the descriptor: guests may ask for it without end."""

    def __init__(self, directory: Directory, handles: Handles) -> None:
        self._directory = directory
        self._fd = directory._root
        self.identity = identity_of(os.fstat(self._fd))
        self._handles = handles

    def _close(self) -> None:
        """It stays open."""


class OsEntries(Entries):
    """The entries of a directory that was opened for them."""

    def __init__(self, fd: int, handles: Handles) -> None:
        self._fd = fd
        self._handles = handles
        self._found = os.scandir(fd)
        self._counted = (fd, ~fd)  # `scandir` works on a duplicate, which counts as well
        for each in self._counted:
            handles.add(each)

    def read(self) -> tuple[list[str], list[Kind]]:
        found = list(islice(self._found, MOST_ENTRIES))
        names = [each.name for each in found]
        if not "".join(names).isascii():  # whatever the locale
            names = [paths.to_python(os.fsencode(name)) for name in names]
        return names, [REGULAR_FILE if each.is_file(follow_symlinks=False) else _other_kind(each) for each in found]

    def close(self) -> None:
        self._found.close()
        for each in self._counted:
            self._handles.discard(each)
        os.close(self._fd)


def _other_kind(entry: os.DirEntry[str]) -> Kind:
    """The kind of what is no regular file, as most are; known without a system call on most file systems."""
    if entry.is_symlink():
        return SYMBOLIC_LINK
    if entry.is_dir(follow_symlinks=False):
        return DIRECTORY
    try:
        return kind_of(entry.stat(follow_symlinks=False).st_mode)
    except OSError:  # it has been removed
        return Kind.UNKNOWN


@contextlib.contextmanager
def _closing(fd: int) -> Iterator[int]:
    try:
        yield fd
    finally:
        os.close(fd)


@functools.cache
def _os_flags(how: OpenFlags, use: DescriptorFlags, follow: bool) -> int:
    # Nothing to wait for: not the other end of a FIFO, not a device. No terminal becomes this process's.
    flags = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    asked = opening(how, use)
    if asked.writes:
        flags |= os.O_RDWR if asked.reads else os.O_WRONLY
    for flag, bit in (_OPEN_FLAGS | _SYNC_FLAGS).items():
        if flag in (how if isinstance(flag, OpenFlags) else use):
            flags |= bit
    if asked.is_exclusive:
        flags |= os.O_EXCL
    return flags


def identity_of(found: os.stat_result) -> Identity:
    """The identity in a result of stat(2)."""
    return found.st_dev, found.st_ino


def stat_of(found: os.stat_result) -> Stat:
    """The part that guests get."""
    return Stat(
        kind_of(found.st_mode),
        found.st_size,
        found.st_nlink,
        found.st_atime_ns,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


def _timespec(time: NewTime) -> system.Timespec:
    return (0, time.value) if isinstance(time, When) else divmod(time, NS_PER_S)


def _sync(fd: int, with_metadata: bool) -> None:
    if with_metadata or not hasattr(os, "fdatasync"):
        os.fsync(fd)
    else:
        os.fdatasync(fd)


def _checked_offset(offset: int) -> int:
    if offset > MAX_OFFSET:
        raise os_error(errno.EINVAL)
    return offset


def _without_slashes(path: str) -> str:
    return path.rstrip("/") or path


def _fd_of(directory: DirectoryNode) -> int:
    if not isinstance(directory, OsDirectory):
        raise os_error(errno.EXDEV)
    return directory._fd
