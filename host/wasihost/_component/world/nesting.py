"""Whether components inside of a component can call one another asynchronously: Wasmtime 50 ends the process for that.

Theory of operation. A call that is lowered with `async`, and whose callee returns at once, leaves its task in the store
for ever, 400 bytes each. After a million Wasmtime panics where it cannot be caught ("attempted to drop in-progress
fiber"), which took 3 seconds. Calls of our adapter component are counted (`pauses.CALLS_IN_ROUND`), those inside of
the guest cannot be. The needs of the caller and the callee are in the binary: a section of canonical functions each,
and `async` among the options of a lowering. Only the outermost component is known to be instantiated once, so that one
alone may have both.
"""

from __future__ import annotations

from collections.abc import Iterable

from wasihost._component.world.canonical import ASYNC, LOWER, OPERANDS, WITH_INDEX
from wasihost._component.world.sections import Reader


class Nesting:
    """The facts about a component and those inside of it, as far as it has been read."""

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
    """Whether a section of canonical functions has an async lowering, or one that Wasmtime 50 does not know."""
    reader = Reader(canonical)
    for _ in range(reader.number()):
        function = reader.byte()
        is_async = False
        for operand in OPERANDS.get(function, "?"):
            if operand == "?":
                return True
            if operand == "o":
                is_async = _read_options(reader)
            else:
                reader.number()
        if function == LOWER and is_async:
            return True
    return False


def _read_options(reader: Reader) -> bool:
    """Reads a list of options: whether `async` is among them."""
    options = []
    for _ in range(reader.number()):
        options.append(reader.byte())
        if options[-1] in WITH_INDEX:
            reader.number()
    return ASYNC in options
