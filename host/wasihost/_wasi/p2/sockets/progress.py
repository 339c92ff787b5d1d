"""What `start-…` began and `finish-…` has to end, one thing at a time for each socket.

Theory of operation. Work begins in `start-…`, as the WIT asks of an implementor. What it gives at once, or fails with,
is kept for `finish-…`; if the policy or the peer takes time, that is a task, and the socket's pollable is ready when it
has ended.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from wasihost._component.values import WitError
from wasihost._wasi.p2.sockets.errors import ErrorCode, awaited

T = TypeVar("T")


class Step(enum.Enum):
    """What can be in progress."""

    BIND = "bind"
    CONNECT = "connect"
    LISTEN = "listen"


class Progress:
    """What is in progress on one socket."""

    def __init__(self) -> None:
        self.step: Step | None = None
        self._task: asyncio.Task[Any] | None = None
        self._outcome: Any = None

    def check_idle(self) -> None:
        """Errors: `concurrency-conflict`."""
        if self.step is not None:
            raise WitError(ErrorCode.CONCURRENCY_CONFLICT)

    def start(self, step: Step, outcome: object) -> None:
        """Begins a step: with what it gave, an awaitable of that, or the `WitError` that it failed with."""
        self.step = step
        if isinstance(outcome, Awaitable):
            self._task = asyncio.ensure_future(awaited(outcome))
        else:
            self._outcome = outcome

    def finish(self, step: Step) -> Any:
        """What the step gave. Errors: `not-in-progress`, `would-block`, and what it failed with."""
        if self.step is not step:
            raise WitError(ErrorCode.NOT_IN_PROGRESS)
        if not self.is_ready:
            raise WitError(ErrorCode.WOULD_BLOCK)
        task = self._task
        outcome = self._outcome
        self.step = None
        self._task = None
        self._outcome = None
        if task is not None:
            return task.result()
        if isinstance(outcome, WitError):
            raise outcome
        return outcome

    @property
    def is_ready(self) -> bool:
        """Whether `finish` would not give `would-block`."""
        return self._task is None or self._task.done()

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Calls back when the task has ended."""
        assert self._task is not None
        self._task.add_done_callback(lambda _: callback())

    def cancel(self) -> Any:
        """The socket is dropped. Gives what a step left to be closed."""
        if self._task is not None:
            self._task.cancel()
        return self._outcome
