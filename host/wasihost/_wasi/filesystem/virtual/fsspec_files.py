"""`FsspecFiles`: a file system of fsspec, such as S3, HTTP, SFTP or a cache of one, to be read.

Its calls block, so each is made in a thread. An inode that it calls a link leads guests nowhere outside of the root. If
it follows one unasked, as on the way to a file that it opens, this knows nothing of it.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from wasihost._network.base import os_error
from wasihost._wasi.filesystem import paths
from wasihost._wasi.filesystem.metadata import Kind, Stat
from wasihost._wasi.filesystem.virtual.files import VirtualFiles

_KINDS: Final = {"file": Kind.REGULAR_FILE, "directory": Kind.DIRECTORY, "link": Kind.SYMBOLIC_LINK}
_TIMES: Final = ("mtime", "modified", "LastModified", "last_modified", "created")  # each file system has its own word


class FsspecInode:
    """A path, and its metadata when it was looked up."""

    def __init__(self, path: str, info: dict[str, Any]) -> None:
        self.path = path
        self.info = info
        self.kind = _kind(info)
        self.number = int.from_bytes(blake2b(paths.from_python(path), digest_size=8).digest())
        self.lock = threading.Lock()
        self.opens = 0
        self.file: Any = None


class FsspecFiles(VirtualFiles[FsspecInode]):
    """A file system of fsspec from `root` on, to be read: `FsspecFiles(fsspec.filesystem("s3"), "bucket/data")`.

    To let guests make changes, put it below an `Overlay`. Calls that block are made in threads.
    """

    read_only = True

    def __init__(self, fs: Any, root: str = "") -> None:
        self.fs = fs
        self.root = FsspecInode(root.rstrip("/"), {"type": "directory"})

    def __repr__(self) -> str:
        return f"FsspecFiles({self.fs!r}, {self.root.path!r})"

    async def lookup(self, directory: FsspecInode, name: str) -> FsspecInode:
        path = f"{directory.path}/{name}"
        return FsspecInode(path, await _in_thread(self.fs.info, path))

    def stat(self, inode: FsspecInode) -> Stat:
        modified_ns = _modified_ns(inode.info)
        return Stat(inode.kind, inode.info.get("size") or 0, 1, modified_ns, modified_ns, modified_ns)

    async def entries(self, directory: FsspecInode) -> Iterable[tuple[str, Kind]]:
        found = await _in_thread(self.fs.ls, directory.path or "/", True)
        names = ((each["name"].rstrip("/"), each) for each in found)
        top = directory.path.strip("/")
        return [(name.rpartition("/")[2], _kind(each)) for name, each in names if name.strip("/") != top]

    async def read(self, file: FsspecInode, size: int, offset: int) -> bytes:
        if file.kind is not Kind.REGULAR_FILE:
            raise os_error(errno.ENXIO)
        found: bytes = await _in_thread(self._read, file, size, offset)
        return found

    def readlink(self, link: FsspecInode) -> str:
        text = link.info.get("destination")
        if not isinstance(text, str | bytes):
            raise os_error(errno.EOPNOTSUPP)
        return text if isinstance(text, str) else paths.to_python(text)

    def opened(self, inode: FsspecInode) -> None:
        inode.opens += 1

    def closed(self, inode: FsspecInode) -> None:
        inode.opens -= 1
        if not inode.opens and inode.file is not None:
            inode.file.close()
            inode.file = None

    def _read(self, inode: FsspecInode, size: int, offset: int) -> bytes:
        with inode.lock:
            file = inode.file or self.fs.open(inode.path, "rb")
            try:
                file.seek(offset)
                found: bytes = file.read(size)
            finally:
                if inode.opens:
                    inode.file = file
                else:
                    file.close()
            return found


async def _in_thread(call: Callable[..., Any], *args: Any) -> Any:
    """The result of a call. Any failure that is no OSError, as in libraries for HTTP, is EIO."""
    try:
        return await asyncio.to_thread(call, *args)
    except OSError:
        raise
    except Exception as error:
        raise OSError(errno.EIO, f"{type(error).__name__}: {error}") from error


def _kind(info: dict[str, Any]) -> Kind:
    return Kind.SYMBOLIC_LINK if info.get("islink") else _KINDS.get(info["type"], Kind.UNKNOWN)


def _modified_ns(info: dict[str, Any]) -> int | None:
    for word in _TIMES:
        time = info.get(word)
        if isinstance(time, datetime):
            time = time.timestamp()
        if isinstance(time, int | float):
            return int(time * 1e9)
    return None
