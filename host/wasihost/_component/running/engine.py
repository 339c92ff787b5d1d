"""The engine configuration that the machine needs."""

from __future__ import annotations

import faulthandler
import functools
import os
import resource

import wasmtime

from wasihost._base import forks
from wasihost._base.errors import ForkError, WasihostError
from wasihost._base.limits import DEFAULTS
from wasihost._component import ffi
from wasihost._component.running import memory

# Python callbacks run on the stacks that Wasmtime gives its tasks; its default of 2 MiB is small for Python.
ASYNC_STACK_SIZE = 8 << 20

# Wasmtime reserves 4 GiB of addresses for each memory, and an instance has three or four. Where this process may not
# have many (`ulimit -v`), a memory gets a part of them, which it cannot grow out of, and its accesses are checked.
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
        _first_engine_made = True
        _faulthandler_first = faulthandler.is_enabled()
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
def default_engine(
    stack_bytes: int = DEFAULTS.stack_bytes, *, gc: bool = True, counts_fuel: bool = False
) -> wasmtime.Engine:
    """The engine that every `Host` shares whose guests have stacks of this size, may have a garbage collector, and have
    limits of fuel.
    """
    config = configure(wasmtime.Config(), stack_bytes=stack_bytes)
    config.epoch_interruption = True
    config.gc_support = gc
    config.consume_fuel = counts_fuel
    addresses, _ = resource.getrlimit(resource.RLIMIT_AS)
    if addresses != resource.RLIM_INFINITY and addresses < MEMORIES * memory.LARGEST:
        # Whole pages: Wasmtime 50.0.1 aborts for the heap of a collector that has others (GHSA-wvgq-g5hf-6gm6).
        config.memory_reservation = max(addresses // MEMORIES & -ffi.PAGE, LEAST_RESERVATION)
        config.memory_may_move = False
    return wasmtime.Engine(config)


os.register_at_fork(after_in_child=default_engine.cache_clear)  # the child needs one that compiles in one thread
