"""In whose context (`contextvars`) a guest's calls of the host run.

Theory of operation. Every call of an export has a copy of its caller's context, as an asyncio task has. The driver
component makes one call at a time and goes on when the call has returned or waits: up to then all that the guest does
is that call's. Wasmtime does not say which task of the guest makes a call of the host later. So what follows the first
wait is the call's too if the call began alone and no other has begun since, and otherwise belongs to whoever opened the
instance. A call is not alone if another is under way, or has left something behind that could resume a task of it.

Polls run in the context that holds when they begin, so that callbacks need no switch. `switched` is another one that
holds meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from typing import TypeVar

T = TypeVar("T")


class Callers:
    """The contexts of one instance."""

    def __init__(self) -> None:
        self.switched: Context | None = None
        """Where callbacks run; None: as the poll does."""
        self.open_here()

    def open_here(self) -> None:
        """The caller opens the instance, which nothing runs in yet."""
        self.current = self._opened = self._later = self._polled = copy_context()
        self._is_first_run = False

    def begin(self, context: Context, is_alone: bool) -> None:
        """A call begins: what is no first run belongs to it from now on, or to whoever opened the instance."""
        self._later = later = context if is_alone else self._opened
        if not self._is_first_run:
            self._switch(later)

    def run(self, call: Context | None) -> None:
        """The guest runs a call with this context up to its first wait; None: anything else."""
        self._is_first_run = call is not None
        context = self._later if call is None else call
        if context is not self.current:
            self._switch(context)

    def _switch(self, context: Context) -> None:
        self.current = context
        self.switched = None if context is self._polled else context

    def run_polls(self, polls: Callable[[], T]) -> T:
        """Runs polls of the guest in the context that holds now."""
        self._polled, self.switched = self.current, None
        return self._polled.run(polls)
