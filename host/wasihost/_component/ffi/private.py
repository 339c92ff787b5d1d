"""The private parts of wasmtime-py, which the rest of this package builds on; nothing else imports them.

Each name that is used is checked at import, so that another version of wasmtime-py is refused with a clear error
instead of a crash later.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, Final

import wasmtime
from wasmtime import _ffi as raw
from wasmtime import _managed as managed
from wasmtime.component import _enter as enter
from wasmtime.component import _types as reflected

__all__ = ["KINDS", "NAMES", "VERSION", "check", "enter", "managed", "path", "prototype", "raw", "reflected"]

KINDS: Final = (
    *("BOOL", "S8", "U8", "S16", "U16", "S32", "U32", "S64", "U64", "F32", "F64", "CHAR", "STRING"),
    *("LIST", "RECORD", "TUPLE", "VARIANT", "ENUM", "OPTION", "RESULT", "FLAGS", "RESOURCE"),
)
"""Of values, as WASMTIME_COMPONENT_… in `raw`."""

NAMES: Final[dict[Any, tuple[str, ...]]] = {
    raw: (
        "dll",
        "wasmtime_call_future_delete",
        "wasmtime_call_future_poll",
        "wasmtime_component_func_call_async",
        "wasmtime_component_func_t",
        "wasmtime_component_func_type_async",
        "wasmtime_component_future_type_ty",
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
        "wasmtime_component_valrecord_entry_t",
        "wasmtime_component_valtype_t",
        "wasmtime_config_async_stack_size_set",
        "wasmtime_config_host_memory_creator_set",
        "wasmtime_config_wasm_component_model_async_set",
        "wasmtime_config_wasm_component_model_async_stackful_set",
        "wasmtime_config_wasm_component_model_map_set",
        "wasmtime_config_wasm_component_model_more_async_builtins_set",
        "wasmtime_context_epoch_deadline_async_yield_and_update",
        "wasmtime_context_set_epoch_deadline",
        "wasmtime_error_new",
        "wasmtime_error_t",
        "wasmtime_linear_memory_t",
        "wasmtime_memory_creator_t",
        "wasmtime_memory_get_callback_t",
        "wasmtime_memory_grow_callback_t",
        "wasmtime_new_memory_callback_t",
        "wasmtime_store_limiter",
        *(f"WASMTIME_COMPONENT_{kind}" for kind in KINDS),
    ),
    enter: ("LAST_EXCEPTION",),
    reflected: ("valtype_from_ptr",),
    managed.Managed: ("_set_ptr",),
    wasmtime.Store: ("_context",),
    wasmtime.WasmtimeError: ("_from_ptr",),
}
"""By the module or class that has them."""


def _find_version() -> str:
    """The version of the wasmtime wheel, from the name of its metadata: `importlib.metadata` takes 9 ms to import."""
    found = list(Path(wasmtime.__file__).parents[1].glob("wasmtime-*.dist-info"))
    if len(found) == 1:
        return found[0].stem.partition("-")[2]
    from importlib.metadata import version

    return version("wasmtime")


VERSION: Final = _find_version()
"""Of wasmtime-py and of the Wasmtime inside it."""


def path(owner: Any) -> str:
    """The full name of a module or class."""
    return f"{owner.__module__}.{owner.__name__}" if isinstance(owner, type) else str(owner.__name__)


def check() -> None:
    """Errors: ImportError if this is not the wasmtime-py that wasihost was made for."""
    missing = [f"{path(owner)}.{name}" for owner, names in NAMES.items() for name in names if not hasattr(owner, name)]
    if not VERSION.startswith("50.") or missing:
        detail = f"; it lacks {', '.join(missing)}" if missing else ""
        raise ImportError(f"wasihost needs wasmtime>=50.0.1,<51 but found wasmtime {VERSION}{detail}")


check()

# The GIL stays held in these: they are far too short to be worth giving it away.
_short: Final = ctypes.PyDLL(raw.dll._name, handle=raw.dll._handle)


def prototype(name: str, result: Any, *arguments: Any) -> Any:
    """A C function that is called without giving the GIL away, and takes plain addresses."""
    function = _short[name]
    function.restype = result
    function.argtypes = arguments
    return function
