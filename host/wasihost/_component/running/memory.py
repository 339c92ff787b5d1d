"""Linear memories that Python can see: Wasmtime asks us for every memory of an engine, and we `mmap` it.

Theory of operation. Each memory is one `mmap.mmap` object of the size Wasmtime reserves plus its guard, without
access; creating and growing gives access to the front with `mprotect`. Wasmtime's generated code leaves out bounds
checks and relies on the guard, as with its own memories. Because the stdlib object owns the pages, a `memoryview`
that outlives its store keeps them mapped, as zeros, instead of making a segfault. The callbacks live at module level
for ever, and never raise: ctypes would turn an exception in `grow` into success with the pages still unmapped.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import wasmtime

from wasihost._base import forks
from wasihost._component import ffi
from wasihost._component.running import mappings
from wasihost._component.running.images import Image

LARGEST = 4 << 30
"""Bytes of a memory with addresses of 32 bits."""

_counting = forks.lock()  # instances in other threads may share an account


class Account:
    """How many bytes some memories may take together, with those of `above` that contains it.

    A guest that gets no memory goes on with -1, and mostly traps then. `refused` says which of them refused it, and
    `lacks_addresses` that it had grown to the end of its reservation.
    """

    def __init__(self, name: str, limit: int, above: Account | None = None) -> None:
        self.name = name
        self.limit = limit
        self._above: tuple[Account, ...] = () if above is None else (above, *above._above)
        self.used = 0
        self.refused: Account | None = None
        self.lacks_addresses = False

    def take(self, size: int) -> None:
        """Counts so many bytes more. Raises MemoryError beyond the limit, and then counts nothing."""
        with _counting:
            for account in (self, *self._above):
                if account.used + size > account.limit:
                    self.refused = account
                    raise MemoryError(f"the limit {account.name} is reached")
            for account in (self, *self._above):
                account.used += size

    def give(self, size: int) -> None:
        """Counts so many bytes less."""
        with _counting:
            for account in (self, *self._above):
                account.used -= size


class LinearMemory:
    """One linear memory: `view()` gives its bytes to Python; `account` counts them."""

    is_of_one_thread = False
    """Whether its engine compiles in the thread that calls."""

    def __init__(
        self, minimum: int, reserved: int, guard: int, account: Account | None = None, image: Image | None = None
    ) -> None:
        self.size = 0
        self.reserved = max(reserved, minimum)
        self.minimum = minimum
        self._can_be_kept = self.reserved == LARGEST  # where addresses are few, none is
        self._account = account
        self._counted = 0
        self._count(minimum)
        try:
            self._map(guard, image)
        except BaseException:
            self.release()
            raise

    def _map(self, guard: int, image: Image | None) -> None:
        total = max(self.reserved + guard, self.minimum + mmap.PAGESIZE)
        self.pages, self._image = mappings.make(self.minimum, total, image)
        self.base = mappings.address(self.pages)
        self.size = self.minimum

    def grow(self, size: int) -> None:
        """Gives access to the first `size` bytes. Raises MemoryError past the reservation, or a limit."""
        if size > self.reserved:
            if self._account is not None:
                self._account.lacks_addresses = True
            raise MemoryError(f"a linear memory of {size} bytes does not fit its reservation of {self.reserved}")
        more = size - self.size
        self._count(more)
        try:
            if size:
                mappings.give_access(self.base, size)
        except MemoryError:
            self._can_be_kept = False  # there may be access to some of what it did not get
            self._count(-more)
            raise
        self.size = size

    def _count(self, more: int) -> None:
        if self._account is not None:
            self._account.take(more)
            self._counted += more

    def count_from_here(self, account: Account) -> None:
        """Only what it grows by from now on counts, in this account."""
        self.release()
        self._account = account

    def release(self) -> None:
        """Nothing of it counts any more."""
        if self._account is not None and self._counted:
            self._account.give(self._counted)
            self._counted = 0
        self._account = None

    def end(self) -> None:
        """Its store is gone: leaves the pages to another memory, unmaps them, or empties them where a view is left."""
        pages = self.pages
        del self.pages
        try:
            if not (self._can_be_kept and mappings.keep(pages, self.minimum, self.size, self._image)):
                pages.close()
        except BufferError:
            pages.madvise(mmap.MADV_DONTNEED)

    def view(self) -> memoryview:
        """The accessible bytes as they are now; the view keeps the pages mapped."""
        return memoryview(self.pages)[: self.size]


_memories: dict[int, LinearMemory] = {}
_recording = threading.local()
_numbers = iter(range(1, 1 << 62))


class MemoryObserver:
    """While entered, collects the memories made on this thread, in order, and counts them in `account`.

    That is how the memories of adapter and driver component are found: they are the first and the last of their store.
    The first ones go to `takers`, one to each, as soon as they are made. `images` has the contents with which some
    begin, by their sizes.
    (Looking for a magic number would let a guest forge it.) A component that needs garbage collection has a heap, a
    memory too, that is made before them and empty.
    """

    def __init__(
        self,
        account: Account | None = None,
        takers: Iterable[Callable[[LinearMemory], None]] = (),
        images: Mapping[int, Image] = MappingProxyType({}),
    ) -> None:
        self.account = account
        self.images = images
        self.memories: list[LinearMemory] = []
        self._takers = iter(takers)
        self._has_first = False

    def account_of(self, minimum: int) -> Account | None:
        """What counts the memory that is made now: nothing the first one, but for the heap of the garbage collector,
        which is made before it and empty."""
        return self.account if self._has_first or not minimum else None

    def add(self, memory: LinearMemory) -> None:
        """A memory was made."""
        self.memories.append(memory)
        self._has_first = self._has_first or memory.minimum > 0
        taker = next(self._takers, None) if self._has_first else None
        if taker is not None:
            taker(memory)

    def __enter__(self) -> MemoryObserver:
        self._outer = getattr(_recording, "current", None)
        _recording.current = self
        return self

    def __exit__(self, *_: object) -> None:
        _recording.current = self._outer


@ffi.GetMemory
def _get(env: int, size: Any, maximum: Any) -> int:
    memory = _memories[env]
    # Past a smaller reservation it is `grow` that refuses, or we should not hear of it.
    size[0] = memory.size
    maximum[0] = max(memory.reserved, LARGEST)
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
    if (memory := _memories.pop(env, None)) is not None:
        memory.release()
        memory.end()


@ffi.NewMemory
def _new(env: int | None, _type: Any, minimum: int, _maximum: int, reserved: int, guard: int, result: Any) -> int:
    try:
        recording = getattr(_recording, "current", None)
        account = recording and recording.account_of(minimum)
        memory = LinearMemory(minimum, reserved, guard, account, recording and recording.images.get(minimum))
        memory.is_of_one_thread = env == _ONE_THREAD
        number = next(_numbers)
        _memories[number] = memory
        if recording is not None:
            recording.add(memory)
        result[0] = _CALLBACKS
        result[0].env = number
        return 0
    except BaseException as error:
        return ffi.error_new(f"no linear memory of {minimum} bytes: {error}")


_CALLBACKS = ffi.MemoryCallbacks(get_memory=_get, grow_memory=_grow, finalizer=_finalize)

# Wasmtime does not say how an engine compiles, so its memory creator does.
_ONE_THREAD = 1
CREATOR = ffi.memory_creator(_new)
ONE_THREAD_CREATOR = ffi.memory_creator(_new, _ONE_THREAD)


def is_of_one_thread(engine: wasmtime.Engine) -> bool:
    """Whether the engine was configured with `ONE_THREAD_CREATOR`."""
    with MemoryObserver() as recording:
        # A module without functions is compiled in the calling thread, whatever the engine does with others.
        wasmtime.Instance(wasmtime.Store(engine), wasmtime.Module(engine, "(module (memory 0))"), [])
    return any(memory.is_of_one_thread for memory in recording.memories)
