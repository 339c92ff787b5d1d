"""Linear memories that Python can see: Wasmtime asks us for every memory of an engine, and we `mmap` it.

Theory of operation. Each memory is one `mmap.mmap` object of the size Wasmtime reserves plus its guard, without
access; creating and growing gives access to the front with `mprotect`. Wasmtime's generated code leaves out bounds
checks and relies on the guard, as with its own memories. Because the stdlib object owns the pages, a `memoryview`
that outlives its store keeps them mapped instead of making a segfault. The callbacks live at module level for ever,
and never raise: ctypes would turn an exception in `grow` into success with the pages still unmapped.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import threading
from typing import Any

from wasihost.component import ffi

_PROT_NONE = 0
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_MAP_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)


class LinearMemory:
    """One linear memory: `view()` gives its bytes to Python."""

    def __init__(self, minimum: int, reserved: int, guard: int) -> None:
        self.size, self.reserved = 0, max(reserved, minimum)
        total = max(self.reserved + guard, mmap.PAGESIZE)
        # Made writable, or Python would take its views for read-only ones; the access is taken away at once.
        self.pages = mmap.mmap(-1, total, flags=_MAP_FLAGS, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.pages))
        _protect(self.base, total, _PROT_NONE)
        self.grow(minimum)

    def grow(self, size: int) -> None:
        """Gives access to the first `size` bytes. Raises MemoryError past the reservation."""
        if size > self.reserved:
            raise MemoryError(f"a linear memory of {size} bytes does not fit its reservation of {self.reserved}")
        if size:
            _protect(self.base, size, mmap.PROT_READ | mmap.PROT_WRITE)
        self.size = size

    def view(self) -> memoryview:
        """The accessible bytes as they are now; the view keeps the pages mapped."""
        return memoryview(self.pages)[: self.size]


def _protect(base: int, size: int, access: int) -> None:
    if _libc.mprotect(base, size, access):
        raise MemoryError(f"mprotect failed: {os.strerror(ctypes.get_errno())}")


_memories: dict[int, LinearMemory] = {}
_recording = threading.local()
_numbers = iter(range(1, 1 << 62))


class Recording:
    """While entered, collects the memories made on this thread, in order.

    That is how the adapter component's memory is found: it is the first one of its store. (Looking for a magic number
    would let a guest forge it.)
    """

    def __init__(self) -> None:
        self.memories: list[LinearMemory] = []

    def __enter__(self) -> Recording:
        _recording.current = self
        return self

    def __exit__(self, *_: object) -> None:
        _recording.current = None


@ffi.GetMemory
def _get(env: int, size: Any, maximum: Any) -> int:
    memory = _memories[env]
    size[0], maximum[0] = memory.size, memory.reserved
    return memory.base


@ffi.GrowMemory
def _grow(env: int, size: int) -> int:
    try:
        _memories[env].grow(size)
        return 0
    except BaseException as error:
        return ffi.error_new(str(error))


@ffi.Finalizer
def _finalize(env: int) -> None:
    _memories.pop(env, None)


@ffi.NewMemory
def _new(_env: int, _type: Any, minimum: int, _maximum: int, reserved: int, guard: int, result: Any) -> int:
    try:
        memory = LinearMemory(minimum, reserved, guard)
        number = next(_numbers)
        _memories[number] = memory
        if (recording := getattr(_recording, "current", None)) is not None:
            recording.memories.append(memory)
        out = result[0]
        out.env, out.get_memory, out.grow_memory, out.finalizer = number, _get, _grow, _finalize
        return 0
    except BaseException as error:
        return ffi.error_new(f"no linear memory of {minimum} bytes: {error}")


CREATOR = ffi.memory_creator(_new)
