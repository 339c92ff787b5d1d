"""Values: a `wasmtime_component_val_t` is a kind byte, padding to 8, and a union of 24 bytes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import c_bool, c_uint32, c_void_p
from typing import Final

from wasihost._component.ffi import private
from wasihost._component.ffi.errors import raise_at
from wasihost._component.ffi.private import prototype, raw

VAL_SIZE: Final = ctypes.sizeof(raw.wasmtime_component_val_t)
VAL_OF: Final = raw.wasmtime_component_val_t.of.offset
# Kept, since ctypes would make the type anew for each instance, which takes 5 us and leaves it to Python's collector.
ValueBuffer: Final = ctypes.c_char * VAL_SIZE
RECORD_ENTRY_SIZE: Final = ctypes.sizeof(raw.wasmtime_component_valrecord_entry_t)
KINDS: Final[dict[str, int]] = {
    name.lower(): getattr(raw, f"WASMTIME_COMPONENT_{name}").value for name in private.KINDS
}

# Frees the memory that the value at the address owns.
val_delete: Callable[[int], None] = prototype("wasmtime_component_val_delete", None, c_void_p)
# Makes a copy of a value, which is all Wasmtime's own, at the second address; the first value is left alone.
val_clone: Callable[[bytes, int], None] = prototype("wasmtime_component_val_clone", None, c_void_p, c_void_p)
# In CPython `id` is an object's address, and the content of `bytes` is at a fixed distance from it.
_bytes_address = ctypes.PYFUNCTYPE(c_void_p, ctypes.py_object)(("PyBytes_AsString", ctypes.pythonapi))
BYTES_OFFSET: Final[int] = _bytes_address(b"wasihost") - id(b"wasihost")

_any_to_host = prototype("wasmtime_component_resource_any_to_host", c_void_p, c_void_p, c_void_p, c_void_p)
_host_rep: Callable[[c_void_p], int] = prototype("wasmtime_component_resource_host_rep", c_uint32, c_void_p)
_host_delete: Callable[[int | c_void_p], None] = prototype("wasmtime_component_resource_host_delete", None, c_void_p)
# Frees the box of a resource; the handle in it stays as it is.
resource_delete: Callable[[int], None] = prototype("wasmtime_component_resource_any_delete", None, c_void_p)
_host_new = prototype("wasmtime_component_resource_host_new", c_void_p, c_bool, c_uint32, c_uint32)
_host_to_any = prototype("wasmtime_component_resource_host_to_any", c_void_p, c_void_p, c_void_p, c_void_p)


class Cell(c_void_p):
    """Where a function of Wasmtime leaves a pointer. Each store has one, since to make one takes a while."""

    def __init__(self) -> None:
        self.address = ctypes.addressof(self)


def resource_rep(context: int, resource: int, cell: Cell) -> int:
    """The rep of a host resource that Wasmtime passed as an argument, and whose type it has checked."""
    if error := _any_to_host(context, resource, cell.address):
        raise_at(error)
    found = _host_rep(cell)
    _host_delete(cell)
    return found


def resource_own(context: int, number: int, rep: int, cell: Cell) -> int:
    """A new owned host resource, as the pointer that a RESOURCE value holds."""
    host = _host_new(True, rep, number)
    error = _host_to_any(context, host, cell.address)
    _host_delete(host)
    if error:
        raise_at(error)
    return cell.value or 0
