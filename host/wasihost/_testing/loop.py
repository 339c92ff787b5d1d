"""An asyncio event loop in virtual time: it moves when nothing else can run.

    with asyncio.Runner(loop_factory=virtual_loop) as runner:      # Python 3.11
        runner.run(main())
    asyncio.run(main(), loop_factory=virtual_loop)                 # Python 3.12

Theory of operation. It is asyncio's own selector event loop, with a clock and a selector of ours. Where the loop would
sleep until its next timer, the selector puts the clock forward instead. So a callback takes no time at all, and
time-outs of minutes end in milliseconds, in the same order in every run. The rest of the world has a time of its
own, which no program can put forward:

| under way | the loop |
|---|---|
| a job in an executor (`asyncio.to_thread`, a guest's lookup) | waits for it in real time; virtual time stops |
| real sockets and pipes | looks before each step of time whether they are ready, and waits where there is no timer |
| nothing: no timer, no job, no file descriptor | raises a DeadlockError that lists the waiting tasks |

Guests follow it: clocks, a seed for random numbers, how long a busy guest keeps the loop (`clock.OwnTime`).
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, TypeVar

from wasihost._base.clock import NS_PER_S, Clock, OwnTime, Timer
from wasihost._base.errors import DeadlockError

T = TypeVar("T")

START_NS = 1_577_836_800_000_000_000
"""The calendar time of a new virtual loop: 2020-01-01T00:00:00Z."""
MONOTONIC_START_NS = NS_PER_S
"""The monotonic time of a new virtual loop: the runtime of Go does not start if it is zero."""
_POLLS = 100
_PATIENCE_S = 1.0


def virtual_loop(*, seed: int = 0, system_ns: int = START_NS) -> VirtualLoop:
    """A new event loop in virtual time; `seed` is for guests without one, `system_ns` their calendar time."""
    return VirtualLoop(seed, system_ns)


def run_virtual(main: Coroutine[Any, Any, T], *, seed: int = 0, system_ns: int = START_NS) -> T:
    """As `asyncio.run`, in virtual time. Errors: DeadlockError, and any exception of `main`."""
    with asyncio.Runner(loop_factory=lambda: virtual_loop(seed=seed, system_ns=system_ns)) as runner:
        return runner.run(main)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Made by `virtual_loop`."""

    def __init__(self, seed: int, system_ns: int) -> None:
        self._now_ns = 0
        self._jobs = 0
        super().__init__(_Selector(self._advance))
        self.wasihost = OwnTime(LoopClock(self, system_ns), seed, _POLLS, _PATIENCE_S)
        """The time that guests and networks follow."""

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now_ns / NS_PER_S

    @property
    def _clock_resolution(self) -> float:
        # Timers this close are due at the same time for asyncio. After some weeks a float cannot tell nanoseconds
        # apart, and with the nanosecond that it has otherwise a timer would never be due.
        return max(1 / NS_PER_S, 2 * math.ulp(self.time()))

    @_clock_resolution.setter
    def _clock_resolution(self, seconds: float) -> None:
        """asyncio's own."""

    @property
    def now_ns(self) -> int:
        """The same in nanoseconds."""
        return self._now_ns

    def _advance(self, timeout: float | None, descriptors: int) -> bool:
        """Moves the time by as much as the loop would sleep; False: it has to wait in real time."""
        if self._jobs:
            return False
        if timeout is not None:
            self._now_ns += math.ceil(timeout * NS_PER_S)
            return True
        if descriptors > 1:  # one is the loop's own
            return False
        raise DeadlockError(_waits(self))

    # ---- work in real time

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """A job, for which time stops."""
        job = super().run_in_executor(executor, func, *args)
        self._jobs += 1
        job.add_done_callback(self._job_done)
        return job

    def _job_done(self, _job: object) -> None:
        self._jobs -= 1

    async def shutdown_default_executor(self, *arguments: Any) -> None:
        """In real time."""
        self._jobs += 1
        try:
            await super().shutdown_default_executor(*arguments)
        finally:
            self._jobs -= 1


class _Selector(selectors.DefaultSelector):
    """Puts the time forward instead of sleeping."""

    def __init__(self, advance: Callable[[float | None, int], bool]) -> None:
        super().__init__()
        self._advance = advance

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0) or self._advance(timeout, len(self.get_map())):
            return found
        return super().select(None)


class LoopClock(Clock):
    """The time of a virtual loop; `system_ns` is the calendar time at its beginning."""

    def __init__(self, loop: VirtualLoop, system_ns: int) -> None:
        self._loop = loop
        self._system_offset_ns = system_ns

    def monotonic_ns(self) -> int:
        """Since a second before the loop was made."""
        return self._loop.now_ns + MONOTONIC_START_NS

    def monotonic_resolution_ns(self) -> int:
        """Every nanosecond counts."""
        return 1

    def system_ns(self) -> int:
        """The calendar time at the beginning, plus all time that has passed since."""
        return self._loop.now_ns + self._system_offset_ns

    def system_resolution_ns(self) -> int:
        """Every nanosecond counts."""
        return 1

    async def wait_until(self, monotonic_ns: int) -> None:
        """A timer of the loop."""
        while (left_ns := monotonic_ns - self.monotonic_ns()) > 0:  # noqa: ASYNC110, there is no event to wait for
            await asyncio.sleep(self._seconds(left_ns))

    def call_later(self, delay_ns: int, callback: Callable[[], None]) -> Timer:
        """A timer of the loop."""
        return self._loop.call_later(self._seconds(delay_ns), callback)

    def _seconds(self, delay_ns: int) -> float:
        at_least = 4 * math.ulp(self._loop.time())  # for asyncio, closer timers are due at the same time
        return max(delay_ns / NS_PER_S, at_least)


def _waits(loop: asyncio.AbstractEventLoop) -> str:
    tasks = sorted(f"  {task.get_name()}: {where(task)}" for task in asyncio.all_tasks(loop))
    what = "\n".join(tasks) or "  there is no task, and the loop was asked to run on"
    return f"nothing can ever happen any more: no timer, no job, no file descriptor is left. These wait:\n{what}"


def where(task: asyncio.Task[Any]) -> str:
    """Where a task is, and which coroutine it awaits there in the end."""
    places = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame: FrameType | None = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None:
            places.append(f"{frame.f_code.co_qualname} ({frame.f_code.co_filename}:{frame.f_lineno})")
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return " awaits ".join(dict.fromkeys([*places[:1], *places[-1:]])) or repr(task)
