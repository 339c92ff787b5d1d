"""Whether components inside of a component can call one another asynchronously: Wasmtime 50 ends the process for that.

Theory of operation. A call that is lowered with `async`, and whose callee returns at once, leaves its task in the store
for ever, 400 bytes each. After a million Wasmtime panics where it cannot be caught ("attempted to drop in-progress
fiber"), which took 3 seconds. Calls of our adapter component are counted (`pauses.CALLS_IN_ROUND`), those inside of
the guest nobody sees. What the caller and the callee need is in the binary: a section of canonical functions each, and
`async` among the options of a lowering. Only the outermost component is known to be instantiated once, so that one
alone may have both.
"""

from __future__ import annotations

from collections.abc import Iterable

from wasihost._component.world.sections import Reader

_LOWER = 0x01
_ASYNC = 0x06
_OPTIONS_WITH_INDEX = (0x03, 0x04, 0x05, 0x07, 0x08)  # memory, realloc, post-return, callback, core type
_OPERANDS = {
    **dict.fromkeys((0x05, 0x0D, 0x1E, 0x1F, 0x22, 0x23, 0x24, 0x25, 0x26, 0x28, 0x42), ""),
    **dict.fromkeys((0x02, 0x03, 0x04, 0x06, 0x0C, 0x0E, 0x13, 0x14, 0x15, 0x1A, 0x1B), "n"),
    **dict.fromkeys((0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x2E, 0x2F, 0x40), "n"),
    **dict.fromkeys((0x0A, 0x0B, 0x11, 0x12, 0x18, 0x19, 0x20, 0x21, 0x27, 0x41), "nn"),
    **dict.fromkeys((0x0F, 0x10, 0x16, 0x17), "no"),
    **dict.fromkeys((0x1C, 0x1D), "o"),
    **dict.fromkeys((0x01, 0x09), "nno"),
    0x00: "nnon",
}
"""What follows the first byte of each canonical function of Binary.md: numbers (`n`) and lists of options (`o`)."""


class Nesting:
    """What has been seen of a component and those inside of it."""

    def __init__(self) -> None:
        self._components = 0
        self._can_call = False

    def saw(self, canonical: Iterable[bytes], is_inner: bool) -> None:
        """All sections of canonical functions of one component. Errors: IndexError if one is cut off."""
        self._components += 1
        self._can_call |= any(map(_lowers_async, canonical))
        self._components += is_inner  # it may be instantiated many times

    @property
    def callers(self) -> int:
        """How many components may call each other asynchronously; 1 if none has another to call."""
        return self._components if self._can_call else 1


def _lowers_async(canonical: bytes) -> bool:
    """Whether a section of canonical functions has an async lowering, or what Wasmtime 50 does not know."""
    reader = Reader(canonical)
    for _ in range(reader.number()):
        function = reader.byte()
        is_async = False
        for operand in _OPERANDS.get(function, "?"):
            if operand == "?":
                return True
            if operand == "n":
                reader.number()
            else:
                is_async = _read_options(reader)
        if function == _LOWER and is_async:
            return True
    return False


def _read_options(reader: Reader) -> bool:
    """Reads a list of options: whether `async` is among them."""
    options = []
    for _ in range(reader.number()):
        options.append(reader.byte())
        if options[-1] in _OPTIONS_WITH_INDEX:
            reader.number()
    return _ASYNC in options
