"""Lists of bytes that go through the guest's window, see `composition/window.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from wasihost._base.errors import ProviderError
from wasihost._base.limits import Limits
from wasihost._component.conversion.mismatch import Mismatch
from wasihost._component.conversion.numbers import NoRoom, SharedLists, needed, placer
from wasihost._component.running.imports.callbacks import Conclude, result_of
from wasihost._component.running.imports.providers import Method
from wasihost._component.running.memory import LinearMemory
from wasihost._component.values import Classes
from wasihost._component.world import types
from wasihost._component.world.passages import BYTES, Passage

_place = placer(types.List(types.U8))
_mismatch = Mismatch(Classes(types.Interface({})), {})


class Window:
    """The window of one instance, if it has one, and the calls whose bytes go through it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lists = SharedLists(limits)
        self._kept: Any = None  # a result for which the guest makes room, and then calls again

    def use_memory(self, memory: LinearMemory) -> None:
        """The window, as soon as it is made."""
        self._lists.memory = memory

    def release_memory(self) -> None:
        """The memory is gone."""
        self._lists = SharedLists(self._limits)

    def passing(self, method: Method, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call as the guest makes it: with a length in place of the list of bytes."""
        if method.passage is None:
            return call
        return self._taking(call) if method.passage is Passage.TAKES else self._giving(method.path, call)

    def _taking(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def take(this: Any, length: int) -> Any:
            return call(this, self._lists.read(0, length))

        return take

    def _giving(self, path: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def give(this: Any, most: int) -> Any:
            kept = self._kept
            if kept is not None:
                self._kept = None
                return self.give(path, kept)
            found = call(this, most)
            return found if hasattr(found, "__await__") else self.give(path, found)

        return give

    def give(self, path: str, value: Any) -> int:
        """Puts a result into the window: its length, also if it does not fit."""
        lists = self._lists
        lists.give_room(0, lists.memory.size)
        try:
            return _place(value, lists)[1]
        except NoRoom:
            self._kept = value
            return self._size_of(path, value)
        except Exception as error:
            wrong = _mismatch.message(BYTES, value)
            raise (ProviderError(f"{path}: {wrong}") if wrong else error) from error

    def _size_of(self, path: str, value: Any) -> int:
        size_of = needed(BYTES)
        assert size_of is not None
        size = size_of(value)
        if size > self._limits.list_bytes:
            raise self._limits.reached("list_bytes", f"{path}: a list of {size} bytes")
        return size


def concluding(method: Method) -> Conclude:
    """What makes the result of a call that waited."""
    path = method.path

    def conclude(machine: Any, task: asyncio.Future[Any]) -> int:
        length: int = machine.window.give(path, task.result())
        return length

    return conclude if method.passage is Passage.GIVES else result_of
