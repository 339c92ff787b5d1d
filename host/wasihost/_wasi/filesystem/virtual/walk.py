"""Resolves the paths of guests in a file system in Python, as path_resolution(7) says; see `nodes` for the bounds.

`..` goes back to where the walk came from, so it stays beneath the directory that it began in.
"""

from __future__ import annotations

import errno
from typing import Any, Final, TypeAlias

from wasihost._network.base import os_error
from wasihost._wasi.filesystem import paths
from wasihost._wasi.filesystem.answers import settled
from wasihost._wasi.filesystem.metadata import DIRECTORY, SYMBOLIC_LINK
from wasihost._wasi.filesystem.paths import EscapeError
from wasihost._wasi.filesystem.sandbox import MOST_LINKS
from wasihost._wasi.filesystem.virtual.inodes import I, InodeOperations

LONGEST_NAME: Final = 255
"""Bytes of a component: NAME_MAX."""


Place: TypeAlias = tuple[list[I], bytes, I | None]
"""The end of a path: the directories on the way, a name in the last one, and its inode, if there is one.

Where the path is of a directory by its name (`paths.is_directory_by_name`), the name is `.`.
"""


async def locate(files: InodeOperations[I], base: I, path: bytes, follow: bool) -> Place[I]:
    """Where the path leads. With `follow`, a link at its end is followed. Errors: ENOENT before the last component."""
    way = [base]
    pending = paths.components(path)[::-1]
    links = 0
    while pending:
        name = pending.pop()
        if name == b".":
            continue
        if name == b"..":
            if len(way) == 1:
                raise EscapeError
            way.pop()
            continue
        inode = await lookup(files, way[-1], name)
        if inode is None:
            if pending:
                raise os_error(errno.ENOENT)
            return way, name, None
        if inode.kind is SYMBOLIC_LINK and (pending or follow):
            links += 1
            if links > MOST_LINKS:
                raise os_error(errno.ELOOP)
            pending += paths.components(await link_text(files, inode))[::-1]
        elif not pending:
            return way, name, inode
        elif inode.kind is DIRECTORY:
            way.append(inode)
        else:
            raise os_error(errno.ENOTDIR)
    return way, b".", way[-1]


async def find(files: InodeOperations[I], base: I, path: bytes, follow: bool) -> I:
    """The inode that is there. Errors: ENOENT."""
    _, _, inode = await locate(files, base, path, follow)
    return there(inode)


async def name_in(files: InodeOperations[I], base: I, path: bytes) -> tuple[list[I], bytes]:
    """The directories on the way to the name at the end of a path, which is not looked up."""
    parent, name = paths.split(path)
    if not parent:
        return [base], name
    way, _, _ = await locate(files, base, parent, True)
    return way, name


async def lookup(files: InodeOperations[I], directory: I, name: bytes) -> I | None:
    """The inode with that name, `.` too; None if there is none. Errors: ENAMETOOLONG."""
    if name == b".":
        return directory
    if len(name) > LONGEST_NAME:
        raise os_error(errno.ENAMETOOLONG)
    try:
        found: Any = files.lookup(directory, paths.to_python(name))
        inode: I = await settled(found) if files.may_wait else found
    except FileNotFoundError:
        return None
    return inode


async def link_text(files: InodeOperations[I], link: I) -> bytes:
    """The content of a symbolic link. Errors: EscapeError if that is absolute."""
    text = paths.from_python(await settled(files.readlink(link)))
    if text.startswith(b"/"):
        raise EscapeError
    return text


def there(inode: I | None) -> I:
    """The inode that was found. Errors: ENOENT."""
    if inode is None:
        raise os_error(errno.ENOENT)
    return inode
