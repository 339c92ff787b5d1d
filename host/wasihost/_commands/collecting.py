"""Python's garbage collector, where the process is the command's alone.

A closed instance leaves it nothing, unless it trapped. But looking costs time, and if it looks seldom at the oldest
objects, hundreds of instances that trapped are there by then, which holds all requests up for 30 to 60 ms.
"""

from __future__ import annotations

import gc
from typing import Final

_THRESHOLDS: Final = (3000, 2, 1)
"""It looks through new objects after so many; soon after through older ones, and through all if they have grown by a
quarter: often, and so for a short time.
"""
_is_ours = False


def begin() -> None:
    """The process begins; all modules that it has imported stay."""
    global _is_ours
    _is_ours = True
    gc.set_threshold(*_THRESHOLDS)
    gc.freeze()


def loaded() -> None:
    """All objects that exist now stay too: the collector does not look at them again."""
    if _is_ours:
        gc.freeze()
