"""`Once`: what is made when it is first wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Calls `make` when it is first called, and gives the same again: `functools.cache`, which costs more to make than
    most of what is made with it.
    """

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make
        self._made: T

    def __call__(self) -> T:
        if self._make is not None:
            self._made = self._make()
            self._make = None
        return self._made
