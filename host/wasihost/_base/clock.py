"""The seam below wasi:clocks and below networks that take time: the time now, and the wait for another time.

Theory of operation. A wait is an entry in the event loop's heap of timers; no thread and no polling belongs to it. The
guest's numbers are u64 nanoseconds, up to 584 years: Python's integers hold them, and the event loop caps how long it
sleeps at a time. A timer may fire early (event loops and floats round): whoever is woken looks at the clock again.

An event loop that keeps a time of its own has it as its attribute `wasihost`, an `OwnTime`; whoever was given no clock
follows it. `wasihost.testing.virtual_loop` makes such loops.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, Protocol

from wasihost._base.frozen import Frozen
from wasihost._base.waiting import Called

NS_PER_S: Final = 1_000_000_000
PASS_NS: Final = 1_000_000
"""How long a busy guest keeps the event loop, and the length of a pass in a loop with a time of its own."""


class Timer(Protocol):
    """A callback that is still to come."""

    def cancel(self) -> None:
        """It will not come; nothing happens if it has."""


class Clock(ABC):
    """The time for a guest; all of it in nanoseconds."""

    @abstractmethod
    def monotonic_ns(self) -> int:
        """Since some moment of its own; never less than it was."""

    @abstractmethod
    def monotonic_resolution_ns(self) -> int:
        """The length of a tick of that."""

    @abstractmethod
    def system_ns(self) -> int:
        """Since 1970-01-01T00:00:00Z; may be set back."""

    @abstractmethod
    def system_resolution_ns(self) -> int:
        """The length of a tick of that."""

    @abstractmethod
    async def wait_until(self, monotonic_ns: int) -> None:
        """Returns when `monotonic_ns()` is not below that; at once if it has passed."""

    @abstractmethod
    def call_later(self, delay_ns: int, callback: Callable[[], None]) -> Timer:
        """Calls `callback` once, when so much time has passed; never at once."""


class OsClock(Clock):
    """The clocks of this machine; `system_offset_ns` puts its calendar forward, or back if negative."""

    def __init__(self, system_offset_ns: int = 0) -> None:
        self._system_offset_ns = system_offset_ns

    def __repr__(self) -> str:
        return f"OsClock({self._system_offset_ns or ''})"

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC, clock_gettime(2)."""
        return time.monotonic_ns()

    def monotonic_resolution_ns(self) -> int:
        """From the operating system."""
        return _ns(time.get_clock_info("monotonic").resolution)

    def system_ns(self) -> int:
        """CLOCK_REALTIME, clock_gettime(2), with the offset."""
        return time.time_ns() + self._system_offset_ns

    def system_resolution_ns(self) -> int:
        """From the operating system."""
        return _ns(time.get_clock_info("time").resolution)

    async def wait_until(self, monotonic_ns: int) -> None:
        """A timer of the event loop."""
        while (left_ns := monotonic_ns - time.monotonic_ns()) > 0:  # noqa: ASYNC110, there is no event to wait for
            await asyncio.sleep(left_ns / NS_PER_S)

    def call_later(self, delay_ns: int, callback: Callable[[], None]) -> Timer:
        """A timer of the running event loop."""
        return asyncio.get_running_loop().call_later(delay_ns / NS_PER_S, callback)


class OwnTime(Frozen):
    """The attribute `wasihost` of an event loop with a time of its own, so that every run goes the same way.

    `seed` is for guests without one. A busy guest keeps the loop for this many polls, and not longer than
    `patience_s` of real time: the speed of this machine must not decide which guest is first.
    """

    clock: Clock
    seed: int
    polls: int
    patience_s: float


def own_time() -> OwnTime | None:
    """The time of the running event loop; None if it is that of this machine, or no loop is running."""
    try:
        return getattr(asyncio.get_running_loop(), "wasihost", None)
    except RuntimeError:
        return None


class RunningClock(Clock):
    """The clock of whichever event loop runs, or of this machine; for networks made without a clock."""

    def monotonic_ns(self) -> int:
        """As the clock in question."""
        return running_clock().monotonic_ns()

    def monotonic_resolution_ns(self) -> int:
        """As the clock in question."""
        return running_clock().monotonic_resolution_ns()

    def system_ns(self) -> int:
        """As the clock in question."""
        return running_clock().system_ns()

    def system_resolution_ns(self) -> int:
        """As the clock in question."""
        return running_clock().system_resolution_ns()

    async def wait_until(self, monotonic_ns: int) -> None:
        """As the clock in question."""
        await running_clock().wait_until(monotonic_ns)

    def call_later(self, delay_ns: int, callback: Callable[[], None]) -> Timer:
        """As the clock in question."""
        return running_clock().call_later(delay_ns, callback)


def settled(clock: Clock | None) -> Clock:
    """The clock itself, or the one that a `RunningClock` or None means now."""
    return running_clock() if clock is None or isinstance(clock, RunningClock) else clock


def running_clock() -> Clock:
    """The clock of the event loop that runs now, or of this machine."""
    own = own_time()
    return _OS_CLOCK if own is None else own.clock


_OS_CLOCK = OsClock()


class _VirtualTimer:
    """An entry in the heap of a virtual clock, by its end and then its number."""

    __slots__ = ("callback", "end_ns", "number")

    def __init__(self, end_ns: int, number: int, callback: Callable[[], None]) -> None:
        self.end_ns = end_ns
        self.number = number
        self.callback: Callable[[], None] | None = callback

    def __lt__(self, other: _VirtualTimer) -> bool:
        return (self.end_ns, self.number) < (other.end_ns, other.number)

    def cancel(self) -> None:
        self.callback = None


class VirtualClock(Clock):
    """Time that only `advance` moves, for tests.

    Both clocks move together. A guest that waits for a time that is never reached waits for ever.
    """

    def __init__(self, *, system_ns: int = 0, monotonic_ns: int = 0) -> None:
        self._system_offset_ns = system_ns - monotonic_ns
        self._now_ns = monotonic_ns
        self._timers: list[_VirtualTimer] = []  # a heap
        self._made = 0

    def __repr__(self) -> str:
        return f"<VirtualClock at {self._now_ns} ns>"

    def advance(self, ns: int) -> None:
        """Moves both clocks forward; each timer that expires on the way fires at its own time.

        Call it in the thread of the event loop. A coroutine whose wait has ended goes on in the loop's next pass.
        """
        if ns < 0:
            raise ValueError(f"a monotonic clock cannot go back, by {ns} ns")
        end_ns = self._now_ns + ns
        while (timer := self._next()) is not None and timer.end_ns <= end_ns:
            heapq.heappop(self._timers)
            self._now_ns = max(self._now_ns, timer.end_ns)
            callback = timer.callback
            timer.callback = None
            assert callback is not None
            callback()
        self._now_ns = end_ns

    @property
    def next_ns(self) -> int | None:
        """How long it is until the next wait ends; None if there is none. `advance(clock.next_ns)` ends it."""
        timer = self._next()
        return None if timer is None else timer.end_ns - self._now_ns

    def monotonic_ns(self) -> int:
        """The time that it was made with, plus all advances."""
        return self._now_ns

    def monotonic_resolution_ns(self) -> int:
        """Every nanosecond counts."""
        return 1

    def system_ns(self) -> int:
        """The time that it was made with, plus all advances."""
        return self._now_ns + self._system_offset_ns

    def system_resolution_ns(self) -> int:
        """Every nanosecond counts."""
        return 1

    async def wait_until(self, monotonic_ns: int) -> None:
        """Until `advance` has come as far."""
        if monotonic_ns > self._now_ns:
            done = Called()
            timer = self.call_later(monotonic_ns - self._now_ns, done)
            try:
                await done
            finally:
                timer.cancel()

    def call_later(self, delay_ns: int, callback: Callable[[], None]) -> Timer:
        """From within `advance`."""
        self._made += 1
        timer = _VirtualTimer(self._now_ns + delay_ns, self._made, callback)
        heapq.heappush(self._timers, timer)
        return timer

    def _next(self) -> _VirtualTimer | None:
        """The first timer that was not cancelled."""
        while self._timers and self._timers[0].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0] if self._timers else None


def _ns(seconds: float) -> int:
    return max(1, round(seconds * NS_PER_S))
