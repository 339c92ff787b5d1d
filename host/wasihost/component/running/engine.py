"""The engine configuration that the machine needs, and the clock that keeps guests from holding the event loop."""

from __future__ import annotations

import faulthandler
import functools
import threading
import time
import weakref

import wasmtime

from wasihost.component import ffi
from wasihost.component.running import memory
from wasihost.errors import WasihostError
from wasihost.limits import DEFAULTS

# Python callbacks run on the stacks that Wasmtime gives its tasks; its default of 2 MiB is small for Python.
ASYNC_STACK_SIZE = 8 << 20
EPOCH_SECONDS = 0.005

_faulthandler_first = False
_first_engine_made = False


def configure(config: wasmtime.Config, *, stack_bytes: int | None = None) -> wasmtime.Config:
    """Sets in `config` what `adapt` needs: component-model async, our linear memories, larger stacks; gives it back.

    For an engine of your own. Set `config.epoch_interruption = True` too if computing guests shall not hold your event
    loop; every plain `Store` of that engine then needs `set_epoch_deadline`. `stack_bytes` is for the guest's calls;
    None: as `config` has it.
    """
    global _first_engine_made, _faulthandler_first
    if not _first_engine_made:
        _first_engine_made, _faulthandler_first = True, faulthandler.is_enabled()
    stack_size = ASYNC_STACK_SIZE
    if stack_bytes is not None:
        config.max_wasm_stack = stack_bytes
        stack_size += stack_bytes
    ffi.configure(config, memory.CREATOR, stack_size)
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


@functools.cache
def default_engine(stack_bytes: int = DEFAULTS.stack_bytes) -> wasmtime.Engine:
    """The engine that every `Host` shares whose guests have stacks of this size."""
    config = configure(wasmtime.Config(), stack_bytes=stack_bytes)
    config.epoch_interruption = True
    return wasmtime.Engine(config)


class EpochClock:
    """Moves the epoch of an engine on while some guest of it runs, so that computing guests yield.

    A thread, because nothing else runs while a guest computes. It sleeps for good while nobody runs.
    """

    _clocks: weakref.WeakKeyDictionary[wasmtime.Engine, EpochClock] = weakref.WeakKeyDictionary()

    @classmethod
    def of(cls, engine: wasmtime.Engine) -> EpochClock:
        clock = cls._clocks.get(engine)
        if clock is None:
            clock = cls._clocks[engine] = cls(engine)
        return clock

    def __init__(self, engine: wasmtime.Engine) -> None:
        self._engine = weakref.ref(engine)
        self._running = 0
        self._asleep = False
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Some guest runs from now on."""
        self._running += 1
        if self._asleep:
            self._wanted.set()
        elif self._thread is None:
            self._thread = threading.Thread(target=self._tick, name="wasihost-epochs", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """It waits or is over. The thread notices that by itself: guests wait often, and briefly."""
        self._running -= 1

    def _tick(self) -> None:
        while True:
            time.sleep(EPOCH_SECONDS)
            if (engine := self._engine()) is None:
                return
            engine.increment_epoch()
            del engine
            if not self._running:
                self._sleep()

    def _sleep(self) -> None:
        self._wanted.clear()
        self._asleep = True
        if not self._running:  # again: somebody may not have seen yet that we sleep
            self._wanted.wait()
        self._asleep = False
