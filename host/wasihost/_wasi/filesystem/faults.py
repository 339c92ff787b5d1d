"""A tree on which things go wrong, by a plan or by chance: see `wasihost._network.faults.fault`.

    FaultyFiles(MemoryFiles(), FaultPlan(Fault("file-write", "ENOSPC", after_bytes=1000)))

Calls and bytes are counted over the whole tree. A fault that names a path means it as the guest has it, from the root
of the tree on, without `.` and `..` but with links as they are.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

from wasihost._base.clock import Clock
from wasihost._network.faults.chance import RandomFaults
from wasihost._network.faults.fault import FILE_CALLS, Call, FileCall
from wasihost._network.faults.faulty import Faulty
from wasihost._network.faults.injection import Injector
from wasihost._network.faults.plan import FaultPlan
from wasihost._wasi.filesystem.answers import Answer, Later, answer_of, at_once_or_later, put, settled
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.nodes import DirectoryNode, FileNode, FileSystem, Node
from wasihost._wasi.filesystem.wrapping import DirectoryAround, FileAround, What

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
_CALLS: Final[dict[What, FileCall]] = {
    "open": "file-open",
    "list": "file-list",
    "stat": "file-stat",
    "change": "file-change",
    "sync": "file-sync",
}


class FaultyFiles(Faulty, FileSystem):
    """A tree on which the faults of a plan happen, or random ones."""

    may_wait = True
    _calls = FILE_CALLS

    def __init__(self, inner: FileSystem, plan: FaultPlan | RandomFaults, clock: Clock | None = None) -> None:
        super().__init__(plan, clock)
        self.inner = inner
        self.read_only = inner.read_only
        self._faults = _Faults(self._injector)

    def open_root(self, handles: Handles) -> DirectoryNode:
        return _FaultyDirectory(self.inner.open_root(handles), self._faults, "/")


class _Faults:
    """The faults for the calls on a tree."""

    def __init__(self, injector: Injector) -> None:
        self._injector = injector
        self._made: Counter[Call] = Counter()

    async def strike(self, call: FileCall, path: str, wanted: int = 0) -> int:
        """How many of the bytes that are wanted may move. Errors: OSError, the fault of the call."""
        self._made[call] += 1
        struck, room = self._injector.strike_file(call, self._made[call], [path])
        if struck.stall_ns:
            await settled(self._stall(struck.stall_ns))
        if struck.error is not None:
            raise struck.error
        return min([wanted, *(most for most in (room, struck.most) if most is not None)])

    def _stall(self, ns: int) -> Answer[None]:
        clock = self._injector.clock
        return answer_of(clock.wait_until(clock.monotonic_ns() + ns))

    def moved(self, call: FileCall, path: str, count: int) -> None:
        """So many bytes were read or written."""
        self._injector.moved(call, [path], count)


class _FaultyFile(FileAround):
    def __init__(self, inner: FileNode, faults: _Faults, path: str) -> None:
        super().__init__(inner)
        self._faults = faults
        self._path = path

    @at_once_or_later
    async def _do(self, what: What, call: Callable[[*Ts], Answer[T]], *args: *Ts) -> T:
        await self._faults.strike(_CALLS[what], self._path)
        return await settled(call(*args))

    @at_once_or_later
    async def read(self, size: int, offset: int) -> bytes:
        room = await self._faults.strike("file-read", self._path, size)
        found = await settled(self.inner.read(room, offset))
        self._faults.moved("file-read", self._path, len(found))
        return found

    def read_into(self, view: memoryview, offset: int) -> int | Later[bytes]:
        return put(self.read(len(view), offset), view)

    def write(self, view: memoryview, offset: int) -> Answer[int]:
        return self._write(bytes(view), offset)  # which the guest may change while the call stalls

    def append(self, view: memoryview) -> Answer[int]:
        return self._write(bytes(view), None)

    @at_once_or_later
    async def _write(self, content: bytes, offset: int | None) -> int:
        room = await self._faults.strike("file-write", self._path, len(content))
        view = memoryview(content)[:room]
        written = await settled(self.inner.append(view) if offset is None else self.inner.write(view, offset))
        self._faults.moved("file-write", self._path, written)
        return written


class _FaultyDirectory(DirectoryAround):
    def __init__(self, inner: DirectoryNode, faults: _Faults, path: str) -> None:
        super().__init__(inner)
        self._faults = faults
        self._path = path

    @at_once_or_later
    async def _do(self, what: What, path: str, call: Callable[[*Ts], Answer[T]], *args: *Ts) -> T:
        await self._faults.strike(_CALLS[what], _joined(self._path, path))
        return await settled(call(*args))

    @at_once_or_later
    async def open(self, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags) -> Node:
        opened = await settled(super().open(path, follow, how, use))
        full_path = _joined(self._path, path)
        if isinstance(opened, DirectoryNode):
            return _FaultyDirectory(opened, self._faults, full_path)
        return _FaultyFile(opened, self._faults, full_path) if isinstance(opened, FileNode) else opened


def _joined(directory: str, path: str) -> str:
    """The path from the root of the tree on, `..` taken away by its text."""
    return posixpath.normpath(posixpath.join(directory, path))
