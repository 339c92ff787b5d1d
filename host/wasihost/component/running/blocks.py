"""Blocks: pieces of the adapter component's memory that hold bytes only while they move.

There are many small ones, and a few large ones for streams that move in bulk: a block costs a turn of Python, whatever
its size. While many streams move there are small ones only, so that none of them gets more than another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from wasihost.component.composition.protocol import (
    BLOCK_COUNT,
    BLOCK_SIZE,
    BLOCKS,
    LARGE_BLOCK_COUNT,
    LARGE_BLOCK_SIZE,
    LARGE_BLOCKS,
)

# With more streams than this in one turn, or with blocks, none gets a large one.
_CROWD = LARGE_BLOCK_COUNT // 2


def block_size(block: int) -> int:
    """The size of the block at this address."""
    return LARGE_BLOCK_SIZE if block >= LARGE_BLOCKS else BLOCK_SIZE


class Blocks:
    """The free blocks; a block is its address."""

    def __init__(self) -> None:
        self._small = list(range(BLOCKS, BLOCKS + BLOCK_COUNT * BLOCK_SIZE, BLOCK_SIZE))
        self._large = list(range(LARGE_BLOCKS, LARGE_BLOCKS + LARGE_BLOCK_COUNT * LARGE_BLOCK_SIZE, LARGE_BLOCK_SIZE))
        self._wanting: deque[Callable[[], None]] = deque()
        self._crowded = False

    def begin_turn(self, completions: int) -> None:
        """So many operations were completed at once."""
        free = len(self._small) + len(self._large)
        self._crowded = max(completions, BLOCK_COUNT + LARGE_BLOCK_COUNT - free) > _CROWD

    def take(self, bulk: bool = False) -> int | None:
        """A free block, a large one for a stream that moves in bulk if possible; None when all are in use: `want`."""
        if bulk and self._large and not self._crowded:
            return self._large.pop()
        return self._small.pop() if self._small else None

    @property
    def has_many(self) -> bool:
        """Whether a pump may keep its block while it waits for more."""
        return len(self._small) > BLOCK_COUNT * 3 // 4

    def want(self, callback: Callable[[], None]) -> None:
        """Calls back when a block is free."""
        self._wanting.append(callback)

    def give(self, block: int) -> None:
        """The block is free again."""
        (self._large if block >= LARGE_BLOCKS else self._small).append(block)
        while self._wanting and self._small:
            self._wanting.popleft()()
