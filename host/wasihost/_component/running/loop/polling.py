"""The loop that polls a store from asyncio.

Theory of operation. Within a poll the guest runs; the adapter component calls `Rings.turn`, the driver component
`next`. A poll gives control back when Wasmtime has nothing left but tasks that yielded, of which the driver component
is always one.

* No task is runnable when two polls in a row had a round each in which nothing happened: `Driver` waits for `wake`.
* A poll without a round: another task is runnable (a guest that yields, or one stopped by an epoch). Poll on.
* The event loop gets a pass as soon as the caller of an export can go on there, and `PATIENCE` polls after a provider's
  coroutine has begun: a guest that awaits it is found to wait within these, and the pass comes by itself.
  However busy the guest is, the loop gets a pass every millisecond (`scheduling.py`).
* Exceptions of callbacks wait in the context and are raised after the poll. An interrupt waits that long too.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import errno
import os
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn, TypeVar

import wasmtime

from wasihost._base.errors import GuestExit, GuestTrap, LimitError, UnsupportedTypeError, WasihostError
from wasihost._base.limits import Limits
from wasihost._base.waiting import Called
from wasihost._component import ffi
from wasihost._component.reasons import backtrace, reason
from wasihost._component.running.loop import interrupts, shutdown
from wasihost._component.running.loop.epochs import EpochClock
from wasihost._component.running.loop.scheduling import TimeSlice
from wasihost._component.running.loop.suspension import Suspension
from wasihost._component.running.stats import Stats
from wasihost._component.running.store_context import StoreContext
from wasihost._component.running.streams.rings import Rings

HANDLE_LIMIT = (
    "the guest reached Wasmtime's limit of 100,000 handles in one store: resources, streams, futures, calls, on both "
    "sides of the adapter component; that is about 11,000 connections open in both directions"
)
CAME_BACK = (
    "the guest gave back, unread, a stream or future that Python had given it; the adapter component, which then has "
    "both ends, can read only numbers from itself"
)
TASK_LIMIT = "the guest reached Wasmtime's limit of a million tasks, streams, futures and waitable sets in one store"
CALL_LIMIT = (
    "the guest reached Wasmtime's limit for one call of the host: 128 MiB of strings, lists and records, of which each "
    "part counts for more than it has"
)
NO_MEMORY = (
    "the operating system gives this process no more memory or addresses; `ulimit -v` or its container may limit them"
)
# What Wasmtime says, and what it means.
_MEANINGS = {
    "handle limit exceeded": LimitError(HANDLE_LIMIT),
    "resource table has no free keys": LimitError(TASK_LIMIT),
    "fuel allocated for hostcalls has been exhausted": LimitError(CALL_LIMIT),
}
_ENOMEM = os.strerror(errno.ENOMEM)
_BOTH_ENDS = "intra-component future/stream"
_OUR_FRAME = re.compile(r" *0: +0x[0-9a-f]+ - wasihost!")

# What Wasmtime says of our limits: which one, and what for.
_LIMITS = {
    "all fuel consumed": ("fuel", "the guest executed more"),
    "call stack exhausted": ("stack_bytes", "the guest called too deep"),
    "resource limit exceeded: instance count": ("instances", "the component has too many core instances"),
    "resource limit exceeded: table count": ("tables", "the component has too many tables"),
    "resource limit exceeded: memory count": ("memories", "the component has too many memories"),
    "exceeds table limits": ("table_elements", "a table of the component is too large"),
}

PATIENCE = 5
"""Polls in which a guest that awaits what it has just called is found to wait: it may yield once before."""

T = TypeVar("T")


async def outside_of_polls() -> None:
    """Returns when no poll is further up: a provider's coroutine, which begins within one, may run another guest."""
    if shutdown.is_polling():
        await asyncio.sleep(0)


class Stop(enum.Enum):
    """Why a series of polls ends."""

    OVER = enum.auto()
    IDLE = enum.auto()
    PASS = enum.auto()


# Names of their own, for each series of polls looks up five: in the class, that takes 60 ns each with Python 3.11.
OVER, IDLE, PASS = Stop


class Poller:
    """Polls the calls of one store, one at a time."""

    def __init__(self, context: StoreContext, stats: Stats, limits: Limits) -> None:
        self._context = context
        self._stats = stats
        self._limits = limits
        self._cpu_s = 0.0
        self.suspension: Suspension | None = None
        self.when_resumed: Callable[[], None] | None = None
        """Is called once the suspension has ended."""
        self.time_slice = TimeSlice()
        self.others_can_run = False
        """A callback of the event loop can go on, and should soon."""
        self._patience = 0

    async def instantiate(
        self, call: ffi.Call, recording: contextlib.AbstractContextManager[object], clock: EpochClock
    ) -> None:
        """Polls a call that makes an instance, within `recording`, to its end."""
        polls = self._metered(partial(self._poll_for_a_while, call))
        with contextlib.closing(call):
            interrupts.defer()
            try:
                clock.start()
                while not self._poll_within(recording, polls):
                    await self._let_others_run()
            finally:
                clock.stop()
                interrupts.stop_deferring()

    def _poll_within(self, recording: contextlib.AbstractContextManager[object], polls: Callable[[], bool]) -> bool:
        with recording:
            return self.uninterrupted(polls)

    def series(self, call: ffi.Call, rings: Rings) -> Callable[[], Stop]:
        """Polls the call of `drive` until it ends, no task is runnable, or the event loop has to have a pass."""
        return self._metered(partial(self._poll_on, call, rings))

    def started(self) -> None:
        """A provider's coroutine can go on in the event loop."""
        self._patience = PATIENCE

    async def _let_others_run(self) -> None:
        pause_s = self.pause_s()
        if self.suspension is None:
            await asyncio.sleep(pause_s)
        else:
            self.when_resumed = resumed = Called()
            await resumed

    def pause_s(self) -> float:
        """How long others in the event loop shall run, at least for a pass."""
        others_can_run = self.others_can_run
        self.others_can_run = False
        return 0 if others_can_run else self.time_slice.pause_s

    @property
    def failure(self) -> BaseException | None:
        """What has ended the instance, if anything has."""
        return self._context.exception

    def resume(self) -> None:
        """The suspension has ended, or is of no interest any more."""
        resumed = self.when_resumed
        self.when_resumed = None
        if resumed is not None:
            resumed()

    def suspend(self, suspension: Suspension) -> None:
        """The store waits until this has ended."""
        self.suspension = suspension
        suspension.task.add_done_callback(self._resume)

    def _resume(self, task: asyncio.Future[Any]) -> None:
        self.suspension = None
        if not task.cancelled():
            task.exception()  # the instance may end before it asks, and asyncio would log it
        self.resume()

    # ---- polls

    def uninterrupted(self, polls: Callable[[], T]) -> T:
        """Runs polls of this thread, during which no interrupt is delivered."""
        shutdown.begin_poll()
        try:
            return self._context.run_polls(polls)
        finally:
            shutdown.end_poll()
            interrupts.deliver()

    def _metered(self, polls: Callable[[], T]) -> Callable[[], T]:
        """Polls as `polls` does, and counts the time that this thread computes."""
        limit = self._limits.cpu_time_s
        if limit is None:
            return polls

        def metered() -> T:
            before = time.thread_time()
            found = polls()
            self._cpu_s += time.thread_time() - before
            if self._cpu_s > limit:
                raise self._limits.reached("cpu_time_s", "the guest computed longer")
            return found

        return metered

    def _poll_for_a_while(self, call: ffi.Call) -> bool:
        """Polls until the call ends, or the event loop has to have a pass."""
        self.time_slice.begin()
        while not (over := self._poll(call)) and self.suspension is None and not self.time_slice.is_over():
            pass
        return over

    def _poll_on(self, call: ffi.Call, rings: Rings) -> Stop:
        """Polls until the call ends, no task is runnable, or the event loop has to have a pass."""
        was_quiet = False
        rounds = rings.rounds
        self.time_slice.begin()
        while True:
            rings.is_quiet = True
            if self._poll(call):
                return OVER
            if self.others_can_run or self.suspension is not None:
                return PASS
            before = rounds
            rounds = rings.rounds
            is_quiet = rings.is_quiet and rounds != before
            if is_quiet and was_quiet and not rings.is_wanted:
                self._patience = 0
                return IDLE
            if self._patience:
                self._patience -= 1
                self.others_can_run = not self._patience
            was_quiet = is_quiet
            if self.time_slice.is_over():
                return PASS

    def _poll(self, call: ffi.Call) -> bool:
        """Runs the guest until it can go no further; raises what stopped it for good."""
        if self._context.exception is not None:
            raise self._context.exception
        self._stats.polls += 1
        trap: wasmtime.WasmtimeError | None = None
        over = False
        try:
            over = call.poll()
        except wasmtime.WasmtimeError as error:
            trap = error
        if trap is not None or self._context.exception is not None:
            self._raise(trap)
        return over

    def _raise(self, trap: wasmtime.WasmtimeError | None) -> NoReturn:
        kept = self._context.exception
        for found in (kept, trap):
            if isinstance(found, wasmtime.WasmtimeError) and (meaning := self._meaning(found)) is not None:
                raise meaning from None
        if kept is not None:
            raise kept
        if isinstance(trap, wasmtime.ExitTrap):  # from wasi:cli/exit of Wasmtime's own WASI 0.2
            raise GuestExit(trap.code)
        assert trap is not None
        raise GuestTrap(reason(trap), *backtrace(trap)) from None

    def _meaning(self, error: wasmtime.WasmtimeError) -> WasihostError | None:
        """What an error of Wasmtime means beside that it is one."""
        words = reason(error)
        for said, (name, what) in _LIMITS.items():
            if said in words:
                return self._limits.reached(name, f"{what}: {words}", backtrace(error))
        for said, meaning in _MEANINGS.items():
            if said in words:
                return type(meaning)(*meaning.args)
        if _ENOMEM in words:
            return LimitError(f"{NO_MEMORY}: {words}")
        if _BOTH_ENDS in words and _is_in_adapter(backtrace(error)):  # else the guest did that with its own
            return UnsupportedTypeError(CAME_BACK)
        return None


def _is_in_adapter(frames: list[str]) -> bool:
    """Whether the innermost frame of a backtrace is of our generated components."""
    return len(frames) > 1 and _OUR_FRAME.match(frames[1]) is not None
