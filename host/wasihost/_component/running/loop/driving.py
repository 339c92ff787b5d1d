"""What polls `drive` from an instance's first call to its end: callbacks of the event loop.

A task would have to be made for each instance, and cancelled when that is closed; for an instance that serves one
request, both take longer than all of its polls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from functools import partial

from wasihost._base.errors import DeadlockError
from wasihost._component import ffi
from wasihost._component.running.loop import interrupts, shutdown
from wasihost._component.running.loop.epochs import EpochClock
from wasihost._component.running.loop.polling import OVER, PASS, Poller, Stop
from wasihost._component.running.streams.rings import Rings


class Driver:
    """Polls the call of `drive`, which `begin` makes, as long as there is something to do.

    `deadlock` says what an idle guest waits for in vain, None as long as something is under way. `failed` gets the
    error that ended the call. The callbacks run in `context`.
    """

    def __init__(
        self,
        poller: Poller,
        clock: EpochClock,
        begin: Callable[[], ffi.Call],
        rings: Rings,
        deadlock: Callable[[], str | None],
        failed: Callable[[BaseException], None],
        context: Context,
    ) -> None:
        self._poller = poller
        self._clock = clock
        self._begin = begin
        self._rings = rings
        self._deadlock = deadlock
        self._failed = failed
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._call: ffi.Call | None = None
        self._series: Callable[[], Stop]
        self._is_deferring = False
        self._is_timed = False
        self._is_waiting = False
        self._is_over = False
        self._handle: asyncio.Handle | None = None
        self._soon(self._start)

    def wake(self) -> None:
        """There is something to do: polls again, in the next pass of the event loop."""
        if self._is_waiting:
            self._is_waiting = False
            self._soon(self._poll)

    def run(self, ready: Callable[[], None]) -> None:
        """Runs what an event made ready, and polls: for a callback of the event loop that has nothing else to do.

        As `ready` and `wake`, but a pass of the event loop less: that counts where one stream waits for another.
        """
        if not self._is_waiting or shutdown.is_polling():
            ready()
            return
        self._is_waiting = False  # what is done now needs no waking
        self._take(partial(self._poll, ready))

    def stop(self) -> None:
        """Polls no more; not to be called within a poll."""
        if self._is_over:
            return
        self._is_over = True
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._call is not None:
            self._call.close()
        if self._is_deferring:
            interrupts.stop_deferring()
        if self._is_timed:
            self._clock.stop()

    # ---- callbacks

    def _soon(self, step: Callable[[], None], delay_s: float = 0) -> None:
        if delay_s:
            self._handle = self._loop.call_later(delay_s, self._take, step, context=self._context)
        else:
            self._handle = self._loop.call_soon(self._take, step, context=self._context)

    def _take(self, step: Callable[[], None]) -> None:
        """Takes a step; an error in it ends the call."""
        try:
            step()
        except BaseException as error:
            self._end(error)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise

    def _start(self) -> None:
        self._call = self._begin()
        self._series = self._poller.series(self._call, self._rings)
        interrupts.defer()
        self._is_deferring = True
        self._poll()

    def _poll(self, ready: Callable[[], None] | None = None) -> None:
        if not self._is_timed:
            self._is_timed = True
            self._clock.start()
        if ready is not None:
            ready()
        self._go_on(self._poller.uninterrupted(self._series))

    def _go_on(self, stop: Stop) -> None:
        if stop is OVER:
            self.stop()
        elif stop is PASS:
            pause_s = self._poller.pause_s()
            if self._poller.suspension is None:
                self._soon(self._poll, pause_s)
            else:
                self._poller.when_resumed = self._resumed
        elif self._deadlock() is None:
            self._wait()
        else:
            self._soon(self._look_again)  # what was resolved just now is reported in the next pass

    def _resumed(self) -> None:
        if not self._is_over:
            self._soon(self._poll)

    def _look_again(self) -> None:
        if self._rings.is_wanted or self._poller.failure is not None:
            self._poll()
        elif (reason := self._deadlock()) is None:
            self._wait()
        else:
            raise DeadlockError(reason)

    def _wait(self) -> None:
        self._is_waiting = True
        self._is_timed = False
        self._clock.stop()

    def _end(self, error: BaseException) -> None:
        self.stop()
        if isinstance(error, StopIteration):  # which no future takes; a coroutine makes this of it
            cause = error
            error = RuntimeError("coroutine raised StopIteration")
            error.__cause__ = cause
        self._failed(error)
