"""Opens a guest's path beneath a directory of the host, whoever changes the tree meanwhile.

Theory of operation. Linux resolves a path beneath a directory in one call, openat2(2) with RESOLVE_BENEATH: a step that
leads out, of the path or of a symbolic link, is EXDEV. Where there is no such call, `_walk` opens one component after
the other, none of them through a link; it keeps a descriptor of each directory on the way, so that `..` goes back to
where it came from wherever that has been moved. Both give the same errors. A single name needs neither, if it is no
link: it is opened and not followed.

A path is never looked at first and opened then: the file that is opened is the one that was checked. An operation on a
name, such as unlink, opens the parent, and acts on the one component that is left, which the system call does not
follow.

Where it differs from Linux: an absolute link is EPERM, and a path that ends with `/` cannot create a file: EISDIR.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import Final

from wasihost._network.base import os_error
from wasihost._wasi.filesystem import paths, system
from wasihost._wasi.filesystem.paths import EscapeError

PLACE: Final = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK) | os.O_CLOEXEC
"""To open something only as a place in the tree."""
DIRECTORY: Final = PLACE | os.O_DIRECTORY
MOST_LINKS: Final = 40
"""Symbolic links in one path, path_resolution(7)."""
_NO_ELOOP = getattr(os, "O_PATH", 0) | os.O_DIRECTORY  # with these a link that is not followed is opened, or ENOTDIR
_MOST_TRIES = 4  # of openat2, which is EAGAIN if something on the way was renamed

uses_openat2 = system.HAS_OPENAT2
"""Whether the system has it; tests say False."""


def open_beneath(base: int, path: str, flags: int, mode: int = 0) -> int:
    """A descriptor of the file at `path`. With O_NOFOLLOW a link at its end is ELOOP; with O_PATH the link itself is
    opened.

    Errors: those of open(2) and of `paths.checked`; EscapeError if a step leads out of `base`.
    """
    name = paths.checked(path)
    if "/" not in path and path not in (".", "..") and not flags & _NO_ELOOP:
        # A name that is not followed does not lead out, and `os` opens it in half the time that openat2 takes here.
        try:
            return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=base)
        except OSError as error:
            if error.errno != errno.ELOOP or flags & os.O_NOFOLLOW:
                raise
    return _open(base, name, flags, mode)


@contextlib.contextmanager
def open_parent(base: int, path: str) -> Iterator[tuple[int, bytes]]:
    """A descriptor of the directory that `path` is in, and the name there, or `.`. Errors: as `open_beneath`."""
    parent, name = paths.split(paths.checked(path))
    if not parent:
        yield base, name
        return
    fd = _open(base, parent, DIRECTORY)
    try:
        yield fd, name
    finally:
        os.close(fd)


def _open(base: int, path: bytes, flags: int, mode: int = 0) -> int:
    global uses_openat2
    if flags & os.O_CREAT and path.endswith(b"/"):
        raise os_error(errno.EISDIR)
    for _ in range(_MOST_TRIES if uses_openat2 else 0):
        try:
            return system.openat2(base, path, flags, mode)
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise EscapeError from None
            if error.errno == errno.ENOSYS:  # before Linux 5.6
                uses_openat2 = False
            if error.errno in (errno.ENOSYS, errno.EPERM):  # EPERM may be a seccomp filter's; else the walk says it too
                break
            if error.errno != errno.EAGAIN:
                raise
    return _walk(base, path, flags | os.O_CLOEXEC, mode)


def _walk(base: int, path: bytes, flags: int, mode: int) -> int:
    pending = paths.components(path)[::-1]
    follows = not (flags & os.O_NOFOLLOW or (flags & os.O_CREAT and flags & os.O_EXCL))
    links = 0
    with contextlib.ExitStack() as opened:
        way = [base]
        while pending:
            name = pending.pop()
            if name == b".":
                continue
            if name == b"..":
                if len(way) == 1:
                    raise EscapeError
                way.pop()
            elif (pending or follows) and (target := _link_target(way[-1], name)) is not None:
                links += 1
                if links > MOST_LINKS:
                    raise os_error(errno.ELOOP)
                if target.startswith(b"/"):
                    raise EscapeError
                pending += paths.components(target)[::-1]
            elif pending:
                way.append(os.open(name, DIRECTORY | os.O_NOFOLLOW, dir_fd=way[-1]))
                opened.callback(os.close, way[-1])
            else:
                return os.open(name, flags | os.O_NOFOLLOW, mode, dir_fd=way[-1])
        return os.open(b".", flags & ~os.O_NOFOLLOW, mode, dir_fd=way[-1])


def _link_target(directory: int, name: bytes) -> bytes | None:
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):  # no link, or not there: the open says so
            return None
        raise
