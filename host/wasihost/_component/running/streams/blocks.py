"""Blocks: pieces of the adapter component's memory that hold bytes only while they move.

There are many small ones, and a few large ones for streams that move in bulk: a block costs a turn of Python, whatever
its size. While more streams move than there are large blocks, all get small ones, so that none gets more than another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from wasihost._base.limits import LARGEST_BUFFER
from wasihost._component.composition.protocol import (
    BLOCK_COUNT,
    BLOCK_SIZE,
    BLOCKS,
    LARGE_BLOCK_COUNT,
    LARGE_BLOCK_SIZE,
    LARGE_BLOCKS,
)

BULK = BLOCK_SIZE // 2
"""A stream that gave or took so many bytes at once moves in bulk: its next block is a large one."""


class Block:
    """A piece of memory; `view` are its bytes."""

    __slots__ = ("address", "size", "view")

    def __init__(self, memory: memoryview, address: int, size: int) -> None:
        self.address = address
        self.size = size
        self.view = memory[address : address + size]


class _Pool:
    """Free blocks of one size; a block is made when it is first needed."""

    def __init__(self, memory: memoryview, address: int, size: int, count: int) -> None:
        self._memory = memory
        self._address = address
        self._size = size
        self._unmade = count
        self.free: list[Block] = []

    def take(self) -> Block | None:
        if self.free:
            return self.free.pop()
        if not self._unmade:
            return None
        self._unmade -= 1
        return Block(self._memory, self._address + self._unmade * self._size, self._size)


class Blocks:
    """The blocks of one adapter component's memory, as many as make up `limit` bytes."""

    def __init__(self, memory: memoryview, limit: int = LARGEST_BUFFER) -> None:
        self._large_count = min(LARGE_BLOCK_COUNT, limit // 2 // LARGE_BLOCK_SIZE)
        self._small_count = min(BLOCK_COUNT, (limit - self._large_count * LARGE_BLOCK_SIZE) // BLOCK_SIZE)
        self._small = _Pool(memory, BLOCKS, BLOCK_SIZE, self._small_count)
        self._large = _Pool(memory, LARGE_BLOCKS, LARGE_BLOCK_SIZE, self._large_count)
        self._wanting: deque[Callable[[], None]] = deque()
        self._calling_back = False
        self._taken = 0
        self.completions = 0  # of the turn under way

    def close(self) -> None:
        """There are none any more."""
        self._small = _Pool(memoryview(b""), 0, 0, 0)
        self._large = self._small
        self._wanting.clear()

    def take(self, bulk: bool = False) -> Block | None:
        """A free block, a large one for a stream that moves in bulk if possible; None when all are in use: `want`."""
        is_crowded = max(self._taken, self.completions) >= self._large_count
        block = (self._large if bulk and not is_crowded else self._small).take()
        self._taken += block is not None
        return block

    @property
    def has_many(self) -> bool:
        """Whether a pump may keep its block while it waits for more."""
        return self._taken < self._small_count // 4

    def want(self, callback: Callable[[], None]) -> None:
        """Calls back when a block is free."""
        self._wanting.append(callback)

    def give(self, block: Block) -> None:
        """The block is free again."""
        self._taken -= 1
        (self._small if block.size == BLOCK_SIZE else self._large).free.append(block)
        if self._calling_back:
            return  # who gives its block back in the callback: the loop further up goes on
        self._calling_back = True
        try:
            while self._wanting and self._small.free:
                self._wanting.popleft()()
        finally:
            self._calling_back = False
