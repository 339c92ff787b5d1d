"""A pool of instances of one component: each is made beforehand, serves once, and is dropped.

For servers: one request cannot see what another left in the guest's memory, and a guest that traps takes nothing with
it but its own request.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from wasihost._base import forks
from wasihost._base.errors import LimitError
from wasihost._base.pickling import OfOneProcess
from wasihost._component.instance import Instance

Manager = contextlib.AbstractAsyncContextManager[Instance]
CLOSED = "this pool is closed"
FORKED = "this pool was opened in the process that this one was forked from: open one in this process"


class Pool(OfOneProcess):
    """Instances of one component. Made by `Host.pool`; close it, or use it as a context manager."""

    _instead = "open one in each process, and pickle what its calls return"

    def __init__(
        self, open_instance: Callable[[], Manager], size: int, min_ready: int, max_waiting: int | None
    ) -> None:
        if not 0 <= min_ready <= size or size < 1 or (max_waiting is not None and max_waiting < 0):
            raise ValueError(
                f"a pool needs 0 <= min_ready <= size, size >= 1 and max_waiting >= 0, "
                f"not {min_ready=} {size=} {max_waiting=}"
            )
        self._open = open_instance
        self._size = size
        self._wanted = min_ready
        self._limit = max_waiting
        self._places = asyncio.Semaphore(size)
        self._waiting = 0
        self._ready: deque[tuple[Manager, Instance]] = deque()
        self._context = contextvars.copy_context()
        self._making: set[asyncio.Task[None]] = set()
        self._in_use = 0
        self._all_returned = asyncio.Event()
        self._all_returned.set()
        self._closed = False
        self._forks = forks.count()
        self._refill()

    @property
    def in_use(self) -> int:
        """How many instances serve now."""
        return self._in_use

    @property
    def ready(self) -> int:
        """How many are made and wait to serve."""
        return len(self._ready)

    @contextlib.asynccontextmanager
    async def instance(self) -> AsyncIterator[Instance]:
        """An instance for one request: fresh, yours alone, and closed at the end.

        Waits while `size` instances serve. Errors: LimitError if too many wait already, RuntimeError if the pool is
        closed, ForkError in a process that was forked from its own, and those of opening.
        """
        await self._enter()
        try:
            manager, instance = await self._take()
            async with contextlib.AsyncExitStack() as stack:
                stack.push_async_exit(manager.__aexit__)
                self._refill()
                yield instance
        finally:
            self._leave()

    async def call(self, name: str, *args: Any) -> Any:
        """Calls an export of an instance of its own, see `Instance.call`.

        For values: streams, futures and resources of the guest end with their instance, so use `instance` for them.
        """
        async with self.instance() as instance:
            return await instance.call(name, *args)

    async def close(self) -> None:
        """Takes no more requests, waits for those that are served, and closes what is ready.

        In a process that was forked meanwhile it does nothing.
        """
        self._closed = True
        if self._forks != forks.count():
            return
        for making in list(self._making):
            making.cancel()
        async with contextlib.AsyncExitStack() as stack:  # closes every one, also if this is cancelled
            await asyncio.gather(*self._making, return_exceptions=True)
            while self._ready:
                stack.push_async_exit(self._ready.popleft()[0].__aexit__)
        await self._all_returned.wait()

    async def __aenter__(self) -> Pool:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # ---- places: at most `size` instances serve

    async def _enter(self) -> None:
        self._check_open()
        if self._limit is not None and self._places.locked() and self._waiting >= self._limit:
            raise LimitError(f"{self._size} instances serve and {self._waiting} requests wait: the limits of this pool")
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        self._in_use += 1
        self._all_returned.clear()
        if self._closed:
            self._leave()
            self._check_open()

    def _leave(self) -> None:
        self._in_use -= 1
        if not self._in_use:
            self._all_returned.set()
        self._places.release()

    def _check_open(self) -> None:
        forks.check(self._forks, FORKED)
        if self._closed:
            raise RuntimeError(CLOSED)

    # ---- instances

    async def _take(self) -> tuple[Manager, Instance]:
        while self._ready:
            manager, instance = self._ready.popleft()
            if instance.is_usable:
                instance.use_context()
                return manager, instance
            await manager.__aexit__(None, None, None)
        manager = self._open()
        return manager, await manager.__aenter__()

    def _refill(self) -> None:
        while not self._closed and len(self._ready) + len(self._making) < self._wanted:
            making = asyncio.create_task(self._make(), name="wasihost pool", context=self._context.copy())
            self._making.add(making)
            making.add_done_callback(self._made)

    async def _make(self) -> None:
        manager = self._open()
        self._ready.append((manager, await manager.__aenter__()))

    def _made(self, making: asyncio.Task[None]) -> None:
        self._making.discard(making)
        # After an error not again: whoever comes next finds nothing ready, tries by itself, and gets it.
        if not making.cancelled() and making.exception() is None:
            self._refill()
