"""The reflection that wasmtime-py lacks: maps, payloads of streams and futures, and whether a function is async."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import byref
from typing import Any, Final

from wasmtime.component import FuncType, FutureType, StreamType

from wasihost._component.ffi.private import managed, raw, reflected


def is_async(func: FuncType) -> bool:
    """Whether WIT says `async func`."""
    return bool(raw.wasmtime_component_func_type_async(func.ptr()))


def payload(t: StreamType | FutureType) -> Any:
    """The wasmtime-py type that a stream or future carries, or None."""
    found = raw.wasmtime_component_valtype_t()
    is_stream = isinstance(t, StreamType)
    get = raw.wasmtime_component_stream_type_ty if is_stream else raw.wasmtime_component_future_type_ty
    return _value_type(found) if get(t.ptr(), byref(found)) else None


class MapType(managed.Managed[Any]):
    """The counterpart for `map<key, value>` of wasmtime-py's `ListType` for lists."""

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
