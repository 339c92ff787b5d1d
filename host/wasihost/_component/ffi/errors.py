"""Errors that cross the border to Wasmtime."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_void_p
from typing import Any

import wasmtime

from wasihost._component.ffi.private import enter, raw


def error_new(message: str) -> int:
    """Makes a `wasmtime_error_t` and gives it away: a callback returns it to fail."""
    pointer = raw.wasmtime_error_new(message.encode().replace(b"\0", b"\\0"))
    return ctypes.cast(pointer, c_void_p).value or 0


def raise_if(pointer: Any) -> None:
    """Raises a `wasmtime_error_t` that is not null."""
    if pointer:
        raise wasmtime.WasmtimeError._from_ptr(pointer)


def raise_after_call(error: BaseException) -> None:
    """Leaves an exception to wasmtime-py, whose own calls raise it when they fail."""
    enter.LAST_EXCEPTION = error  # type: ignore[assignment]


def raise_at(address: int | None) -> None:
    """The same, of the error at an address."""
    if address:
        raise_if(ctypes.cast(address, POINTER(raw.wasmtime_error_t)))
