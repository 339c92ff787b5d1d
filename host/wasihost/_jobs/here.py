"""The jobs of this process: the bytes of their components, what is loaded of them, and the instances of each loop.

Theory of operation. A job knows its component by digest. Its bytes are looked for in this process, at the path that it
was made from, and in its cache, where the process that pickled it left them. What is loaded stays for the life of the
process, and in forked ones if it is compiled: compiled code needs no thread, and compiling does. Instances and
providers belong to an event loop, so each loop has a pool for each job. `asyncio.run` cancels the tasks that are left
at its end: one of them closes the pools.

Calls without a running loop have one of their thread's own, which lives as long as the thread and runs only while there
is a call: so guests in several threads compute at the same time, as they would not on one loop for all.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import os
import threading
from collections.abc import Callable, Coroutine
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from wasihost._base import forks
from wasihost._base.errors import ComponentError
from wasihost._base.limits import Limits
from wasihost._component import entries
from wasihost._component.adapt import Component as Loaded
from wasihost._component.running.loop import event_loop, interrupts
from wasihost._host.pool import Pool
from wasihost._host.source import read
from wasihost._jobs.job import Job

T = TypeVar("T")

_loading = forks.lock()
_bytes: dict[str, bytes] = {}
_left: set[str] = set()
_loaded: dict[tuple[Any, ...], Loaded] = {}


def _forget_uncompiled() -> None:
    for key in [key for key, loaded in _loaded.items() if not loaded.is_compiled]:
        del _loaded[key]


os.register_at_fork(after_in_child=_forget_uncompiled)


# ---- components


def keep(wasm: bytes) -> str:
    """Keeps the bytes of a component for the life of this process; their digest."""
    digest = sha256(wasm).hexdigest()
    _bytes.setdefault(digest, wasm)
    return digest


def bytes_of(job: Job) -> bytes:
    """The bytes of its component. Errors: ComponentError, if they are not on this machine."""
    found = _bytes.get(job.digest)
    if found is None:
        found = _bytes[job.digest] = _at_path(job) or _in_cache(job) or _missing(job)
    return found


def _at_path(job: Job) -> bytes | None:
    if job.path is None:
        return None
    try:
        wasm = read(Path(job.path), job.settings.limits)
    except OSError:
        return None
    return wasm if sha256(wasm).hexdigest() == job.digest else None


def _in_cache(job: Job) -> bytes | None:
    return None if job.cache is None else job.cache.get(job.digest)


def _missing(job: Job) -> bytes:
    raise ComponentError(
        f"{job.path or 'the component'} is not on this machine, or another one by now: sha256 {job.digest}; send it to "
        "each worker once with `Component.with_bytes`"
    )


def leave_bytes(job: Job) -> None:
    """Leaves the bytes of its component in its cache, if no other process can read them at a path."""
    if job.cache is not None and job.path is None and job.digest not in _left:
        job.cache.put(job.digest, bytes_of(job))
        _left.add(job.digest)


def reflected(job: Job) -> Loaded:
    """What its component imports and exports, once for the process. Errors: those of `Host.load`."""
    key = (job.digest, *_needed_to_compile(job.settings.limits))
    with _loading:
        found = _loaded.get(key)
        if found is None:
            found = _loaded[key] = job.settings.host(job.cache).reflect(bytes_of(job))
        return found


def _needed_to_compile(limits: Limits) -> tuple[Any, ...]:
    """Limits that compiled code depends on: jobs that differ in others share it."""
    return (limits.stack_bytes, limits.fuel is None, *(getattr(limits, name) for name in entries.CHECKED))


def load(job: Job) -> Loaded:
    """Its component, compiled. Errors: the same, and LinkError."""
    loaded = reflected(job)
    with _loading:
        if not loaded.is_compiled:
            job.settings.host(job.cache).open(loaded)  # which compiles, if no import is missing
        return loaded


# ---- instances


class _Instances:
    """The pools of one event loop, by job, and the task that closes them when the loop ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pools: dict[str, Pool] = {}
        self._loop = loop
        self._closing = loop.create_task(self._close_at_end(), name="wasihost jobs", context=contextvars.Context())

    async def _close_at_end(self) -> None:
        try:
            await self._loop.create_future()  # until the end of the loop cancels it
        finally:
            del _instances[self._loop]
            for pool in self.pools.values():
                await pool.close()

    async def close(self, key: str) -> None:
        """Closes those of one job, and ends with the last one."""
        pool = self.pools.pop(key, None)
        if pool is not None:
            await pool.close()
        if not self.pools:
            self._closing.cancel()
            await asyncio.wait([self._closing])


_instances: dict[asyncio.AbstractEventLoop, _Instances] = {}


def pool_of(job: Job) -> Pool:
    """The instances of a job in the running event loop. Errors: those of `load`."""
    loop = event_loop.running()
    own = _instances.get(loop)
    if own is not None and job.key in own.pools:
        return own.pools[job.key]
    loaded = load(job)
    pool = job.settings.host(job.cache).pool(loaded, min_ready=0, reuse=job.settings.reuse)
    if own is None:
        own = _instances[loop] = _Instances(loop)
    own.pools[job.key] = pool
    return pool


async def close_pool_of(job: Job) -> None:
    """Closes the instances of a job in the running event loop, once their calls have ended."""
    own = _instances.get(event_loop.running())
    if own is not None:
        await own.close(job.key)


# ---- a loop for each thread


class _OwnLoop:
    """The event loop of a thread that has none."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.made = forks.count()

    def close(self) -> None:
        """Ends it with its instances, unless it is a parent's."""
        if self.made == forks.count():
            self.runner.close()

    __del__ = close  # when its thread has ended


class _Thread(threading.local):
    own_loop: _OwnLoop | None = None


_thread = _Thread()
_of_parents: list[_OwnLoop] = []
"""In a forked process: closing the loop of the parent here would take descriptors out of the parent's epoll(7)."""


def run(function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
    """Runs a coroutine function to its end on this thread's own loop. Errors: RuntimeError if a loop runs already."""
    event_loop.check_none_runs("await call_async of the job")
    own_loop = _thread.own_loop
    if own_loop is None or own_loop.made != forks.count():
        if own_loop is not None:
            _of_parents.append(own_loop)
        own_loop = _thread.own_loop = _OwnLoop()
    with interrupts.restoring():
        return own_loop.runner.run(function(*args), context=contextvars.copy_context())


def close() -> None:
    """Closes this thread's own loop, with its instances."""
    own_loop = _thread.own_loop
    _thread.own_loop = None
    if own_loop is not None:
        own_loop.close()


atexit.register(close)
