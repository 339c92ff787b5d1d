"""Engines and stores: their configuration, memories of our own, limits."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import CFUNCTYPE, addressof, byref, c_int64, c_uint32, c_uint64, c_void_p
from typing import Any, Final

import wasmtime

from wasihost._base.limits import Limits
from wasihost._component.ffi.private import prototype, raw

PAGE: Final = 65536

# Of adapter, driver and relay component, and the guest's window.
OUR_INSTANCES: Final = 18
OUR_TABLES: Final = 21
OUR_MEMORIES: Final = 4

CallbackType = Callable[[Callable[..., Any]], Any]
"""Makes a C callback of a Python function, also as a decorator."""

Finalizer: CallbackType = CFUNCTYPE(None, c_void_p)
GetMemory: CallbackType = raw.wasmtime_memory_get_callback_t
GrowMemory: CallbackType = raw.wasmtime_memory_grow_callback_t
MemoryCallbacks = raw.wasmtime_linear_memory_t
NewMemory: CallbackType = raw.wasmtime_new_memory_callback_t
Destructor: CallbackType = CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_uint32)
"""(data, context, rep) -> error or None; with plain addresses, as `Callback`."""


# What wasmtime-py does for each store, in a third of the time: a server makes a store for each request.
_set_epoch_deadline = prototype("wasmtime_context_set_epoch_deadline", None, c_void_p, c_uint64)
_yield_and_update = prototype("wasmtime_context_epoch_deadline_async_yield_and_update", None, c_void_p, c_uint64)
_limit = prototype("wasmtime_store_limiter", None, c_void_p, *[c_int64] * 5)


def memory_creator(new_memory: Any, env: int = 0) -> Any:
    """A `wasmtime_memory_creator_t` around a `NewMemory` callback, which gets `env`; the caller keeps both for ever."""
    creator = raw.wasmtime_memory_creator_t()
    creator.env = c_void_p(env)  # type: ignore[assignment]  # declared as a pointer, whose numbers ctypes takes too
    creator.new_memory = new_memory
    return creator


def configure(config: wasmtime.Config, creator: Any, async_stack_size: int) -> None:
    """Sets the options that wasmtime-py's `Config` has no property for."""
    raw.wasmtime_config_wasm_component_model_async_set(config.ptr(), True)
    raw.wasmtime_config_wasm_component_model_more_async_builtins_set(config.ptr(), True)
    raw.wasmtime_config_wasm_component_model_async_stackful_set(config.ptr(), True)
    raw.wasmtime_config_wasm_component_model_map_set(config.ptr(), True)
    raw.wasmtime_config_async_stack_size_set(config.ptr(), async_stack_size)
    raw.wasmtime_config_host_memory_creator_set(config.ptr(), byref(creator))


def yield_on_epochs(store: wasmtime.Store) -> None:
    """Makes the store's guest hand control back to the host at every epoch instead of trapping."""
    _set_epoch_deadline(store._context(), 1)
    _yield_and_update(store._context(), 1)


def context_address(store: wasmtime.Store) -> int:
    """The address of a store's `wasmtime_context_t`, which every callback gets."""
    # Not by `ctypes.cast`, which leaves a cycle for Python's collector.
    return addressof(store._context().contents)


def limit(store: wasmtime.Store, limits: Limits) -> None:
    """Sets the limits of a store; our memory creator limits the sizes of memories."""
    _limit(
        store.ptr(),
        -1,
        limits.table_elements,
        limits.instances + OUR_INSTANCES,
        limits.tables + OUR_TABLES,
        limits.memories + OUR_MEMORIES,
    )
