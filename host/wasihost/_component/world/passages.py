"""Which functions can hand over their list of bytes in the guest's window, and how they look then.

The forms are those of `composition/window.wat`; window.py beside it explains them. On the host's side of such a
function the list is a `u32`, its length.
"""

from __future__ import annotations

from enum import Enum

from wasihost._component.world import layout, types
from wasihost._component.world.types import Func, Interface, Result

BYTES = types.List(types.U8)
_ADAPTED = (types.Map, types.Stream, types.Future)  # the adapter component gives these, so such a call is not direct


class Passage(Enum):
    """Which way the bytes go, by the names of the modules in `window.wat`."""

    TAKES = "takes"
    GIVES = "gives"


def passages(interface: Interface) -> dict[str, Passage]:
    """The passages of those functions that have one."""
    found = {name: _passage(func) for name, func in interface.funcs.items()}
    return {name: passage for name, passage in found.items() if passage is not None}


def _passage(func: Func) -> Passage | None:
    """The passage of a function's list of bytes; None if it has none, or is of another form."""
    result = func.result
    if func.is_async or not isinstance(result, Result) or types.contains(result.err, types.List):
        return None
    if any(types.contains(t, _ADAPTED) for t in func.types):
        return None
    params = [t for _, t in func.params]
    flat = layout.flatten_all(params)
    has_pointer = len(layout.flatten(result)) > layout.MAX_FLAT_RESULTS
    if params[1:] == [BYTES] and flat == ("i32", "i32", "i32") and has_pointer:
        return None if types.contains(result.ok, types.List) else Passage.TAKES
    if flat == ("i32", "i64") and result.ok == BYTES and layout.payload_offset(result) == layout.size(types.U32):
        return Passage.GIVES
    return None


def can_pass(interface: Interface) -> bool:
    """Whether an interface has lists of bytes, and all of them can pass."""
    mentioning = {name for name, func in interface.funcs.items() if _mentions_bytes(func)}
    return bool(mentioning) and mentioning == passages(interface).keys()


def _mentions_bytes(func: Func) -> bool:
    return any(inner == BYTES for t in func.types for inner in types.walk(t))


def lengths_only(interface: Interface) -> Interface:
    """The interface as the host sees it."""
    return Interface({name: _length_only(t) if isinstance(t, Func) else t for name, t in interface.items.items()})


def _length_only(func: Func) -> Func:
    def replace(t: types.ValType) -> types.ValType:
        return types.substitute(t, lambda inner: types.U32 if inner == BYTES else None)

    params = tuple((name, replace(t)) for name, t in func.params)
    return Func(params, None if func.result is None else replace(func.result), func.is_async)
