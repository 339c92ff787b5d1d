"""Time limits by a clock of the host.

`within` is for awaiting. `Deadline` is for limits set at every message and mostly met: its timer stays when it
is, and looks again when it fires.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from wasihost._base.clock import NS_PER_S, Clock, Timer
from wasihost._http.errors import ErrorCode, HttpError


@contextlib.asynccontextmanager
async def within(clock: Clock, seconds: float | None, code: ErrorCode) -> AsyncIterator[None]:
    """Cancels the body of the `with` after so many seconds, and raises an HttpError of that code; None: never."""
    if seconds is None:
        yield
        return
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as limit:
            timer = clock.call_later(round(seconds * NS_PER_S), lambda: limit.reschedule(loop.time()))
            try:
                yield
            finally:
                timer.cancel()
    except TimeoutError:
        if not limit.expired():  # an OSError of the body
            raise
        raise HttpError(code) from None


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
