"""`wasi:clocks/monotonic-clock`."""

from __future__ import annotations

import asyncio

from wasihost._base.clock import NS_PER_S, PASS_NS, Clock, Timer, own_time
from wasihost._wasi.p2.io.poll import Pollable, Subject


class Alarm(Subject):
    """Ready from a time on. One that has passed already is not at the first look, which has to wait a pass of the event
    loop: a guest that polls such timers round and round must not keep the host from its work, nor a loop with a time of
    its own from moving that.
    """

    def __init__(self, clock: Clock, end_ns: int) -> None:
        super().__init__()
        self._clock = clock
        self._end_ns = end_ns
        self._timer: Timer | None = None
        self._is_put_off = end_ns <= clock.monotonic_ns()

    def _is_ready(self) -> bool:
        if self._is_put_off:
            self._is_put_off = False
            return False
        return self._clock.monotonic_ns() >= self._end_ns

    def _watch(self) -> None:
        left_ns = self._end_ns - self._clock.monotonic_ns()
        if left_ns > 0:
            self._timer = self._clock.call_later(left_ns, self._changed)
        else:
            pass_s = 0 if own_time() is None else PASS_NS / NS_PER_S
            self._timer = asyncio.get_running_loop().call_later(pass_s, self._changed)

    def _released(self) -> None:
        super()._released()
        if self._timer is not None:
            self._timer.cancel()


class MonotonicClock:
    """Provider of wasi:clocks/monotonic-clock. Instants and durations are in nanoseconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> int:
        """WIT: `now: func() -> instant`."""
        return self._clock.monotonic_ns()

    def resolution(self) -> int:
        """WIT: `resolution: func() -> duration`."""
        return self._clock.monotonic_resolution_ns()

    def subscribe_instant(self, when: int) -> Pollable:
        """WIT: `subscribe-instant: func(when: instant) -> pollable`; ready from then on, never too early."""
        return Pollable(Alarm(self._clock, when))

    def subscribe_duration(self, when: int) -> Pollable:
        """WIT: `subscribe-duration: func(when: duration) -> pollable`; beyond the end of the clock is never."""
        return Pollable(Alarm(self._clock, self._clock.monotonic_ns() + when))
