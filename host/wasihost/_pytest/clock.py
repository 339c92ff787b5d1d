"""The time of a test, whoever runs its event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wasihost._base.clock import NS_PER_S, Clock, OsClock, Timer, VirtualClock, own_time
from wasihost._testing.loop import MONOTONIC_START_NS, START_NS


class BenchClock(Clock):
    """The time of a test's event loop, if that is a virtual one; else that of this machine.

    After `hold`, which the fixture `wasi_clock` calls, it is not this machine's: only `advance` moves it.
    """

    def __init__(self, loop: Callable[[], asyncio.AbstractEventLoop | None]) -> None:
        self._loop = loop  # for a test that asks while its loop does not run
        self._held: VirtualClock | None = None

    def hold(self) -> None:
        """Stops time until `advance`, unless it is the virtual loop's."""
        self._held = self._held or VirtualClock(system_ns=START_NS, monotonic_ns=MONOTONIC_START_NS)

    @property
    def is_virtual(self) -> bool:
        """Whether it moves by itself, when nothing else can happen."""
        return self._loop_clock() is not None

    @property
    def seconds(self) -> float:
        """How much time has passed in this test, in time that is not this machine's."""
        return (self.monotonic_ns() - MONOTONIC_START_NS) / NS_PER_S

    @property
    def next_seconds(self) -> float | None:
        """How long it is until the next wait that `advance` ends; None if there is none."""
        found = None if self._held is None else self._held.next_ns
        return None if found is None else found / NS_PER_S

    def advance(self, seconds: float) -> None:
        """Moves time forward, and fires the timers until then; see `VirtualClock.advance`.

        Errors: RuntimeError on a virtual loop, whose time moves by itself.
        """
        if self.is_virtual:
            raise RuntimeError("the time of a virtual event loop moves by itself: use asyncio.sleep() instead")
        self.hold()
        assert self._held is not None
        self._held.advance(round(seconds * NS_PER_S))

    # ---- Clock

    def monotonic_ns(self) -> int:
        return self._now().monotonic_ns()

    def monotonic_resolution_ns(self) -> int:
        return self._now().monotonic_resolution_ns()

    def system_ns(self) -> int:
        return self._now().system_ns()

    def system_resolution_ns(self) -> int:
        return self._now().system_resolution_ns()

    async def wait_until(self, monotonic_ns: int) -> None:
        await self._now().wait_until(monotonic_ns)

    def call_later(self, delay_ns: int, callback: Callable[[], None]) -> Timer:
        return self._now().call_later(delay_ns, callback)

    def _now(self) -> Clock:
        return self._loop_clock() or self._held or _OS_CLOCK

    def _loop_clock(self) -> Clock | None:
        own = own_time() or getattr(self._loop(), "wasihost", None)
        return None if own is None else own.clock


_OS_CLOCK = OsClock()
