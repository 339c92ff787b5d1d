"""Data that memories begin with, see `composition/images.py`.

Theory of operation. The first memory gets a copy. For more than one, the data is in a file in memory, which is mapped
over the pages in question: the kernel makes a page of a memory's own when the guest first writes there. That holds for
a mapping that is used again, too: without its own pages it shows the file.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import Final, TypeAlias

from wasihost._base import forks

Kept: TypeAlias = dict[tuple[int, int], list[mmap.mmap]]
"""Mappings that wait to be used again, by the bytes that are accessible, and all."""

_opening = forks.lock()  # instances in other threads may need the same file
_MAP_FIXED: Final = 0x10  # of all platforms that have `memfd_create`
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.mmap.restype = ctypes.c_void_p


class Image:
    """The bytes of a memory from `start` on, when it begins."""

    def __init__(self, start: int, data: bytes | memoryview) -> None:
        self.kept: Kept = {}
        """Of mappings that show it when they are emptied."""
        self._start = start
        self._data = data
        self._file: int | None = None
        self._is_needed_again = False

    def put(self, mapping: mmap.mmap, base: int) -> bool:
        """Puts it into a new mapping of zeros; whether that will show it again when it is emptied.

        Errors: MemoryError.
        """
        if self._is_needed_again and self._map(base):
            return True
        self._is_needed_again = True
        mapping[self._start : self._start + len(self._data)] = self._data
        return False

    def _map(self, base: int) -> bool:
        """Maps the file; False if there cannot be one. Errors: MemoryError."""
        begin = self._start // mmap.PAGESIZE * mmap.PAGESIZE
        try:
            with _opening:
                file = self._opened(self._start - begin)
        except (OSError, AttributeError):  # no files in memory on this platform, or no descriptors
            return False
        size = self._start - begin + len(self._data)
        access = mmap.PROT_READ | mmap.PROT_WRITE
        if _libc.mmap(base + begin, size, access, mmap.MAP_PRIVATE | _MAP_FIXED, file, 0) != base + begin:
            # Not a copy instead: there may be no pages any more.
            raise MemoryError(f"mmap of a component's data failed: {os.strerror(ctypes.get_errno())}")
        return True

    def _opened(self, offset: int) -> int:
        """The file, in which the data is behind so many zeros."""
        if self._file is None:
            file = os.memfd_create("wasihost")
            try:
                left = memoryview(self._data)
                at = offset
                while left:
                    written = os.pwrite(file, left, at)
                    at += written
                    left = left[written:]
            except BaseException:
                os.close(file)
                raise
            self._file = file
        return self._file

    def __del__(self) -> None:
        if self._file is not None:
            os.close(self._file)
