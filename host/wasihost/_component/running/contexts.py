"""In whose context (`contextvars`) a guest's calls of the host run.

Theory of operation. Every call of an export has a copy of its caller's context, as an asyncio task has. The driver
component makes one call at a time and goes on when the call has returned or waits: up to then all that the guest does
is that call's. Wasmtime does not say which task of the guest makes a call of the host later. So what follows the first
wait is the call's too if the call was made alone and no other has been made since, and otherwise belongs to whoever
opened the instance. A call is not alone if another is under way, or has left something behind that could resume a task
of it, or has resumed one in the same round.

Polls run in the context that holds when they begin, so that callbacks need no switch. `switched` is another one that
holds meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from typing import TypeVar

T = TypeVar("T")


class CallerContexts:
    """The contexts of one instance."""

    def __init__(self) -> None:
        self.switched: Context | None = None
        """Where callbacks run; None: as the poll does."""
        self.open_here()

    def open_here(self) -> None:
        """The caller opens the instance, in which nothing runs yet."""
        self.caller_context = copy_context()
        """The one that holds."""
        self._opened = self.caller_context
        self._later = self.caller_context
        self._polled = self.caller_context

    def run_first(self, context: Context, is_alone: bool) -> None:
        """The guest runs a call with this context up to its first wait."""
        self._later = context if is_alone else self._opened
        self.caller_context = context
        self.switched = None if context is self._polled else context

    def run_later(self) -> None:
        """The guest runs anything else."""
        later = self._later
        self.caller_context = later
        self.switched = None if later is self._polled else later

    def run_polls(self, polls: Callable[[], T]) -> T:
        """Runs polls of the guest in the context that holds now."""
        self._polled = self.caller_context
        self.switched = None
        return self._polled.run(polls)
