"""What `rust-everything` wants to read."""

from __future__ import annotations


class Counting:
    """A stdin without end: the bytes 0 to 255, over and over."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self, count: int) -> bytes:
        data = bytes(range(self._next, 256))[:count]
        self._next = (self._next + len(data)) % 256
        return data
