"""The file system under test as conformance checks use it: through the descriptors of a guest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

from wasihost._testing.ends import ConformanceError, expect_equal
from wasihost._wasi.common.files import code_name
from wasihost._wasi.filesystem.answers import Answer, settled
from wasihost._wasi.filesystem.descriptor import Descriptor, preopened
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.metadata import Kind
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.filesystem.nodes import FileSystem

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

TREE: Final = {"file": b"content", "dir/inner": b"inner"}
"""The content of a read-only file system under test: these files, and no others."""
_BOTH: Final = DescriptorFlags.READ | DescriptorFlags.WRITE


class Tree:
    """A file system as a guest has it; whatever is opened is closed at the end."""

    def __init__(self, files: FileSystem) -> None:
        self.is_read_only = files.read_only
        ((self.top, _),) = preopened(Mounts({"/": files}, b"key"))
        self._opened = [self.top]

    def close(self) -> None:
        """Closes all that is open."""
        while self._opened:
            self._opened.pop().close()

    async def done(self, call: Callable[[*Ts], Answer[T]], *args: *Ts) -> T:
        """The result of an operation, awaited if need be. Errors: OSError."""
        return await settled(call(*args))

    async def fails(self, code: str, rule: str, call: Callable[[*Ts], Answer[object]], *args: *Ts) -> None:
        """Raises unless an operation fails with this error-code."""
        try:
            found = await settled(call(*args))
        except OSError as error:
            expect_equal(code_name(error), code, rule)
        else:
            raise ConformanceError(f"{rule}: expected the error-code {code}; found: {found!r}")

    async def lacks(self, call: Callable[[*Ts], Answer[object]], *args: *Ts) -> bool:
        """Does it; whether the file system has no such operation, which is EROFS or unsupported."""
        try:
            await settled(call(*args))
        except OSError as error:
            if code_name(error) in ("read-only", "unsupported"):
                return True
            raise
        return False

    async def open(self, path: str, base: Descriptor | None = None) -> Descriptor:
        """The file at a path, opened to read; a link at the end is followed."""
        return await self._open(path, base, OpenFlags(0), DescriptorFlags.READ)

    async def change(self, path: str, base: Descriptor | None = None) -> Descriptor:
        """A file that is there, opened to read and write."""
        return await self._open(path, base, OpenFlags(0), _BOTH)

    async def create(self, path: str, content: bytes = b"", base: Descriptor | None = None) -> Descriptor:
        """A new file, opened to read and write."""
        file = await self._open(path, base, OpenFlags.CREATE | OpenFlags.EXCLUSIVE, _BOTH)
        await self.write(file, content)
        return file

    async def create_or_open(self, path: str) -> Descriptor:
        """A file, opened to read and write, that need not be there yet."""
        return await self._open(path, None, OpenFlags.CREATE, _BOTH)

    async def create_tree(self) -> None:
        """Makes `TREE` where it is not there yet."""
        if not self.is_read_only:
            await self.done(self.top.create_directory, "dir")
            for path, content in TREE.items():
                await self.create(path, content)

    async def write(self, file: Descriptor, content: bytes, offset: int = 0) -> None:
        """Writes all of it, however often that takes."""
        while content:
            written = await self.done(file.write, content, offset)
            offset += written
            content = content[written:]

    async def read(self, file: Descriptor, size: int = 1 << 16, offset: int = 0) -> bytes:
        """So many bytes, fewer at the end of the file."""
        found = b""
        while size and (part := await self.done(file.read, size, offset)):
            found += part
            offset += len(part)
            size -= len(part)
        return found

    async def content(self, path: str, base: Descriptor | None = None) -> bytes:
        """All bytes of a file."""
        return await self.read(await self.open(path, base))

    async def entries(self, path: str = ".", base: Descriptor | None = None) -> dict[str, Kind]:
        """The names in a directory, with their kinds."""
        directory = await self.open(path, base)
        found = await self.done(directory.entries)
        try:
            return dict(found)
        finally:
            found.close()

    async def _open(self, path: str, base: Descriptor | None, how: OpenFlags, use: DescriptorFlags) -> Descriptor:
        opened = await self.done((base or self.top).open, path, True, how, use)
        self._opened.append(opened)
        return opened
