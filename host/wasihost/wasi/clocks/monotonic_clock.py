"""The interface `wasi:clocks/monotonic-clock`."""

from __future__ import annotations

import asyncio
import time


class MonotonicClock:
    """The clock of the event loop's machine: `time.monotonic_ns`."""

    def now(self) -> int:
        """WIT: `now: func() -> mark`; nanoseconds."""
        return time.monotonic_ns()

    def get_resolution(self) -> int:
        """WIT: `get-resolution: func() -> duration`; nanoseconds."""
        return max(1, round(time.get_clock_info("monotonic").resolution * 1e9))

    async def wait_until(self, when: int) -> None:
        """WIT: `wait-until: async func(when: mark)`; returns at once if the mark has passed."""
        await self.wait_for(when - time.monotonic_ns())

    async def wait_for(self, how_long: int) -> None:
        """WIT: `wait-for: async func(how-long: duration)`; nanoseconds, rounded up by the event loop."""
        await asyncio.sleep(max(0, how_long) / 1e9)
