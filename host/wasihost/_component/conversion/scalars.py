"""Arguments and results that are nothing but numbers: they cross in their memory form, with no C value between."""

from __future__ import annotations

from struct import Struct

from wasihost._component.conversion.numbers import array_code
from wasihost._component.world import layout, types


def arguments(whole: types.Tuple) -> Struct:
    """The memory form of a tuple of numbers."""
    packing = "<"
    at = 0
    for t, offset in zip(whole.elements, layout.offsets(whole), strict=True):
        assert isinstance(t, types.Primitive)
        packing += f"{offset - at}x{array_code(t.name)}"
        at = offset + layout.size(t)
    return Struct(packing)


def result(t: types.ValType | None) -> Struct:
    """The memory form of a number, at the beginning of 8 bytes."""
    if t is None:
        return Struct("8x")
    assert isinstance(t, types.Primitive)
    return Struct(f"<{array_code(t.name)}{8 - layout.size(t)}x")
