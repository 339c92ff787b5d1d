"""`MemoryContent`: the bytes of a file in memory.

Theory of operation. They are in blocks of a mebibyte, so that a file that grows is not copied again and again, as one
`bytearray` would be. The first blocks grow as a `bytearray` does. Each further one is mapped, with all its pages at
once, since a page fault takes longer than writing the page; so a file takes at most a quarter more memory than it has
bytes. A block may be shorter than a mebibyte, or None if nothing was written there: the rest, up to `size`, is zeros.
"""

from __future__ import annotations

import mmap
from typing import Final

BLOCK: Final = 1 << 20
_GROWING: Final = 4  # blocks
_AT_ONCE: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_POPULATE", 0)


class MemoryContent:
    """Bytes that can be read and written at any offset."""

    __slots__ = ("_blocks", "size")

    def __init__(self) -> None:
        self._blocks: list[bytearray | mmap.mmap | None] = []
        self.size = 0

    def __bytes__(self) -> bytes:
        return bytes(self.read(self.size, 0))

    def read(self, size: int, offset: int) -> bytes | memoryview:
        """At most `size` bytes from `offset` on; a view must not be kept."""
        end = min(offset + size, self.size)
        index, start = divmod(offset, BLOCK)
        if end <= (index + 1) * BLOCK:
            return self._part(index, start, max(end - offset, 0))
        parts = [self._part(index, start, BLOCK - start)]
        parts += [self._part(at // BLOCK, 0, min(BLOCK, end - at)) for at in range((index + 1) * BLOCK, end, BLOCK)]
        return b"".join(parts)

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Puts `data` at `offset`, after zeros if that is beyond the end."""
        end = offset + len(data)
        view = memoryview(data)
        while view:
            index, start = divmod(end - len(view), BLOCK)
            self._put(index, start, view[: BLOCK - start])
            view = view[BLOCK - start :]
        if data:
            self.size = max(self.size, end)

    def set_size(self, size: int) -> None:
        """Cuts them off, or adds zeros."""
        if size < self.size:
            kept = -(-size // BLOCK)
            del self._blocks[kept:]
            last = self._blocks[-1] if kept == len(self._blocks) and kept else None
            if last is not None:
                self._blocks[-1] = bytearray(memoryview(last)[: size - (kept - 1) * BLOCK])
        self.size = size

    def _part(self, index: int, start: int, size: int) -> bytes | memoryview:
        """So many bytes of one block."""
        block = self._blocks[index] if index < len(self._blocks) else None
        if block is None:
            return bytes(size)
        found = memoryview(block)[start : start + size]
        return found if len(found) == size else bytes(found) + bytes(size - len(found))

    def _put(self, index: int, start: int, part: memoryview) -> None:
        while index >= len(self._blocks):
            self._blocks.append(None)
        block = self._blocks[index]
        if block is None:
            block = self._blocks[index] = bytearray() if index < _GROWING else mmap.mmap(-1, BLOCK, _AT_ONCE)
        if isinstance(block, bytearray):
            if start == len(block):
                block += part
                return
            block += bytes(max(start + len(part) - len(block), 0))
        memoryview(block)[start : start + len(part)] = part  # a slice of `block` itself would take a copy first
