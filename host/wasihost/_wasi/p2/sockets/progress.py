"""The steps that `start-…` begins and `finish-…` ends, one at a time for each socket.

Theory of operation. Work begins in `start-…`, as the WIT asks of an implementor. An immediate result or failure
is kept for `finish-…`; if the policy or the peer takes time, that is a task, and the socket's pollable is ready when it
has ended. The guest waits for a policy in `start-bind` and `start-listen`, as in Wasmtime: C libraries do not expect
`would-block` of the calls that finish them.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from wasihost._base import eager
from wasihost._component.values import WitError
from wasihost._wasi.failures import Failure
from wasihost._wasi.p2.sockets.errors import ErrorCode, attempt
from wasihost._wasi.sockets.access import Refused

T = TypeVar("T")


class Begun(Generic[T]):
    """A call of a core that takes time, and goes on while the guest does something else."""

    __slots__ = ("_outcome", "future")

    def __init__(self, found: Awaitable[T]) -> None:
        self._outcome: T | Failure | Refused | None = None
        # It begins at once, so that giving it up reaches the core, which knows the parts to close.
        self.future = eager.begin(self._run(found))

    async def _run(self, found: Awaitable[T]) -> None:
        try:
            self._outcome = await found
        except (Failure, Refused) as error:
            self._outcome = error.with_traceback(None)  # which the guest may never ask for, or again and again

    @property
    def has_ended(self) -> bool:
        """Whether there is a result."""
        return self.future.done()

    def when_ended(self, callback: Callable[[], None]) -> None:
        """Calls back when there is a result."""
        self.future.add_done_callback(lambda _: callback())

    def result(self) -> T:
        """The result of the call. Errors: Failure, Refused, and those for the embedder."""
        self.future.result()
        outcome: Any = self._outcome
        if isinstance(outcome, Failure | Refused):
            raise outcome.with_traceback(None)
        result: T = outcome
        return result

    def cancel(self) -> T | None:
        """Gives the call up; its result, if it has one."""
        self.future.cancel()
        outcome = self._outcome
        return None if isinstance(outcome, Failure | Refused) else outcome


class Step(enum.Enum):
    """The steps that can be in progress."""

    BIND = "bind"
    CONNECT = "connect"
    LISTEN = "listen"


class Progress:
    """The step in progress on one socket."""

    def __init__(self) -> None:
        self.step: Step | None = None
        self._outcome: Any = None

    def check_idle(self) -> None:
        """Errors: `concurrency-conflict`."""
        if self.step is not None:
            raise WitError(ErrorCode.CONCURRENCY_CONFLICT)

    def start(self, step: Step, outcome: object) -> Awaitable[None] | None:
        """Begins a step: with its result, an awaitable of that, or the `WitError` that it failed with.

        Returns the end of the step to wait for, if it takes time.
        """
        self.step = step
        self._outcome = Begun(outcome) if isinstance(outcome, Awaitable) else outcome
        return None if self.is_ready else self._outcome.future

    def finish(self, step: Step) -> Any:
        """The result of the step. Errors: `not-in-progress`, `would-block`, and the failure of the step."""
        if self.step is not step:
            raise WitError(ErrorCode.NOT_IN_PROGRESS)
        if not self.is_ready:
            raise WitError(ErrorCode.WOULD_BLOCK)
        outcome = self._outcome
        self.step = None
        self._outcome = None
        if isinstance(outcome, Begun):
            return attempt(outcome.result)
        if isinstance(outcome, WitError):
            raise outcome
        return outcome

    @property
    def is_ready(self) -> bool:
        """Whether `finish` would not give `would-block`."""
        return not isinstance(self._outcome, Begun) or self._outcome.has_ended

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Calls back when the step has ended; only where it takes time."""
        self._outcome.when_ended(callback)

    def cancel(self) -> Any:
        """The socket is dropped: gives up the step. The result that `finish` did not fetch, or None."""
        outcome = self._outcome
        if isinstance(outcome, Begun):
            return outcome.cancel()
        return None if isinstance(outcome, WitError) else outcome
