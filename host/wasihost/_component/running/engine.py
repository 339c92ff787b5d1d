"""The engine configuration that the machine needs, and the clock that keeps guests from holding the event loop."""

from __future__ import annotations

import faulthandler
import functools
import os
import resource
import threading
import weakref

import wasmtime

from wasihost._base import forks
from wasihost._base.errors import ForkError, WasihostError
from wasihost._base.limits import DEFAULTS
from wasihost._component import ffi
from wasihost._component.running import memory

# Python callbacks run on the stacks that Wasmtime gives its tasks; its default of 2 MiB is small for Python.
ASYNC_STACK_SIZE = 8 << 20
EPOCH_SECONDS = 0.005
IDLE_TICKS = 20
"""The thread ends after so many epochs in which no guest ran; to start another takes 0.1 ms."""

# Wasmtime reserves 4 GiB of addresses for each memory, and an instance has three. Where this process may not have many
# (`ulimit -v`), a memory gets a part of them, which it cannot grow out of, and its accesses are checked.
LEAST_RESERVATION = 128 << 20
MEMORIES = 16

COMPILES_IN_THREADS = (
    "this engine compiles in threads, which stayed in the process that this one was forked from: make the engine in "
    "this process, load the component before the fork, or give wasihost.configure parallel_compilation=False"
)

_faulthandler_first = False
_first_engine_made = False


def configure(
    config: wasmtime.Config, *, stack_bytes: int | None = None, parallel_compilation: bool = True
) -> wasmtime.Config:
    """Sets in `config` what `adapt` needs: component-model async, our linear memories, larger stacks; gives it back.

    For an engine of your own. Set `config.epoch_interruption = True` too if computing guests shall not hold your event
    loop; every plain `Store` of that engine then needs `set_epoch_deadline`. `stack_bytes` is for the guest's calls;
    None: as `config` has it. With `parallel_compilation=False`, given here and not in `config`, the engine compiles in
    the thread that calls, and so also in processes that are forked later; in a forked process every engine does.
    """
    global _first_engine_made, _faulthandler_first
    if not _first_engine_made:
        _first_engine_made, _faulthandler_first = True, faulthandler.is_enabled()
    stack_size = ASYNC_STACK_SIZE
    if stack_bytes is not None:
        config.max_wasm_stack = stack_bytes
        stack_size += stack_bytes
    in_threads = parallel_compilation and not forks.count()
    if not in_threads:
        config.parallel_compilation = False
    ffi.configure(config, memory.CREATOR if in_threads else memory.ONE_THREAD_CREATOR, stack_size)
    # Copy-on-write images would be mapped over our memories, behind their owner's back: Wasmtime panics.
    config.memory_init_cow = False
    return config


def check_faulthandler() -> None:
    """Raises unless an out-of-bounds access of a guest is a trap.

    Wasmtime handles SIGSEGV from its first engine on. `faulthandler.enable()` after that takes the signal away from it,
    and the guest's trap would end the process.
    """
    if faulthandler.is_enabled() and not _faulthandler_first:
        raise WasihostError(
            "faulthandler was enabled after the first engine was made: a guest's out-of-bounds access would end the "
            "process. Call faulthandler.enable() before wasihost makes its first Host (pytest and `python -X "
            "faulthandler` do), or faulthandler.disable()."
        )


def check_compiles(engine: wasmtime.Engine) -> None:
    """Raises ForkError if compiling with this engine might wait for threads that stayed in the parent process."""
    if forks.count() and not memory.is_of_one_thread(engine):
        raise ForkError(COMPILES_IN_THREADS)


@functools.cache
def default_engine(stack_bytes: int = DEFAULTS.stack_bytes, *, gc: bool = True) -> wasmtime.Engine:
    """The engine that every `Host` shares whose guests have stacks of this size, and may have a garbage collector."""
    config = configure(wasmtime.Config(), stack_bytes=stack_bytes)
    config.epoch_interruption = True
    config.gc_support = gc
    addresses, _ = resource.getrlimit(resource.RLIMIT_AS)
    if addresses != resource.RLIM_INFINITY and addresses < MEMORIES * memory.LARGEST:
        # Whole pages: Wasmtime 50.0.1 aborts for the heap of a collector that has others (GHSA-wvgq-g5hf-6gm6).
        config.memory_reservation = max(addresses // MEMORIES & -ffi.PAGE, LEAST_RESERVATION)
        config.memory_may_move = False
    return wasmtime.Engine(config)


os.register_at_fork(after_in_child=default_engine.cache_clear)  # the child needs one that compiles in one thread

_lock = forks.lock()


class EpochClock:
    """Moves the epoch of an engine on while guests of it run, so that computing guests yield.

    A thread, because nothing else runs while a guest computes. It ends when no guest has run for some epochs, and with
    the last open instance: CPython warns about a fork of a process that has threads.
    """

    _clocks: weakref.WeakKeyDictionary[wasmtime.Engine, EpochClock] = weakref.WeakKeyDictionary()

    @classmethod
    def of(cls, engine: wasmtime.Engine) -> EpochClock:
        with _lock:
            clock = cls._clocks.get(engine)
            if clock is None:
                clock = cls._clocks[engine] = cls(engine)
            return clock

    @classmethod
    def forget(cls) -> None:
        """In the child of a fork: the clocks belong to instances of the parent, and their threads stayed there."""
        cls._clocks = weakref.WeakKeyDictionary()

    def __init__(self, engine: wasmtime.Engine) -> None:
        self._engine = weakref.ref(engine)
        self._instances = 0
        self._running = 0
        self._idle_ticks = 0
        self._thread: threading.Thread | None = None
        self._ended: threading.Event

    def open(self) -> None:
        """An instance of the engine is opened."""
        with _lock:
            self._instances += 1

    def close(self) -> None:
        """An instance that was opened is closed; the last one waits for the end of the thread."""
        with _lock:
            self._instances -= 1
            thread = None if self._instances else self._thread
            if thread is not None:
                self._thread = None
                self._ended.set()
        if thread is not None:
            thread.join()

    def start(self) -> None:
        """A guest begins to run; `stop` must follow, also after an error: RuntimeError without a thread."""
        with _lock:
            self._running += 1
            self._idle_ticks = 0
            if self._thread is None:
                self._start_thread()

    def stop(self) -> None:
        """A guest waits, or has ended."""
        with _lock:
            self._running -= 1

    def _start_thread(self) -> None:
        ended = threading.Event()
        thread = threading.Thread(target=self._tick, args=(ended,), name="wasihost-epochs", daemon=True)
        thread.start()
        self._thread = thread
        self._ended = ended

    def _tick(self, ended: threading.Event) -> None:
        while not ended.wait(EPOCH_SECONDS):
            if (engine := self._engine()) is None:
                return
            engine.increment_epoch()
            del engine
            if self._is_idle(ended):
                return

    def _is_idle(self, ended: threading.Event) -> bool:
        """Whether no guest has run for long, and the thread ends."""
        with _lock:
            if ended.is_set():
                return True
            self._idle_ticks = 0 if self._running else self._idle_ticks + 1
            if self._idle_ticks < IDLE_TICKS:
                return False
            self._thread = None
            return True


os.register_at_fork(after_in_child=EpochClock.forget)
