"""Mappings of linear memories that are gone, for memories of the same sizes.

To empty a mapping takes a third of the time that unmapping it and making another takes, and a server makes some for
each request. No byte reaches another instance: the kernel takes the pages away, and gives zeros where there were some;
and a mapping that a view is left of is not used again, since that would show what another instance has.
"""

from __future__ import annotations

import mmap
import sys
from typing import Final

_MOST: Final = 16
"""Of one size, and sizes. A mapping that waits has no pages, but addresses, and the kernel's tables for its pages."""
_LARGEST: Final = 128 << 20
"""Bytes that are accessible, for which those tables take up to 256 KiB."""
_EMPTIES: Final = sys.platform == "linux"
"""Elsewhere `MADV_DONTNEED` may leave the bytes as they are."""

_kept: dict[tuple[int, int], list[mmap.mmap]] = {}  # by the bytes that are accessible, and all


def take(accessible: int, total: int) -> mmap.mmap | None:
    """A mapping with these sizes, which holds zeros, if there is one."""
    try:
        return _kept[accessible, total].pop()
    except LookupError:
        return None


def keep(mapping: mmap.mmap, accessible: int) -> bool:
    """Empties a mapping for `take`; False if it is of no use. Errors: BufferError, if a view of it is left."""
    if not (_EMPTIES and 0 < accessible <= _LARGEST):
        return False
    sizes = accessible, len(mapping)
    if sizes not in _kept and len(_kept) == _MOST:
        _kept.clear()
    alike = _kept.setdefault(sizes, [])
    if len(alike) == _MOST:
        return False
    try:
        mapping.resize(len(mapping))  # to the size that it has: this does nothing but look for views
        mapping.madvise(mmap.MADV_DONTNEED, 0, accessible)
    except OSError:  # its pages are locked, for example
        return False
    alike.append(mapping)
    return True
