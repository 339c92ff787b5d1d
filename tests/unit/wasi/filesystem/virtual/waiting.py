"""A file system that waits at each step, as one over a network does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from wasihost._wasi.filesystem.virtual.memory_tree import MemoryInode
from wasihost.files import Kind, MemoryFiles, Stat, VirtualFiles


class WaitingFiles(VirtualFiles[MemoryInode]):
    """A `MemoryFiles` that is asked a turn of the event loop later."""

    def __init__(self) -> None:
        self.inner = MemoryFiles()
        self.root = self.inner.root

    async def lookup(self, directory: MemoryInode, name: str) -> MemoryInode:
        await asyncio.sleep(0)
        return self.inner.lookup(directory, name)

    async def stat(self, inode: MemoryInode) -> Stat:
        await asyncio.sleep(0)
        return self.inner.stat(inode)

    async def entries(self, directory: MemoryInode) -> Iterable[tuple[str, Kind]]:
        await asyncio.sleep(0)
        return self.inner.entries(directory)

    async def read(self, file: MemoryInode, size: int, offset: int) -> bytes:
        await asyncio.sleep(0)
        return bytes(self.inner.read(file, size, offset))

    async def readlink(self, link: MemoryInode) -> str:
        await asyncio.sleep(0)
        return self.inner.readlink(link)

    async def write(self, file: MemoryInode, data: bytes | memoryview, offset: int) -> int:
        assert isinstance(data, bytes)  # a view would be another guest's by now
        await asyncio.sleep(0)
        return self.inner.write(file, data, offset)

    async def append(self, file: MemoryInode, data: bytes | memoryview) -> int:
        assert isinstance(data, bytes)
        await asyncio.sleep(0)
        return self.inner.append(file, data)

    async def set_size(self, file: MemoryInode, size: int) -> None:
        await asyncio.sleep(0)
        self.inner.set_size(file, size)

    async def set_times(self, inode: MemoryInode, accessed_ns: int | None, modified_ns: int | None) -> None:
        await asyncio.sleep(0)
        self.inner.set_times(inode, accessed_ns, modified_ns)

    async def create_file(self, directory: MemoryInode, name: str) -> MemoryInode:
        await asyncio.sleep(0)
        return self.inner.create_file(directory, name)

    async def create_directory(self, directory: MemoryInode, name: str) -> MemoryInode:
        await asyncio.sleep(0)
        return self.inner.create_directory(directory, name)

    async def symlink(self, directory: MemoryInode, name: str, text: str) -> MemoryInode:
        await asyncio.sleep(0)
        return self.inner.symlink(directory, name, text)

    async def link(self, inode: MemoryInode, directory: MemoryInode, name: str) -> None:
        await asyncio.sleep(0)
        self.inner.link(inode, directory, name)

    async def rename(self, directory: MemoryInode, name: str, new_directory: MemoryInode, new_name: str) -> None:
        await asyncio.sleep(0)
        self.inner.rename(directory, name, new_directory, new_name)

    async def remove_file(self, directory: MemoryInode, name: str) -> None:
        await asyncio.sleep(0)
        self.inner.remove_file(directory, name)

    async def remove_directory(self, directory: MemoryInode, name: str) -> None:
        await asyncio.sleep(0)
        self.inner.remove_directory(directory, name)

    async def sync(self, inode: MemoryInode) -> None:
        await asyncio.sleep(0)

    def opened(self, inode: MemoryInode) -> None:
        self.inner.opened(inode)

    def closed(self, inode: MemoryInode) -> None:
        self.inner.closed(inode)
