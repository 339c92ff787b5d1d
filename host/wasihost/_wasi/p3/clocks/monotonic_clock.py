"""wasi:clocks/monotonic-clock."""

from __future__ import annotations

from wasihost._base.clock import Clock


class MonotonicClock:
    """Provider of wasi:clocks/monotonic-clock. Marks and durations are in nanoseconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> int:
        """WIT: `now: func() -> mark`."""
        return self._clock.monotonic_ns()

    def get_resolution(self) -> int:
        """WIT: `get-resolution: func() -> duration`."""
        return self._clock.monotonic_resolution_ns()

    async def wait_until(self, when: int) -> None:
        """WIT: `wait-until: async func(when: mark)`.

        Never too early; at once if the mark has passed.
        """
        await self._clock.wait_until(when)

    async def wait_for(self, how_long: int) -> None:
        """WIT: `wait-for: async func(how-long: duration)`.

        Never too short. A wait beyond the end of the clock, 2^64 ns, is one that does not end.
        """
        await self._clock.wait_until(self._clock.monotonic_ns() + how_long)
