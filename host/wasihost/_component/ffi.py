"""The only module that touches `wasmtime._ffi`: the C functions wasmtime-py does not wrap.

Everything here is a thin, typed doorway; addresses are plain `int`. The private names used are checked at import, so
that another version of wasmtime-py is refused with a clear error instead of a crash later.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_bool, c_size_t, c_uint32, c_void_p
from pathlib import Path
from typing import Any, Final

if sys.platform == "win32":
    raise ImportError("wasihost's machine needs mmap and mprotect: it runs on Linux and macOS, not on Windows")

import wasmtime
from wasmtime import _ffi as raw
from wasmtime._managed import Managed
from wasmtime.component import Component, Linker, LinkerInstance, ResourceType, _enter
from wasmtime.component import _types as reflected

from wasihost._base.limits import Limits

SYMBOLS: Final = (
    "dll",
    "wasmtime_call_future_delete",
    "wasmtime_call_future_poll",
    "wasmtime_component_func_call_async",
    "wasmtime_component_func_t",
    "wasmtime_component_func_type_async",
    "wasmtime_component_future_type_ty",
    "wasmtime_component_instance_get_export_index",
    "wasmtime_component_instance_get_func",
    "wasmtime_component_instance_t",
    "wasmtime_component_linker_instance_add_func",
    "wasmtime_component_linker_instance_add_func_async",
    "wasmtime_component_linker_instance_add_resource",
    "wasmtime_component_linker_instantiate_async",
    "wasmtime_component_map_type_delete",
    "wasmtime_component_map_type_key",
    "wasmtime_component_map_type_value",
    "wasmtime_component_resource_any_delete",
    "wasmtime_component_resource_any_to_host",
    "wasmtime_component_resource_destructor_t",
    "wasmtime_component_resource_host_delete",
    "wasmtime_component_resource_host_new",
    "wasmtime_component_resource_host_rep",
    "wasmtime_component_resource_host_to_any",
    "wasmtime_component_stream_type_ty",
    "wasmtime_component_val_clone",
    "wasmtime_component_val_delete",
    "wasmtime_component_val_t",
    "wasmtime_component_valtype_t",
    "wasmtime_config_async_stack_size_set",
    "wasmtime_config_host_memory_creator_set",
    "wasmtime_config_wasm_component_model_async_set",
    "wasmtime_config_wasm_component_model_async_stackful_set",
    "wasmtime_config_wasm_component_model_map_set",
    "wasmtime_config_wasm_component_model_more_async_builtins_set",
    "wasmtime_context_epoch_deadline_async_yield_and_update",
    "wasmtime_error_message",
    "wasmtime_error_new",
    "wasmtime_linear_memory_t",
    "wasmtime_memory_creator_t",
    "wasmtime_memory_get_callback_t",
    "wasmtime_memory_grow_callback_t",
    "wasmtime_new_memory_callback_t",
)


def _find_version() -> str:
    """The version of the wasmtime wheel, from the name of its metadata: `importlib.metadata` takes 9 ms to import."""
    found = list(Path(wasmtime.__file__).parents[1].glob("wasmtime-*.dist-info"))
    if len(found) == 1:
        return found[0].stem.partition("-")[2]
    from importlib.metadata import version

    return version("wasmtime")


VERSION: Final = _find_version()
"""Of wasmtime-py and of the Wasmtime inside it."""


def _check_version() -> None:
    missing = [name for name in SYMBOLS if not hasattr(raw, name)]
    if not VERSION.startswith("50.") or missing:
        detail = f"; it lacks {', '.join(missing)}" if missing else ""
        raise ImportError(f"wasihost needs wasmtime>=50.0.1,<51 but found wasmtime {VERSION}{detail}")


_check_version()

PAGE: Final = 65536

# Of adapter and driver component.
OUR_INSTANCES: Final = 10
OUR_TABLES: Final = 20
OUR_MEMORIES: Final = 2

# ---- errors


def error_new(message: str) -> int:
    """Makes a `wasmtime_error_t` and gives it away: what a callback returns to fail."""
    pointer = raw.wasmtime_error_new(message.encode().replace(b"\0", b"\\0"))
    return ctypes.cast(pointer, c_void_p).value or 0


def _raise_if(pointer: Any) -> None:
    if pointer:
        raise wasmtime.WasmtimeError._from_ptr(pointer)


def raise_after_call(error: BaseException) -> None:
    """Leaves an exception to wasmtime-py, whose own calls raise it when they fail."""
    _enter.LAST_EXCEPTION = error  # type: ignore[assignment]


# ---- reflection


def is_async(func: reflected.FuncType) -> bool:
    """Whether WIT says `async func`."""
    return bool(raw.wasmtime_component_func_type_async(func.ptr()))


def payload(t: reflected.StreamType | reflected.FutureType) -> Any:
    """The wasmtime-py type that a stream or future carries, or None."""
    found = raw.wasmtime_component_valtype_t()
    is_stream = isinstance(t, reflected.StreamType)
    get = raw.wasmtime_component_stream_type_ty if is_stream else raw.wasmtime_component_future_type_ty
    return _value_type(found) if get(t.ptr(), byref(found)) else None


class MapType(Managed[Any]):
    """What wasmtime-py would have for `map<key, value>`, as its `ListType` for lists."""

    def __init__(self, pointer: Any) -> None:
        self._set_ptr(pointer)

    def _delete(self, pointer: Any) -> None:
        raw.wasmtime_component_map_type_delete(pointer)

    @property
    def key(self) -> Any:
        return self._part(raw.wasmtime_component_map_type_key)

    @property
    def value(self) -> Any:
        return self._part(raw.wasmtime_component_map_type_value)

    def _part(self, get: Callable[[Any, Any], None]) -> Any:
        found = raw.wasmtime_component_valtype_t()
        get(self.ptr(), byref(found))
        return _value_type(found)


_MAP: Final = 26  # WASMTIME_COMPONENT_VALTYPE_MAP of wasmtime/component/types/val.h
_known_type = reflected.valtype_from_ptr


def _value_type(found: Any) -> Any:
    return MapType(found.of.map) if found.kind == _MAP else _known_type(found)


# wasmtime-py 50.0.1 raises a TypeError for maps, also where one is inside of another type.
reflected.valtype_from_ptr = _value_type  # type: ignore[assignment]

# ---- engine configuration and memories

CallbackType = Callable[[Callable[..., Any]], Any]
"""Makes a C callback of a Python function, also as a decorator."""

_Finalizer = CFUNCTYPE(None, c_void_p)
Finalizer: CallbackType = _Finalizer
GetMemory: CallbackType = raw.wasmtime_memory_get_callback_t
GrowMemory: CallbackType = raw.wasmtime_memory_grow_callback_t
NewMemory: CallbackType = raw.wasmtime_new_memory_callback_t
Destructor: CallbackType = raw.wasmtime_component_resource_destructor_t


def memory_creator(new_memory: Any, env: int = 0) -> Any:
    """A `wasmtime_memory_creator_t` around a `NewMemory` callback, which gets `env`; the caller keeps both for ever."""
    creator = raw.wasmtime_memory_creator_t()
    creator.env = c_void_p(env)  # type: ignore[assignment]  # declared as a pointer, whose numbers ctypes takes too
    creator.new_memory = new_memory
    return creator


def configure(config: wasmtime.Config, creator: Any, async_stack_size: int) -> None:
    """Sets what wasmtime-py's `Config` has no property for."""
    raw.wasmtime_config_wasm_component_model_async_set(config.ptr(), True)
    raw.wasmtime_config_wasm_component_model_more_async_builtins_set(config.ptr(), True)
    raw.wasmtime_config_wasm_component_model_async_stackful_set(config.ptr(), True)
    raw.wasmtime_config_wasm_component_model_map_set(config.ptr(), True)
    raw.wasmtime_config_async_stack_size_set(config.ptr(), async_stack_size)
    raw.wasmtime_config_host_memory_creator_set(config.ptr(), byref(creator))


def yield_on_epochs(store: wasmtime.Store) -> None:
    """Makes the store's guest hand control back to the host at every epoch instead of trapping."""
    store.set_epoch_deadline(1)
    # Declared to return an error, but the library returns nothing: what ctypes gives is garbage.
    raw.wasmtime_context_epoch_deadline_async_yield_and_update(store._context(), 1)


def limit(store: wasmtime.Store, limits: Limits) -> None:
    """Sets what a store may hold; how large its memories get is for our memory creator to say."""
    store.set_limits(
        table_elements=limits.table_elements,
        instances=limits.instances + OUR_INSTANCES,
        tables=limits.tables + OUR_TABLES,
        memories=limits.memories + OUR_MEMORIES,
    )


# ---- calls


# Without the GIL: here guests run.
_poll: Callable[[Any], bool] = raw.dll["wasmtime_call_future_poll"]
_poll.restype, _poll.argtypes = c_bool, [c_void_p]  # type: ignore[attr-defined]


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


class Call:
    """One call future of a store; its arguments, results and C structs live as long as it does."""

    def __init__(self, *kept: Any) -> None:
        self._error = POINTER(raw.wasmtime_error_t)()
        self._kept = kept
        self._future: Any = None

    def poll(self) -> bool:
        """Runs the store until it waits or yields: True when the call is over, raising its error if it failed."""
        if not poll_future(self._future):
            return False
        self.close()
        _raise_if(self._error)
        return True

    def close(self) -> None:
        """Gives up the call. In mid-call this leaves the store unusable."""
        future, self._future = self._future, None
        if future is not None:
            raw.wasmtime_call_future_delete(future)


def instantiate(linker: Linker, store: wasmtime.Store, component: Component) -> tuple[Call, Any]:
    """Begins to instantiate; the second value is the instance once the call is over."""
    instance = raw.wasmtime_component_instance_t()
    call = Call(linker, store, component, instance)
    call._future = raw.wasmtime_component_linker_instantiate_async(
        linker.ptr(), store._context(), component.ptr(), byref(instance), byref(call._error)
    )
    return call, instance


def call_export(instance: Any, store: wasmtime.Store, name: str) -> Call:
    """Begins to call an exported function that takes and gives nothing."""
    text = name.encode()
    index = raw.wasmtime_component_instance_get_export_index(
        byref(instance), store._context(), None, ctypes.create_string_buffer(text), len(text)
    )
    func = raw.wasmtime_component_func_t()
    raw.wasmtime_component_instance_get_func(byref(instance), store._context(), index, byref(func))
    raw.wasmtime_component_export_index_delete(index)
    call = Call(instance, store, func)
    call._future = raw.wasmtime_component_func_call_async(
        byref(func), store._context(), None, 0, None, 0, byref(call._error)
    )
    return call


# ---- host functions

# (data, context, type, arguments, their number, results, their number) -> error or None. Our own prototypes with plain
# addresses: ctypes then makes no pointer objects, which halves the price of a call.
Callback = CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t)
AsyncCallback = CFUNCTYPE(
    None, c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, POINTER(c_void_p), c_void_p
)
Continuation = CFUNCTYPE(c_bool, c_void_p)


class AsyncContinuation(Structure):
    """`wasmtime_async_continuation_t`: a function that Wasmtime polls until it answers True."""

    _fields_ = [("callback", Continuation), ("env", c_void_p), ("finalizer", _Finalizer)]


def continue_with(address: int, continuation: Any) -> None:
    """Fills in what an `AsyncCallback` leaves behind; Wasmtime says when it needs the function no more."""
    out = AsyncContinuation.from_address(address)
    out.callback, out.env, out.finalizer = continuation, _keep(continuation), _released


_handle = raw.dll._handle
# The GIL stays held in these: they are far too short to be worth giving it away.
_short = ctypes.PyDLL(raw.dll._name, handle=_handle)


def _prototype(name: str, result: Any, *arguments: Any) -> Any:
    function = _short[name]
    function.restype, function.argtypes = result, arguments
    return function


_add_func = _prototype(
    "wasmtime_component_linker_instance_add_func", c_void_p, c_void_p, c_void_p, c_size_t, Callback, c_void_p, Finalizer
)
_add_func_async = _prototype(
    "wasmtime_component_linker_instance_add_func_async",
    c_void_p,
    c_void_p,
    c_void_p,
    c_size_t,
    AsyncCallback,
    c_void_p,
    Finalizer,
)


# Callbacks by key, for as long as a linker or store can call them: Wasmtime tells by `_released`.
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
    error = add(instance.ptr(), ctypes.create_string_buffer(text), len(text), callback, _keep(callback), _released)
    if error:
        _raise_if(ctypes.cast(error, POINTER(raw.wasmtime_error_t)))


def add_func(instance: LinkerInstance, name: str, callback: Any) -> None:
    """Registers a `Callback`."""
    _add(_add_func, instance, name, callback)


def add_func_async(instance: LinkerInstance, name: str, callback: Any) -> None:
    """Registers an `AsyncCallback`: while its continuation is not done, the whole store stands still."""
    _add(_add_func_async, instance, name, callback)


def add_resource(instance: LinkerInstance, name: str, number: int, destructor: Any) -> None:
    """Defines a host resource type, told from others by `number`."""
    text, resource = name.encode(), ResourceType.host(number)
    _raise_if(
        raw.wasmtime_component_linker_instance_add_resource(
            instance.ptr(),
            ctypes.create_string_buffer(text),
            len(text),
            resource.ptr(),
            destructor,
            _keep(destructor),
            _released,
        )
    )


# ---- values: a `wasmtime_component_val_t` is a kind byte, padding to 8, and a union of 24 bytes

VAL_SIZE: Final = ctypes.sizeof(raw.wasmtime_component_val_t)
VAL_OF: Final = raw.wasmtime_component_val_t.of.offset
RECORD_ENTRY_SIZE: Final = ctypes.sizeof(raw.wasmtime_component_valrecord_entry_t)
KINDS: Final[dict[str, int]] = {
    word.lower(): getattr(raw, f"WASMTIME_COMPONENT_{word}").value
    for word in (
        "BOOL S8 U8 S16 U16 S32 U32 S64 U64 F32 F64 CHAR STRING "
        "LIST RECORD TUPLE VARIANT ENUM OPTION RESULT FLAGS RESOURCE"
    ).split()
}

# Frees what the value at the address owns.
val_delete: Callable[[int], None] = _prototype("wasmtime_component_val_delete", None, c_void_p)
# Makes a copy of a value, which is all Wasmtime's own, at the second address; the first value is left alone.
val_clone: Callable[[bytes, int], None] = _prototype("wasmtime_component_val_clone", None, c_void_p, c_void_p)
# In CPython `id` is an object's address, and the content of `bytes` stands at a fixed distance from it.
_bytes_address = ctypes.PYFUNCTYPE(c_void_p, ctypes.py_object)(("PyBytes_AsString", ctypes.pythonapi))
BYTES_OFFSET: Final[int] = _bytes_address(b"wasihost") - id(b"wasihost")

_any_to_host = _prototype("wasmtime_component_resource_any_to_host", c_void_p, c_void_p, c_void_p, c_void_p)
_host_rep: Callable[[int], int] = _prototype("wasmtime_component_resource_host_rep", c_uint32, c_void_p)
_host_delete: Callable[[int], None] = _prototype("wasmtime_component_resource_host_delete", None, c_void_p)
# Frees the box of a resource; whatever handle it stands for stays as it is.
resource_delete: Callable[[int], None] = _prototype("wasmtime_component_resource_any_delete", None, c_void_p)
_host_new = _prototype("wasmtime_component_resource_host_new", c_void_p, c_bool, c_uint32, c_uint32)
_host_to_any = _prototype("wasmtime_component_resource_host_to_any", c_void_p, c_void_p, c_void_p, c_void_p)


def resource_rep(context: int, resource: int) -> int:
    """The rep of a host resource that Wasmtime passed as an argument, and whose type it has checked."""
    host = c_void_p()
    if error := _any_to_host(context, resource, byref(host)):
        _raise_if(ctypes.cast(error, POINTER(raw.wasmtime_error_t)))
    address = host.value or 0
    found = _host_rep(address)
    _host_delete(address)
    return found


def resource_own(context: int, number: int, rep: int) -> int:
    """A new owned host resource, as the pointer that a RESOURCE value holds."""
    host, found = _host_new(True, rep, number), c_void_p()
    error = _host_to_any(context, host, byref(found))
    _host_delete(host)
    if error:
        _raise_if(ctypes.cast(error, POINTER(raw.wasmtime_error_t)))
    return found.value or 0
