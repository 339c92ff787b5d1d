"""`Once`: an object made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Calls `make` when it is first called, and returns the same again: `functools.cache`, which costs more to make
    than most of the objects made with it.
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
