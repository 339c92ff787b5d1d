"""`ZipFiles`: the files of a zip archive.

The archive need not be trusted. Names that lead out of it, names of two entries, entries that are encrypted or special,
and more bytes or entries than allowed are errors when it is opened, so that guests have all of it or nothing. A file is
decompressed as far as guests read it, and kept while one has it open: else a guest that reads backwards would have it
decompressed from its beginning at each read.
"""

from __future__ import annotations

import calendar
import errno
import os
import stat
from typing import IO, TYPE_CHECKING, Final

from wasihost._base.clock import NS_PER_S
from wasihost._base.errors import ConfigError
from wasihost._network.base import os_error
from wasihost._wasi.filesystem import paths
from wasihost._wasi.filesystem.answers import A_TASK, at_once_or_later, settled
from wasihost._wasi.filesystem.metadata import Kind, Stat
from wasihost._wasi.filesystem.virtual.files import VirtualFiles
from wasihost._wasi.filesystem.virtual.memory import MAX_BYTES, MAX_FILES

if TYPE_CHECKING:  # 5 ms, for a program that opens an archive
    from zipfile import ZipInfo

BLOCK: Final = 1 << 20
"""Bytes that are decompressed at a time; after each, others have a turn."""
_METHODS: Final = (0, 8)  # stored and deflated; of others `zipfile` decompresses without a bound
_ENCRYPTED: Final = 1  # of the general purpose bit flag, APPNOTE.TXT 4.4.4


class ZipInode:
    """An entry; directories may have none."""

    __slots__ = ("content", "entry", "kind", "names", "number", "opens", "reader")

    def __init__(self, kind: Kind, number: int, entry: ZipInfo | None) -> None:
        self.kind = kind
        self.number = number
        self.entry = entry
        self.names: dict[str, ZipInode] = {}
        self.opens = 0
        self.reader: IO[bytes] | None = None
        self.content = bytearray()
        """The decompressed bytes, from the beginning on."""

    def forget(self) -> None:
        """Drops the decompressed bytes."""
        if self.reader is not None:
            self.reader.close()
            self.reader = None
        self.content.clear()


class ZipFiles(VirtualFiles[ZipInode]):
    """The files of a zip archive, read-only: `ZipFiles("x.zip")`; it takes binary file objects too.

    The decompressed files may have `max_bytes` together, and the archive `max_files` entries. Symbolic links lead
    nowhere outside. Errors: ConfigError that names the entry, if one cannot be given to guests.
    """

    read_only = True
    how_to_change = "--dir HOST::{} for a directory with the same files"

    def __init__(
        self, file: str | os.PathLike[str] | IO[bytes], *, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES
    ) -> None:
        import zipfile

        self.file = file
        try:
            self._archive = zipfile.ZipFile(file)
        except Exception as error:  # a damaged archive raises many classes
            raise self._refused(str(error)) from None
        self._inodes = 0
        self.root = self._made(Kind.DIRECTORY, None)
        entries = self._archive.infolist()
        if sum(each.file_size for each in entries) > max_bytes:
            raise self._refused(f"its files have more than max_bytes={max_bytes} bytes")
        for entry in entries:
            self._add(entry, max_files)

    def __repr__(self) -> str:
        return f"ZipFiles({self.file!r})"

    # ---- opening

    def _add(self, entry: ZipInfo, max_files: int) -> None:
        *way, name = entry.filename.rstrip("/").split("/")
        if any(each in ("", ".", "..") for each in (*way, name)):
            raise self._refused(f"the entry {entry.filename!r} has a name that leads nowhere in it")
        kind = self._kind(entry)
        directory = self.root
        for each in way:
            directory = directory.names.get(each) or self._put(directory, each, Kind.DIRECTORY, None)
            if directory.kind is not Kind.DIRECTORY:
                raise self._refused(f"the entry {entry.filename!r} is in another one that is no directory")
        if kind is Kind.DIRECTORY and name in directory.names and directory.names[name].kind is kind:
            return
        if name in directory.names:
            raise self._refused(f"two entries have the name {entry.filename!r}")
        self._put(directory, name, kind, entry)
        if self._inodes > max_files:
            raise self._refused(f"it has more than max_files={max_files} entries")

    def _kind(self, entry: ZipInfo) -> Kind:
        if entry.filename.endswith("/"):
            return Kind.DIRECTORY
        if entry.flag_bits & _ENCRYPTED:
            raise self._refused(f"the entry {entry.filename!r} is encrypted")
        if entry.compress_type not in _METHODS:
            raise self._refused(f"the entry {entry.filename!r} is neither stored nor deflated")
        mode = stat.S_IFMT(entry.external_attr >> 16)
        if mode == stat.S_IFLNK and entry.file_size <= paths.LONGEST:
            return Kind.SYMBOLIC_LINK
        if mode not in (0, stat.S_IFREG):
            raise self._refused(f"the entry {entry.filename!r} is no file, directory or symbolic link")
        return Kind.REGULAR_FILE

    def _put(self, directory: ZipInode, name: str, kind: Kind, entry: ZipInfo | None) -> ZipInode:
        inode = directory.names[name] = self._made(kind, entry)
        return inode

    def _made(self, kind: Kind, entry: ZipInfo | None) -> ZipInode:
        self._inodes += 1
        return ZipInode(kind, self._inodes, entry)

    def _refused(self, why: str) -> ConfigError:
        return ConfigError(f"{self!r} cannot be opened: {why}")

    # ---- reading

    def lookup(self, directory: ZipInode, name: str) -> ZipInode:
        inode = directory.names.get(name)
        if inode is None:
            raise os_error(errno.ENOENT)
        return inode

    def stat(self, inode: ZipInode) -> Stat:
        if inode.entry is None:
            return Stat(inode.kind, 0)
        try:  # the archive does not say in which time zone
            modified_ns = calendar.timegm((*inode.entry.date_time, 0, 0, 0)) * NS_PER_S
        except ValueError:  # no month has the number
            modified_ns = None
        return Stat(inode.kind, inode.entry.file_size, 1, modified_ns, modified_ns, modified_ns)

    def entries(self, directory: ZipInode) -> list[tuple[str, Kind]]:
        return [(name, inode.kind) for name, inode in directory.names.items()]

    @at_once_or_later
    async def read(self, file: ZipInode, size: int, offset: int) -> bytes:
        assert file.entry is not None
        end = min(offset + size, file.entry.file_size)
        while len(file.content) < end:
            self._decompress(file, file.entry)
            if len(file.content) < end:
                await A_TASK
        found = bytes(memoryview(file.content)[offset:end])
        if not file.opens:
            file.forget()
        return found

    @at_once_or_later
    async def readlink(self, link: ZipInode) -> str:
        return paths.to_python(await settled(self.read(link, paths.LONGEST, 0)))

    def opened(self, inode: ZipInode) -> None:
        inode.opens += 1

    def closed(self, inode: ZipInode) -> None:
        inode.opens -= 1
        if not inode.opens:
            inode.forget()

    def _decompress(self, inode: ZipInode, entry: ZipInfo) -> None:
        """One block more of an entry. Errors: EIO if it cannot be decompressed, or its checksum is wrong."""
        try:
            inode.reader = inode.reader or self._archive.open(entry)
            block = inode.reader.read(BLOCK)
            if not block:
                raise EOFError("it ends early")
        except Exception as error:  # a damaged archive raises many classes
            inode.forget()
            raise OSError(errno.EIO, f"{entry.filename!r} in {self!r}: {error}") from error
        inode.content += block
