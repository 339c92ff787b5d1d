"""Mappings for linear memories: of many addresses, of which the first bytes are accessible.

Those of memories that are gone serve later ones of the same sizes. To empty a mapping takes a third of the time that
unmapping it and making another takes, and a server makes some for each request. No byte reaches another instance: the
kernel takes the pages away, and gives zeros where there were some; and a mapping that a view is left of is not used
again, since that would show what another instance has.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from typing import Final

from wasihost._component.running.images import Image, Kept

_MOST: Final = 16
"""Of one size, and sizes. A mapping that waits has no pages, but addresses, and the kernel's tables for its pages."""
_LARGEST: Final = 128 << 20
"""Bytes that were accessible, for which those tables take up to 256 KiB."""
_EMPTIES: Final = sys.platform == "linux"
"""Elsewhere `MADV_DONTNEED` may leave the bytes as they are."""
_ALL: Final = mmap.PROT_READ | mmap.PROT_WRITE
_NONE: Final = 0
_FLAGS: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

_kept: Kept = {}  # those that hold zeros when they are emptied; an image has others


def address(mapping: mmap.mmap) -> int:
    """Where a mapping begins."""
    return ctypes.addressof(ctypes.c_char.from_buffer(mapping))


def make(accessible: int, total: int, image: Image | None = None) -> tuple[mmap.mmap, Image | None]:
    """A mapping with these sizes, which holds zeros or what the image has, and the image if emptying it brings it back.

    Errors: OSError, MemoryError.
    """
    try:
        return (_kept if image is None else image.kept)[accessible, total].pop(), image
    except LookupError:
        pass
    if image is not None:
        mapping, _ = make(accessible, total)
        return mapping, image if image.put(mapping, address(mapping)) else None
    mapping = _map(total)
    _protect(address(mapping) + accessible, total - accessible, _NONE)
    return mapping, None


def _map(total: int) -> mmap.mmap:
    """A new mapping, writable, or Python would take its views for read-only ones."""
    try:
        return mmap.mmap(-1, total, flags=_FLAGS, prot=_ALL)
    except OSError:  # there may be too few addresses (`ulimit -v`), and those that wait have some
        _kept.clear()
        return mmap.mmap(-1, total, flags=_FLAGS, prot=_ALL)


def give_access(start: int, size: int) -> None:
    """Makes so many bytes from an address accessible. Errors: MemoryError."""
    _protect(start, size, _ALL)


def keep(mapping: mmap.mmap, accessible: int, used: int, image: Image | None) -> bool:
    """Empties a mapping of `make`, which first had so many accessible bytes and now has `used`, for another call.

    False if it is of no use. Errors: BufferError, if a view of it is left.
    """
    if not (_EMPTIES and 0 < used <= _LARGEST):
        return False
    kept = _kept if image is None else image.kept
    sizes = accessible, len(mapping)
    if sizes not in kept and len(kept) == _MOST:
        kept.clear()
    alike = kept.setdefault(sizes, [])
    if len(alike) == _MOST:
        return False
    try:
        mapping.resize(len(mapping))  # to the size that it has: this does nothing but look for views
        mapping.madvise(mmap.MADV_DONTNEED, 0, used)
        if used > accessible:
            _protect(address(mapping) + accessible, used - accessible, _NONE)
    except (OSError, MemoryError):  # its pages are locked, for example
        return False
    alike.append(mapping)
    return True


def _protect(start: int, size: int, access: int) -> None:
    if _libc.mprotect(start, size, access):
        raise MemoryError(f"mprotect failed: {os.strerror(ctypes.get_errno())}")
