"""The seam below wasi:clocks: what time it is, and the wait for another time.

Theory of operation. A wait is an entry in the event loop's heap of timers; no thread and no polling belongs to it. The
guest's numbers are u64 nanoseconds, up to 584 years: Python's integers hold them, and the event loop caps how long it
sleeps at a time. A timer may fire early (event loops and floats round): whoever is woken looks at the clock again.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod

_S = 1_000_000_000


class Clock(ABC):
    """What time it is for a guest; all of it in nanoseconds."""

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


class OsClock(Clock):
    """The clocks of this machine; `system_offset_ns` puts its calendar forward, or back if negative."""

    def __init__(self, system_offset_ns: int = 0) -> None:
        self._system_offset_ns = system_offset_ns

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC, clock_gettime(2)."""
        return time.monotonic_ns()

    def monotonic_resolution_ns(self) -> int:
        """As the operating system tells it."""
        return _ns(time.get_clock_info("monotonic").resolution)

    def system_ns(self) -> int:
        """CLOCK_REALTIME, clock_gettime(2), with the offset."""
        return time.time_ns() + self._system_offset_ns

    def system_resolution_ns(self) -> int:
        """As the operating system tells it."""
        return _ns(time.get_clock_info("time").resolution)

    async def wait_until(self, monotonic_ns: int) -> None:
        """A timer of the event loop."""
        while (left_ns := monotonic_ns - time.monotonic_ns()) > 0:  # noqa: ASYNC110, nobody sets an event here
            await asyncio.sleep(left_ns / _S)


class VirtualClock(Clock):
    """Time that stands still until `advance`, for tests: frozen, as long as nobody calls that.

    Both clocks move together. A guest that waits for a time that nobody brings about waits for ever.
    """

    def __init__(self, *, system_ns: int = 0, monotonic_ns: int = 0) -> None:
        self._system_offset_ns = system_ns - monotonic_ns
        self._now_ns = monotonic_ns
        self._waits: dict[asyncio.Future[None], int] = {}  # what ends them, and when, in the order of their beginning

    def advance(self, ns: int) -> None:
        """Moves both clocks forward, and ends the waits that are over then. Call it in the thread of the event loop."""
        if ns < 0:
            raise ValueError(f"a monotonic clock cannot go back, by {ns} ns")
        self._now_ns += ns
        over = [done for done, end_ns in self._waits.items() if end_ns <= self._now_ns]
        for done in sorted(over, key=self._waits.__getitem__):
            del self._waits[done]
            if not done.done():  # cancelled just now
                done.set_result(None)

    @property
    def next_ns(self) -> int | None:
        """How long it is until a wait is over; None if nobody waits. `advance(clock.next_ns)` ends that wait."""
        return min(self._waits.values()) - self._now_ns if self._waits else None

    def monotonic_ns(self) -> int:
        """What it was made with, and all that it was advanced."""
        return self._now_ns

    def monotonic_resolution_ns(self) -> int:
        """Every nanosecond counts."""
        return 1

    def system_ns(self) -> int:
        """What it was made with, and all that it was advanced."""
        return self._now_ns + self._system_offset_ns

    def system_resolution_ns(self) -> int:
        """Every nanosecond counts."""
        return 1

    async def wait_until(self, monotonic_ns: int) -> None:
        """Until `advance` has come as far."""
        if monotonic_ns > self._now_ns:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waits[done] = monotonic_ns
            try:
                await done
            finally:
                self._waits.pop(done, None)


def _ns(seconds: float) -> int:
    return max(1, round(seconds * _S))
