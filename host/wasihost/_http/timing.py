"""Time limits by a clock of the host.

`within` is for awaiting. `Deadline` is for limits set at every message and mostly met: its timer stays when it
is, and looks again when it fires.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType

from wasihost._base.clock import NS_PER_S, Clock, Timer
from wasihost._http.errors import ErrorCode, HttpError


def within(clock: Clock, seconds: float | None, code: ErrorCode) -> contextlib.AbstractAsyncContextManager[None]:
    """Cancels the body of the `with` after so many seconds, and raises an HttpError of that code; None: never."""
    return contextlib.nullcontext() if seconds is None else _Within(clock, round(seconds * NS_PER_S), code)


class TimeLimit(contextlib.AbstractAsyncContextManager[None]):
    """For bodies of a `with`, one after the other: those that run when it expires, or begin later, are cancelled, and
    raise an HttpError of that code.
    """

    def __init__(self, code: ErrorCode) -> None:
        self._code = code
        self._has_expired = False
        self._scope: asyncio.Timeout | None = None  # of the body that runs

    def expire(self) -> None:
        """The time has passed."""
        self._has_expired = True
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def __aenter__(self) -> None:
        self._scope = asyncio.timeout(None)
        await self._scope.__aenter__()
        if self._has_expired:
            self.expire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        scope = self._scope
        self._scope = None
        assert scope is not None
        try:
            await scope.__aexit__(kind, error, traceback)
        except TimeoutError:  # not one of the body, which goes on by itself
            raise HttpError(self._code) from None


class _Within(TimeLimit):
    """As a class, since a generator takes twice the time, which counts where each request has a limit."""

    def __init__(self, clock: Clock, limit_ns: int, code: ErrorCode) -> None:
        super().__init__(code)
        self._clock = clock
        self._limit_ns = limit_ns
        self._timer: Timer

    async def __aenter__(self) -> None:
        await super().__aenter__()
        self._timer = self._clock.call_later(self._limit_ns, self.expire)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await super().__aexit__(kind, error, traceback)


class Deadline:
    """Calls `expired` when the time that was set last has come."""

    def __init__(self, clock: Clock, expired: Callable[[], None]) -> None:
        self._clock = clock
        self._expired = expired
        self._due_ns: int | None = None
        self._timer: Timer | None = None
        self._timer_ns = 0

    def set(self, seconds: float) -> None:
        """So long from now, whatever was set before."""
        due_ns = self._due_ns = self._clock.monotonic_ns() + round(seconds * NS_PER_S)
        if self._timer is not None and due_ns < self._timer_ns:
            self._stop()
        if self._timer is None:
            self._start(due_ns)

    def clear(self) -> None:
        """Never, unless it is set again."""
        self._due_ns = None

    def close(self) -> None:
        """Never again: forgets the timer, and what it calls, which may refer to this."""
        self._stop()
        self._expired = _nothing

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self, due_ns: int) -> None:
        self._timer_ns = due_ns
        self._timer = self._clock.call_later(due_ns - self._clock.monotonic_ns(), self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due_ns is None:
            return
        if self._due_ns > self._clock.monotonic_ns():
            self._start(self._due_ns)
        else:
            self._due_ns = None
            self._expired()


def _nothing() -> None:
    pass
