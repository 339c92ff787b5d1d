"""The only package that touches private parts of wasmtime-py, and the C functions that wasmtime-py does not wrap.

Everything here is a thin, typed doorway; addresses are plain `int`.
"""

from wasihost._component.ffi.calls import (
    AsyncCallback,
    Call,
    Callback,
    Continuation,
    add_func,
    add_func_async,
    add_resource,
    call_export,
    continue_with,
    instantiate,
)
from wasihost._component.ffi.engine import (
    PAGE,
    Destructor,
    Finalizer,
    GetMemory,
    GrowMemory,
    NewMemory,
    configure,
    context_address,
    limit,
    memory_creator,
    yield_on_epochs,
)
from wasihost._component.ffi.errors import error_new, raise_after_call
from wasihost._component.ffi.private import VERSION
from wasihost._component.ffi.types import MapType, is_async, payload
from wasihost._component.ffi.values import (
    BYTES_OFFSET,
    KINDS,
    RECORD_ENTRY_SIZE,
    VAL_OF,
    VAL_SIZE,
    Cell,
    ValueBuffer,
    resource_delete,
    resource_own,
    resource_rep,
    val_clone,
    val_delete,
)

__all__ = [
    "BYTES_OFFSET",
    "KINDS",
    "PAGE",
    "RECORD_ENTRY_SIZE",
    "VAL_OF",
    "VAL_SIZE",
    "VERSION",
    "AsyncCallback",
    "Call",
    "Callback",
    "Cell",
    "Continuation",
    "Destructor",
    "Finalizer",
    "GetMemory",
    "GrowMemory",
    "MapType",
    "NewMemory",
    "ValueBuffer",
    "add_func",
    "add_func_async",
    "add_resource",
    "call_export",
    "configure",
    "context_address",
    "continue_with",
    "error_new",
    "instantiate",
    "is_async",
    "limit",
    "memory_creator",
    "payload",
    "raise_after_call",
    "resource_delete",
    "resource_own",
    "resource_rep",
    "val_clone",
    "val_delete",
    "yield_on_epochs",
]
