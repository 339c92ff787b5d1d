"""The canonical functions of a component, as Binary.md of the component model encodes them."""

from __future__ import annotations

from typing import Final

LIFT: Final = 0x00
LOWER: Final = 0x01

# Options of canonical functions.
MEMORY: Final = 0x03
REALLOC: Final = 0x04
POST_RETURN: Final = 0x05
ASYNC: Final = 0x06
CALLBACK: Final = 0x07
CORE_TYPE: Final = 0x08
OF_CORE_FUNC: Final = (REALLOC, POST_RETURN, CALLBACK)
"""Those followed by the index of a core function."""
WITH_INDEX: Final = (MEMORY, CORE_TYPE, *OF_CORE_FUNC)

OPERANDS: Final = {
    **dict.fromkeys((0x05, 0x0D, 0x1E, 0x1F, 0x22, 0x23, 0x24, 0x25, 0x26, 0x28, 0x42), ""),
    **dict.fromkeys((0x02, 0x03, 0x04, 0x06, 0x0C, 0x0E, 0x13, 0x14, 0x15, 0x1A, 0x1B), "n"),
    **dict.fromkeys((0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x2E, 0x2F, 0x40), "n"),
    **dict.fromkeys((0x0A, 0x0B, 0x11, 0x12, 0x18, 0x19, 0x20, 0x21, 0x27, 0x41), "nn"),
    **dict.fromkeys((0x0F, 0x10, 0x16, 0x17), "no"),
    **dict.fromkeys((0x1C, 0x1D), "o"),
    **dict.fromkeys((LOWER, 0x09), "nno"),
    LIFT: "nfon",
}
"""The parts behind the first byte of each: numbers (`n`), indices of functions (`f`) and lists of options (`o`)."""
