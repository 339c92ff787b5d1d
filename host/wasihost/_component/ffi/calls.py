"""Calls of the guest, which Python polls, and functions of the host, which Wasmtime calls."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_bool, c_size_t, c_void_p
from typing import Any

import wasmtime
from wasmtime.component import Component, ExportIndex, Linker, LinkerInstance, ResourceType

from wasihost._component.ffi.engine import PAGE, Finalizer
from wasihost._component.ffi.errors import raise_at, raise_if
from wasihost._component.ffi.private import prototype, raw

# Without the GIL: here guests run.
_poll: Callable[[Any], bool] = raw.dll["wasmtime_call_future_poll"]
_poll.restype = c_bool  # type: ignore[attr-defined]
_poll.argtypes = [c_void_p]  # type: ignore[attr-defined]


def _poll_unchecked(future: Any) -> bool:
    """`_poll` for Python >= 3.14, which compares the C stack's address with the bounds of the thread's own stack.

    Wasmtime runs our callbacks on stacks of its own. There Python took itself for nearly out of stack: in 3.14.0 every
    call is a RecursionError, and since 3.14.1 objects that should be destroyed are put off until the thread is back on
    its own stack (gh-139653). So during a poll the bounds are all addresses; deep recursion in C code is not noticed in
    that time, recursion of Python code is.
    """
    state = _get_thread_state()
    _set_stack_protection(state, PAGE, (1 << 47) - 2 * PAGE)
    try:
        return _poll(future)
    finally:
        _reset_stack_protection(state)


poll_future: Callable[[Any], bool] = _poll
if hasattr(ctypes.pythonapi, "PyUnstable_ThreadState_SetStackProtection"):
    _get_thread_state = ctypes.pythonapi.PyThreadState_Get
    _set_stack_protection = ctypes.pythonapi.PyUnstable_ThreadState_SetStackProtection
    _reset_stack_protection = ctypes.pythonapi.PyUnstable_ThreadState_ResetStackProtection
    _get_thread_state.restype = c_void_p
    _set_stack_protection.argtypes = [c_void_p, c_void_p, c_size_t]
    _reset_stack_protection.argtypes = [c_void_p]
    poll_future = _poll_unchecked


_ErrorPointer = POINTER(raw.wasmtime_error_t)


class Call:
    """One call future of a store; its arguments, results and C structs live as long as it does."""

    def __init__(self, *kept: Any) -> None:
        self._error = _ErrorPointer()
        self._kept = kept
        self._future: Any = None

    def poll(self) -> bool:
        """Runs the store until it waits or yields: True when the call has ended, raising its error if it failed."""
        if not poll_future(self._future):
            return False
        self.close()
        raise_if(self._error)
        return True

    def close(self) -> None:
        """Gives up the call. In mid-call this leaves the store unusable."""
        future = self._future
        self._future = None
        if future is not None:
            raw.wasmtime_call_future_delete(future)


def instantiate(linker: Linker, store: wasmtime.Store, component: Component) -> tuple[Call, Any]:
    """Begins to instantiate; the second value is the instance once the call has ended."""
    instance = raw.wasmtime_component_instance_t()
    call = Call(linker, store, component, instance)
    call._future = raw.wasmtime_component_linker_instantiate_async(
        linker.ptr(), store._context(), component.ptr(), byref(instance), byref(call._error)
    )
    return call, instance


def call_export(instance: Any, store: wasmtime.Store, index: ExportIndex) -> Call:
    """Begins to call an exported function that takes and gives nothing."""
    func = raw.wasmtime_component_func_t()
    raw.wasmtime_component_instance_get_func(byref(instance), store._context(), index.ptr(), byref(func))
    call = Call(instance, store, func)
    call._future = raw.wasmtime_component_func_call_async(
        byref(func), store._context(), None, 0, None, 0, byref(call._error)
    )
    return call


# ---- host functions

# (data, context, type, arguments, their number, results, their number) -> error or None. Our own prototypes with plain
# addresses: ctypes then makes no pointer objects, which halves the price of a call. Arguments that no callback reads
# are bools, for which ctypes makes no object either.
_UNREAD = c_bool
_PARAMETERS = (_UNREAD, c_void_p, _UNREAD, c_void_p, _UNREAD, c_void_p, _UNREAD)
Callback = CFUNCTYPE(c_void_p, *_PARAMETERS)
AsyncCallback = CFUNCTYPE(None, *_PARAMETERS, POINTER(c_void_p), c_void_p)
Continuation = CFUNCTYPE(c_bool, c_void_p)


class AsyncContinuation(Structure):
    """`wasmtime_async_continuation_t`: a function that Wasmtime polls until it answers True."""

    _fields_ = [("callback", Continuation), ("env", c_void_p), ("finalizer", CFUNCTYPE(None, c_void_p))]


def continue_with(address: int, continuation: Any) -> None:
    """Fills in the continuation of an `AsyncCallback`; Wasmtime says when it needs the function no more."""
    out = AsyncContinuation.from_address(address)
    out.callback = continuation
    out.env = _keep(continuation)
    out.finalizer = _released


_add_func = prototype(
    "wasmtime_component_linker_instance_add_func", c_void_p, c_void_p, c_void_p, c_size_t, Callback, c_void_p, Finalizer
)
_add_func_async = prototype(
    "wasmtime_component_linker_instance_add_func_async",
    c_void_p,
    c_void_p,
    c_void_p,
    c_size_t,
    AsyncCallback,
    c_void_p,
    Finalizer,
)


# Callbacks by key, for as long as a linker or store can call them: Wasmtime reports the end by `_released`.
_kept: dict[int, Any] = {}


@Finalizer
def _released(key: int) -> None:
    _kept.pop(key, None)


def _keep(callback: Any) -> int:
    key = id(callback)
    _kept[key] = callback
    return key


def _add(add: Any, instance: LinkerInstance, name: str, callback: Any) -> None:
    text = name.encode()
    raise_at(add(instance.ptr(), ctypes.create_string_buffer(text), len(text), callback, _keep(callback), _released))


def add_func(instance: LinkerInstance, name: str, callback: Any) -> None:
    """Registers a `Callback`."""
    _add(_add_func, instance, name, callback)


def add_func_async(instance: LinkerInstance, name: str, callback: Any) -> None:
    """Registers an `AsyncCallback`: while its continuation is not done, the whole store waits."""
    _add(_add_func_async, instance, name, callback)


def add_resource(instance: LinkerInstance, name: str, number: int, destructor: Any) -> None:
    """Defines a host resource type, which `number` identifies."""
    text = name.encode()
    resource = ResourceType.host(number)
    raise_if(
        raw.wasmtime_component_linker_instance_add_resource(
            instance.ptr(),
            ctypes.create_string_buffer(text),
            len(text),
            resource.ptr(),
            ctypes.cast(destructor, raw.wasmtime_component_resource_destructor_t),
            _keep(destructor),
            _released,
        )
    )
