"""Whether components inside of a component can call one another asynchronously: Wasmtime 50 ends the process for that.

Theory of operation. A call that is lowered with `async`, and whose callee returns at once, leaves its task in the store
for ever, 400 bytes each. After a million Wasmtime panics where it cannot be caught ("attempted to drop in-progress
fiber"), which took 3 seconds. Calls of our adapter component are counted (`hostcalls.CALLS_IN_ROUND`), those inside of
the guest nobody sees. What the caller and the callee need is in the binary: a section of canonical functions each, and
`async` among the options of a lowering. Only the outermost component is known to be instantiated once, so that one
alone may have both. Binary.md of the component model has the encoding; sections are searched rather than read, since
other canonical functions may stand between, so this may find what is none, but misses nothing.
"""

from __future__ import annotations

import re

_LEB = rb"[\x80-\xff]{0,4}[\x00-\x7f]"
_OPTION = rb"(?:[\x00-\x02\x06\x09]|[\x03-\x05\x07\x08]" + _LEB + rb")"
# canon ::= 0x01 0x00 f:<funcidx> opts:vec(<canonopt>), with an `async` (0x06) among the options.
_ASYNC_LOWER = rb"\x01\x00" + _LEB + _LEB + rb"(?=" + _OPTION + rb"{0,14}?\x06)"


class Nesting:
    """What has been seen of a component and those inside of it."""

    def __init__(self) -> None:
        self._components = 0
        self._can_call = False

    def saw(self, canonical: bytes, is_inner: bool) -> None:
        """All sections of canonical functions of one component."""
        self._components += 1
        self._can_call |= bool(re.search(_ASYNC_LOWER, canonical, re.DOTALL))
        self._components += is_inner  # it may be instantiated many times

    @property
    def callers(self) -> int:
        """How many components may call each other asynchronously; 1 if nobody has whom to call."""
        return self._components if self._can_call else 1
